"""Modules made of modules."""

from collections.abc import Iterator
from typing import Any

from handmade._array import Array, require_like
from handmade.nn.module import Module, accumulate_gradients


class Sequential(Module):
    """Layers one after the other.

    Forward:
        y = fₖ(… f₂(f₁(x)))

    Backward:
        The chain rule: ∂L/∂x = f₁′(f₂′(… fₖ′(∂L/∂y))), the layers in reverse.

    Args:
        modules: the layers; each must be an object of its own, since a layer keeps
            one forward pass for its backward pass.

    Raises:
        ValueError: one module stands at two places. Torch allows that; here the second
            forward would overwrite what the first one saved.

    Torch:
        `torch.nn.Sequential`: the names in `state_dict` are "0.weight", "1.weight", ….
    """

    _order: list[Module] | None = None
    """The layers, once asked for; None again as soon as an attribute changes."""

    def __init__(self, *modules: Module) -> None:
        for index, module in enumerate(modules):
            if not isinstance(module, Module):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"{type(self).__name__}: module {index} must be a handmade "
                    f"Module, got {type(module).__name__}"
                )
            setattr(self, str(index), module)
        inside = [inner for module in modules for inner in module.modules()]
        if len({id(module) for module in inside}) < len(inside):
            raise ValueError(
                f"{type(self).__name__}: one module stands at two places; "
                f"construct a module for each place"
            )

    def forward(self, x: Array) -> Array:
        for module in self._layers():
            x = module(x)
        return x

    def backward(self, grad_output: Array) -> Array:
        for module in reversed(self._layers()):
            grad_output = module.backward(grad_output)
        return grad_output

    def acc_grad_parameters(self, grad_output: Array) -> None:
        layers = self._layers()
        for module in reversed(layers[1:]):
            grad_output = module.backward(grad_output)
        for first in layers[:1]:
            accumulate_gradients(first, grad_output)

    def _layers(self) -> list[Module]:
        if self._order is None:
            vars(self)["_order"] = [layer for _, layer in self.named_children()]
        return self._order or []

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        vars(self).pop("_order", None)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        vars(self).pop("_order", None)

    def __iter__(self) -> Iterator[Module]:
        """The layers in order."""
        return iter(self._layers())

    def __len__(self) -> int:
        """How many layers."""
        return len(self._layers())

    def __getitem__(self, index: int) -> Module:
        """The layer at `index`."""
        return self._layers()[index]


class Residual(Sequential):
    """Layers that learn what to add to their input, which has a way around them.

    Forward:
        y = x + f(x), f being the layers one after the other

    Backward:
        ∂L/∂x = ∂L/∂y + ∂L/∂y · f′(x): however small f′ is, ∂L/∂y arrives.

    Shape:
        x, f(x) and y alike: nothing broadcasts.

    Args:
        modules: the layers of f.

    Torch:
        None; `torch_ref.nn.Residual` is written forward-only. The names in `state_dict`
        are those of `Sequential`.
    """

    def forward(self, x: Array) -> Array:
        change = super().forward(x)
        require_like("Residual", "f(x)", change, x)
        return x + change

    def backward(self, grad_output: Array) -> Array:
        return grad_output + super().backward(grad_output)
