"""How to build a class and what to feed it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.testing.draws import Draw

Give = Callable[[np.ndarray], Any]
"""Turns a NumPy array into one of the library under test."""


@dataclass(frozen=True)
class Layer:
    """A layer of `nn` (or its parameter `weight`) among the arguments of a class."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    weight: bool = False

    def __repr__(self) -> str:
        """The layer as code."""
        call = f"nn.{self.name}({', '.join(map(repr, self.args))})"
        return f"{call}.weight" if self.weight else call


def layer(name: str, *args: Any) -> Layer:
    """A layer with these arguments."""
    return Layer(name, args)


def weight(*shape: int) -> Layer:
    """A parameter of shape (outputs, inputs): a linear layer's."""
    return Layer("Linear", shape[::-1], weight=True)


def resolved(value: Any, nn: Any, give: Give | None = None) -> Any:
    """An argument, or a nest of them, with `Layer`s built, and arrays converted."""
    if isinstance(value, Layer):
        args, kwargs = resolved((value.args, value.kwargs), nn, give)
        made = getattr(nn, value.name)(*args, **kwargs)
        return made.weight if value.weight else made
    if isinstance(value, (list, tuple)):
        return type(value)(resolved(inner, nn, give) for inner in value)
    if isinstance(value, Mapping):
        return {name: resolved(inner, nn, give) for name, inner in value.items()}
    return give(value) if give and isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Case:
    """One way to build a class of `nn` or `optim`, and to feed it.

    A `Draw` among the keyword arguments is drawn first; `shapes` are those of the
    parameters of an optimizer. `further` names the last inputs if the gradients by
    them are compared, too.
    """

    name: str
    inputs: tuple[Draw, ...] = ()
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    training: bool = True
    shapes: tuple[tuple[int, ...], ...] = ((3, 2), (2,), ())
    further: tuple[str, ...] = ()
    outputs: int = 1

    @property
    def id(self) -> str:
        """The name of the case in tests and messages."""
        said = [*map(_said, self.args)]
        said += [f"{k}={_said(v)}" for k, v in self.kwargs.items()]
        words = (f"{self.name}({', '.join(said)})", "" if self.training else "eval")
        return " ".join(filter(None, (*words, self.note)))


def _said(value: Any) -> str:
    if isinstance(value, Layer):
        return f"{value.name}{'.weight' if value.weight else ''}"
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_said, value))})"
    return "…" if callable(value) else str(value)


def case(name: str, *inputs: Draw, **options: Any) -> Case:
    """A case; what is no field of it goes to the constructor."""
    fields = ("args", "note", "training", "further", "outputs")
    own = {n: options.pop(n) for n in fields if n in options}
    return Case(name, inputs, kwargs=options, **own)


def cases(name: str, *inputs: Draw, each: Any, **common: Any) -> list[Case]:
    """One case for each set of further keyword arguments."""
    return [case(name, *inputs, **common, **options) for options in each]


def rng_of(case: Case) -> np.random.Generator:
    """The random generator of a case: the same in every order of tests."""
    return np.random.default_rng(list(case.id.encode()))
