"""One way to build and feed a class, and what it is built of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.testing.draws import Draw


@dataclass(frozen=True)
class Layer:
    """A layer, or its weight, among the constructor arguments of a class.

    Args:
        name: of the class in `nn`.
        args: its constructor arguments.
        weight: whether not the layer itself is meant, but its parameter `weight`.
    """

    name: str
    args: tuple[Any, ...] = ()
    weight: bool = False

    def built(self, nn: Any) -> Any:
        """The same of a library's `nn`."""
        made = getattr(nn, self.name)(*resolved(self.args, nn))
        return made.weight if self.weight else made


def layer(name: str, *args: Any) -> Layer:
    """A layer with these arguments."""
    return Layer(name, args)


def weight(*shape: int) -> Layer:
    """A parameter of shape (outputs, inputs): a linear layer's."""
    return Layer("Linear", shape[::-1], weight=True)


def resolved(value: Any, nn: Any) -> Any:
    """Constructor arguments with every layer in them built from `nn`."""
    if isinstance(value, Layer):
        return value.built(nn)
    if isinstance(value, (list, tuple)):
        return type(value)(resolved(inner, nn) for inner in value)
    return value


@dataclass(frozen=True)
class Case:
    """One way to build and feed a class.

    Args:
        name: of the class in `nn` or `optim`.
        inputs: what forward is given; only the first is differentiated by.
        args: constructor arguments by position.
        kwargs: by name; a `Draw` among them is drawn first.
        note: what is special here.
        training: the mode; False asks for evaluation mode.
        shapes: of the parameters that an optimiser is given.
    """

    name: str
    inputs: tuple[Draw, ...] = ()
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    training: bool = True
    shapes: tuple[tuple[int, ...], ...] = ((3, 2), (2,), ())

    @property
    def id(self) -> str:
        """How tests and messages call it."""
        said = [_said(a) for a in self.args]
        said += [f"{k}={_said(v)}" for k, v in self.kwargs.items()]
        words = [] if self.training else ["eval"]
        words += [self.note] if self.note else []
        return " ".join([f"{self.name}({', '.join(said)})", *words])

    def drawn(self, rng: np.random.Generator) -> dict[str, Any]:
        """The keyword arguments with every `Draw` drawn."""
        return {k: v(rng) if callable(v) else v for k, v in self.kwargs.items()}


def _said(value: Any) -> str:
    if isinstance(value, Layer):
        return f"{value.name}{'.weight' if value.weight else ''}"
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_said, value))})"
    return "…" if callable(value) else str(value)


def case(
    name: str,
    *inputs: Draw,
    args: tuple[Any, ...] = (),
    note: str = "",
    training: bool = True,
    **kwargs: Any,
) -> Case:
    """A case in the fewest words: whatever has no name here is a keyword argument."""
    return Case(name, inputs, args, kwargs, note, training)


def rng_of(case: Case) -> np.random.Generator:
    """The generator that belongs to a case: the same in every order of tests."""
    return np.random.default_rng(list(case.id.encode()))
