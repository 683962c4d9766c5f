"""Module and Parameter: the forward/backward contract of layers and losses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from handmade._array import (
    Array,
    array_namespace,
    check,
    converted,
    is_count,
    require_shape,
)
from handmade._numbers import members


class _NothingSaved(RuntimeError, AttributeError):
    """Backward before forward; for `hasattr`, a module that has no `saved` yet."""


class Parameter:
    """An array that training changes, and the gradient of the loss by it.

    `grad` is None until a backward pass has reached the parameter, as in torch.
    """

    def __init__(self, data: Array) -> None:
        self.data: Array = data
        self.grad: Array | None = None
        self._own: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the data."""
        return tuple(self.data.shape)

    def writable(self) -> Array:
        """The data in an array that may be written into: at first, a copy.

        What a caller has put into `data` is never changed. What `update` has put there
        is, as in torch, also where `state_dict` has handed it out or a caller has put
        it into the `data` of another parameter: give that one a copy.
        """
        return self.data if self.data is self._own else 1 * self.data

    def update(self, data: Array) -> None:
        """Take over new data, an array that nobody else writes into."""
        self.data = self._own = data

    def accumulate(self, grad: Array) -> None:
        """Add `grad` to the gradient held so far: two backward passes count twice.

        Raises:
            ValueError: `grad` does not have the shape of the data.
        """
        if grad.shape != self.data.shape:
            require_shape("Parameter", "grad", grad, self.shape)
        self.grad = grad if self.grad is None else self.grad + grad

    def __repr__(self) -> str:
        """The data, labelled."""
        return f"Parameter({self.data!r})"


class Module:
    """A differentiable function with parameters.

    A subclass writes `forward`, which keeps in `self.saved` what the derivative needs,
    and `backward`, which turns ∂L/∂output into ∂L/∂input and accumulates ∂L/∂θ into
    each parameter θ. Parameters and inner modules are found as attributes; arrays that
    belong to the state but are not trained are named in `buffer_names`.

    Backward:
        May be called again after one forward; it then accumulates again, where torch
        asks for `retain_graph=True`.

    Stability:
        What overflows becomes infinite, and ∞ − ∞ and ∞ · 0 are NaN, as in torch. NumPy
        may warn of it, as it is set up to (`numpy.errstate`), but of nothing that is
        no part of the answer.

    Torch:
        `torch.nn.Module`: same names; `backward` is ours, autograd's work done by hand.

    Source:
        The forward/backward contract is the one of Lua Torch's `nn`.
    """

    training: bool = True
    buffer_names: tuple[str, ...] = ()
    """Attributes that are an array of the state (a loss's class weights, running
    statistics, a count), or None."""
    needs_input_grad: bool = True
    """Whether `backward` must return ∂L/∂input. Training sets it to False on the first
    layer, whose input is data; `backward` may then return None instead."""
    takes_half: bool = False
    """Whether it may be given arrays of float16 or bfloat16: where torch.autocast lets
    a layer compute in them. Norms, softmax and losses need float32."""

    def forward(self, *args: Any, **kwargs: Any) -> Array:
        """The value; keeps in `self.saved` what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, grad_output: Array) -> Array:
        """∂L/∂input from ∂L/∂output; accumulates ∂L/∂θ into every parameter θ."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def __call__(self, *inputs: Array) -> Array:
        """The same as `forward`."""
        return self.forward(*inputs)

    def __getattr__(self, name: str) -> Any:
        """Reached only for what is missing: say so in the contract's own words."""
        if name == "saved":
            raise _NothingSaved(
                f"{type(self).__name__}.backward was called before forward: "
                f"there is nothing saved to differentiate"
            )
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules directly inside this one, by attribute name."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def modules(self) -> Iterator["Module"]:
        """This module and all inside it, outermost first."""
        yield self
        for _, child in self.named_children():
            yield from child.modules()

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Each parameter once, with its dotted name, in the order of definition."""
        found: dict[Parameter, str] = {}
        for name, holder, _ in self._state():
            if isinstance(holder, Parameter):
                found.setdefault(holder, name)
        return ((name, parameter) for parameter, name in found.items())

    def _state(self) -> Iterator[tuple[str, "Parameter | Module", str]]:
        """Every array of the state: its dotted name, who holds it, as what attribute.

        In torch's order: own parameters, own buffers, then the inner modules.
        """
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value, "data"
        for name in self.buffer_names:
            if getattr(self, name) is not None:
                yield name, self, name
        for name, child in self.named_children():
            for inner, holder, attribute in child._state():
                yield f"{name}.{inner}", holder, attribute

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Each array of the state that is not trained, with its dotted name."""
        for name, holder, attribute in self._state():
            if isinstance(holder, Module):
                yield name, getattr(holder, attribute)

    def parameters(self) -> Iterator[Parameter]:
        """Each parameter once, in the order of definition."""
        return (parameter for _, parameter in self.named_parameters())

    def zero_grad(self) -> None:
        """Forget all gradients: they become None."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Array]:
        """Every parameter's data and every buffer by name: the arrays, not copies."""
        return {name: getattr(holder, at) for name, holder, at in self._state()}

    def load_state_dict(self, state_dict: dict[str, Array]) -> None:
        """Copy every array of `state_dict` into the parameter or buffer of its name.

        Nothing is changed unless all names, shapes and dtypes fit.

        Raises:
            TypeError: `state_dict` is no dict.
            RuntimeError: a name is missing or unexpected, a shape differs, a value is
                no array of float32 or float64, or a count where numbers belong, or the
                other way round.
        """
        own, owner = self.state_dict(), f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{owner}: expected a dict, got {type(state_dict).__name__}"
            )
        if own.keys() != state_dict.keys():
            raise RuntimeError(
                f"{owner}: missing {sorted(own.keys() - state_dict.keys())}, "
                f"unexpected {sorted(state_dict.keys() - own.keys())}"
            )
        try:
            for name, array in own.items():
                require_kind(owner, name, state_dict[name], array)
                require_shape(owner, name, state_dict[name], array.shape)
        except (TypeError, ValueError) as error:
            raise RuntimeError(str(error)) from error
        place = next((a for a in own.values() if not is_count(a)), None)
        for name, holder, attribute in self._state():
            like = place if is_count(own[name]) else own[name]
            setattr(holder, attribute, converted(state_dict[name], like))

    def to(self, other: Array) -> Self:
        """Move the whole state to the library, dtype and device of the array `other`.

        Gradients are forgotten.

        Raises:
            TypeError: `other`, or an array of the state, is neither float32 nor
                float64; nothing is moved then.

        Torch:
            `torch.nn.Module.to(tensor)`; here the library may change, too.
        """
        check("to", other=other)
        for name, array in self.state_dict().items():
            require_kind("to", name, array, array)
        for _, holder, attribute in self._state():
            setattr(holder, attribute, converted(getattr(holder, attribute), other))
        self.zero_grad()
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and in all inner modules."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode: the same as `train(False)`."""
        return self.train(False)


def require_module(owner: str, name: str, given: Any) -> None:
    """Refuse what is no handmade Module.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(given, Module):
        raise TypeError(
            f"{owner}: {name} must be a handmade Module, got {type(given).__name__}"
        )


def require_distinct(owner: Module, modules: Iterable[Module]) -> None:
    """Refuse one module at two places: it keeps one forward pass for its backward pass.

    Raises:
        ValueError: there is one.
    """
    inside = [inner for module in modules for inner in module.modules()]
    if len({*map(id, inside)}) < len(inside):
        raise ValueError(
            f"{type(owner).__name__}: one module stands at two places; construct one "
            f"for each place"
        )


def require_kind(owner: str, name: str, array: Array, like: Array) -> None:
    """Refuse `array` unless it is a count where `like` is one, and floating elsewhere.

    Raises:
        TypeError: it is not.
    """
    if not is_count(like):
        check(owner, **{name: array})
        return
    array_namespace(owner, **{name: array})
    if not is_count(array):
        raise TypeError(
            f"{owner}: {name} must be one whole number, got {array.dtype} of shape "
            f"{tuple(array.shape)}"
        )


def parameters_of(owner: str, given: Any) -> list[Parameter]:
    """One Parameter or several, as a list.

    Raises:
        TypeError: there is something else among them.
    """
    every = members(given)
    for parameter in every:
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"{owner}: expected handmade Parameters, got {type(parameter).__name__}"
            )
    return every
