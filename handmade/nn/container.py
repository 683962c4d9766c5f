"""Containers of modules: Sequential, Residual."""

from collections.abc import Iterator

from handmade._array import Array, check_alike
from handmade.nn.module import Module, require_distinct, require_module


class Sequential(Module):
    """Composition of layers.

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

    def __init__(self, *modules: Module) -> None:
        for index, module in enumerate(modules):
            require_module(type(self).__name__, f"module {index}", module)
            setattr(self, str(index), module)
        require_distinct(self, modules)

    def forward(self, x: Array) -> Array:
        for module in self._layers():
            x = module(x)
        return x

    def backward(self, grad_output: Array) -> Array:
        for module in reversed(self._layers()):
            grad_output = module.backward(grad_output)
        return grad_output

    def _layers(self) -> list[Module]:
        return [value for value in vars(self).values() if isinstance(value, Module)]

    @property
    def needs_input_grad(self) -> bool:  # pyright: ignore
        """Whether the first layer must return ∂L/∂x."""
        return all(first.needs_input_grad for first in self._layers()[:1])

    @needs_input_grad.setter
    def needs_input_grad(self, needed: bool) -> None:  # pyright: ignore
        for first in self._layers()[:1]:  # there may be none
            first.needs_input_grad = needed

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
    """Residual block: layers with a skip connection.

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

    needs_input_grad = True  # pyright: ignore
    """Also of the layers: their first one's ∂L/∂x is part of the sum."""
    takes_half = True

    def forward(self, x: Array) -> Array:
        change = super().forward(x)
        check_alike(self, x, change, names=("x", "f(x)"))
        return x + change

    def backward(self, grad_output: Array) -> Array:
        return grad_output + super().backward(grad_output)
