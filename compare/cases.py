"""What "the same" is checked on: one line for each layer, loss and optimiser.

Values are drawn, never written out; kinks, ties and extremes are drawn on purpose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Numbers about 0."""
    return lambda rng: scale * rng.normal(size=shape)


def kinked(*shape: int) -> Draw:
    """Numbers about 0, a third of them exactly 0."""
    return lambda rng: rng.normal(size=shape) * (rng.random(shape) > 1 / 3)


def extreme(*shape: int) -> Draw:
    """±1e4, 0 and numbers between."""
    return lambda rng: rng.choice([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4], shape)


def strided(*shape: int) -> Draw:
    """As `normal`, every second element of a transposed array: not contiguous."""
    doubled = (*shape[:-1], 2 * shape[-1])
    return lambda rng: rng.normal(size=doubled[::-1]).T[..., ::2]


def positive(*shape: int) -> Draw:
    """Weights from ½ to 2."""
    return lambda rng: rng.uniform(0.5, 2.0, shape)


def unit(*shape: int) -> Draw:
    """Probabilities, none at 0 or 1."""
    return lambda rng: rng.uniform(0.01, 0.99, shape)


def unit_ends(*shape: int) -> Draw:
    """Probabilities, some of them exactly 0, ½ or 1."""
    return lambda rng: rng.choice([0.0, 0.5, 1.0, 0.3], shape)


def coin(*shape: int) -> Draw:
    """0 or 1, as floats."""
    return lambda rng: rng.integers(0, 2, shape).astype(float)


def classes(*shape: int, of: int, ignored: int | None = None) -> Draw:
    """Class indices below `of`; the first is `ignored`, if that is given."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        index = np.asarray(rng.integers(0, of, shape))
        if ignored is not None:
            index.reshape(-1)[0] = ignored
        return index

    return draw


def shares(*shape: int) -> Draw:
    """Probabilities that add to 1 along axis 1 (axis 0 if there is only one)."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        raw = rng.uniform(0.1, 1.0, shape)
        return raw / raw.sum(axis=min(1, len(shape) - 1), keepdims=True)

    return draw


def log_shares(*shape: int) -> Draw:
    """Log-probabilities along axis 1 (axis 0 if there is only one)."""
    return lambda rng: np.log(shares(*shape)(rng))


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


def _case(
    name: str,
    *inputs: Draw,
    args: tuple[Any, ...] = (),
    note: str = "",
    training: bool = True,
    **kwargs: Any,
) -> Case:
    return Case(name, inputs, args, kwargs, note, training)


LAYERS = [
    _case("Identity", normal(4, 3)),
    _case("Linear", normal(5, 3), args=(3, 2)),
    _case("Linear", normal(5, 3), args=(3, 2), bias=False),
    _case("Linear", normal(3), args=(3, 2), note="one example"),
    _case("Linear", normal(2, 4, 5, 3), args=(3, 2), note="many leading dimensions"),
    _case("Linear", normal(1, 3), args=(3, 3), note="batch 1"),
    _case("Linear", normal(0, 3), args=(3, 2), note="empty batch"),
    _case("Linear", strided(5, 3), args=(3, 2), note="strided"),
    _case(
        "Sequential",
        normal(5, 3),
        args=(layer("Linear", 3, 4), layer("Tanh"), layer("Linear", 4, 2)),
    ),
    _case("Flatten", normal(2, 3, 4)),
    _case("Flatten", normal(2, 3, 4), start_dim=0),
    _case("Flatten", normal(2, 3, 4, 5), start_dim=1, end_dim=-2),
    _case("ReLU", kinked(4, 5)),
    _case("ReLU", extreme(4, 5), note="extreme"),
    _case("LeakyReLU", kinked(4, 5)),
    _case("LeakyReLU", kinked(4, 5), negative_slope=0.3),
    _case("Step", kinked(4, 5)),
    _case("Sigmoid", normal(4, 5, scale=4)),
    _case("Sigmoid", extreme(4, 5), note="extreme"),
    _case("Tanh", normal(4, 5, scale=2)),
    _case("Tanh", extreme(4, 5), note="extreme"),
    _case("Softmax", normal(4, 5), dim=-1),
    _case("Softmax", normal(4, 5, 3), dim=1),
    _case("Softmax", extreme(4, 5), dim=0, note="extreme"),
    _case("Softmax", extreme(4, 5), dim=-1, note="extreme"),
    _case("LogSoftmax", normal(4, 5), dim=-1),
    _case("LogSoftmax", normal(4, 5, 3), dim=1),
    _case("LogSoftmax", extreme(4, 5), dim=0, note="extreme"),
    _case("LogSoftmax", extreme(4, 5), dim=-1, note="extreme"),
    _case("LogSoftmax", strided(4, 5), dim=1, note="strided"),
]

_ELEMENTWISE = [
    _case(name, kinked(*shape), kinked(*shape), reduction=reduction)
    for name in ("L1Loss", "MSELoss")
    for shape in ((6,), (4, 3))
    for reduction in ("mean", "sum", "none")
]
_WEIGHTS: list[dict[str, Any]] = [
    {},
    {"weight": positive(3)},
    {"weight": positive(4, 1)},
]
_BINARY = [
    _case(name, draw(4, 3), coin(4, 3), reduction=reduction, **more)
    for name, draw in (("BCELoss", unit), ("BCEWithLogitsLoss", normal))
    for reduction in ("mean", "sum", "none")
    for more in _WEIGHTS
]
_TARGETS: list[tuple[Draw, dict[str, Any]]] = [
    (classes(6, of=5), {}),
    (classes(6, of=5, ignored=-100), {"ignore_index": -100}),
    (classes(6, of=5), {"weight": positive(5)}),
    (classes(6, of=5, ignored=2), {"ignore_index": 2}),
    (classes(6, of=5, ignored=2), {"weight": positive(5), "ignore_index": 2}),
]
_INDEXED = [
    _case(name, draw(6, 5), target, reduction=reduction, **more)
    for name, draw in (("NLLLoss", log_shares), ("CrossEntropyLoss", normal))
    for reduction in ("mean", "sum", "none")
    for target, more in _TARGETS
]
_SMOOTHED = [
    _case(
        "CrossEntropyLoss",
        normal(6, 5),
        target,
        reduction=reduction,
        label_smoothing=0.2,
        **more,
    )
    for reduction in ("mean", "sum", "none")
    for target, more in [
        *_TARGETS,
        (shares(6, 5), {}),
        (shares(6, 5), {"weight": positive(5)}),
    ]
]
LOSSES = [
    *_ELEMENTWISE,
    *_BINARY,
    _case("BCELoss", unit_ends(4, 3), coin(4, 3), note="at 0 and 1"),
    _case("BCELoss", unit(4, 3), unit(4, 3), note="soft targets"),
    _case("BCEWithLogitsLoss", normal(4, 3), unit(4, 3), pos_weight=positive(3)),
    _case(
        "BCEWithLogitsLoss",
        normal(4, 3),
        coin(4, 3),
        weight=positive(4, 3),
        pos_weight=positive(3),
        reduction="none",
    ),
    _case("BCEWithLogitsLoss", extreme(4, 3), coin(4, 3), note="extreme"),
    *_INDEXED,
    *_SMOOTHED,
    _case("CrossEntropyLoss", normal(6, 5), shares(6, 5)),
    _case("CrossEntropyLoss", normal(3, 5, 2, 2), shares(3, 5, 2, 2), note="N-d"),
    _case("CrossEntropyLoss", normal(3, 5, 2, 2), classes(3, 2, 2, of=5), note="N-d"),
    _case("NLLLoss", log_shares(3, 5, 2), classes(3, 2, of=5), weight=positive(5)),
    _case("NLLLoss", log_shares(5), classes(of=5), note="one example"),
    _case("CrossEntropyLoss", normal(5), classes(of=5), note="one example"),
    _case("CrossEntropyLoss", normal(5), shares(5), note="one example"),
    _case("CrossEntropyLoss", extreme(4, 5), classes(4, of=5), note="extreme"),
    _case("CrossEntropyLoss", strided(4, 5), classes(4, of=5), note="strided"),
    _case("CrossEntropyLoss", normal(1, 2), classes(1, of=2), note="batch 1"),
]

_ADAM = [
    _case("Adam"),
    _case("Adam", lr=0.1),
    _case("Adam", lr=0.1, betas=(0.5, 0.9)),
    _case("Adam", lr=0.1, betas=(0.0, 0.0)),
    _case("Adam", lr=0.1, eps=0.1),
    _case("Adam", lr=0.1, weight_decay=0.2),
    _case("Adam", lr=0.1, amsgrad=True, betas=(0.8, 0.5)),
    _case("Adam", lr=0.1, maximize=True),
    _case("Adam", lr=0.1, weight_decay=0.2, decoupled_weight_decay=True),
    _case("Adam", lr=0.1, weight_decay=0.2, amsgrad=True, maximize=True, eps=0.01),
    _case("AdamW"),
    _case("AdamW", lr=0.1),
    _case("AdamW", lr=0.1, betas=(0.5, 0.9), eps=0.1),
    _case("AdamW", lr=0.1, weight_decay=0.2),
    _case("AdamW", lr=0.1, weight_decay=0.0),
    _case("AdamW", lr=0.1, maximize=True, weight_decay=0.2),
    _case("AdamW", lr=0.1, amsgrad=True, betas=(0.8, 0.5), weight_decay=0.2),
]
_RMSPROP = [
    _case("RMSprop"),
    _case("RMSprop", lr=0.1),
    _case("RMSprop", lr=0.1, alpha=0.6),
    _case("RMSprop", lr=0.1, eps=0.1),
    _case("RMSprop", lr=0.1, weight_decay=0.2),
    _case("RMSprop", lr=0.1, momentum=0.9),
    _case("RMSprop", lr=0.1, centered=True),
    _case("RMSprop", lr=0.1, maximize=True),
    _case(
        "RMSprop",
        lr=0.1,
        alpha=0.8,
        eps=0.01,
        momentum=0.5,
        centered=True,
        weight_decay=0.2,
        maximize=True,
    ),
]
_ADAGRAD = [
    _case("Adagrad"),
    _case("Adagrad", lr=0.1),
    _case("Adagrad", lr=0.1, lr_decay=0.3),
    _case("Adagrad", lr=0.1, weight_decay=0.2),
    _case("Adagrad", lr=0.1, initial_accumulator_value=0.5),
    _case("Adagrad", lr=0.1, eps=0.1),
    _case("Adagrad", lr=0.1, maximize=True),
    _case(
        "Adagrad",
        lr=0.1,
        lr_decay=0.3,
        weight_decay=0.2,
        initial_accumulator_value=0.5,
        eps=0.01,
        maximize=True,
    ),
]
_ADADELTA = [
    _case("Adadelta"),
    _case("Adadelta", lr=0.1),
    _case("Adadelta", rho=0.6),
    _case("Adadelta", eps=0.1),
    _case("Adadelta", weight_decay=0.2),
    _case("Adadelta", maximize=True),
    _case("Adadelta", lr=0.5, rho=0.7, eps=0.01, weight_decay=0.2, maximize=True),
]
_RPROP = [
    _case("Rprop"),
    _case("Rprop", lr=0.1),
    _case("Rprop", lr=0.1, etas=(0.7, 1.5)),
    _case("Rprop", lr=0.1, step_sizes=(0.08, 0.12)),
    _case("Rprop", lr=0.1, maximize=True),
    _case("Rprop", lr=0.1, etas=(0.4, 2.0), step_sizes=(0.01, 0.2), maximize=True),
]
_NADAM = [
    _case("NAdam"),
    _case("NAdam", lr=0.1),
    _case("NAdam", lr=0.1, betas=(0.5, 0.9)),
    _case("NAdam", lr=0.1, eps=0.1),
    _case("NAdam", lr=0.1, weight_decay=0.2),
    _case("NAdam", lr=0.1, momentum_decay=0.5),
    _case("NAdam", lr=0.1, maximize=True),
    _case("NAdam", lr=0.1, weight_decay=0.2, decoupled_weight_decay=True),
    _case(
        "NAdam", lr=0.1, weight_decay=0.2, momentum_decay=0.5, eps=0.01, maximize=True
    ),
]
_MUON = [
    Case("Muon", kwargs=kwargs, shapes=((3, 2), (2, 4), (1, 3)))
    for kwargs in (
        {},
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.0},
        {"lr": 0.1, "momentum": 0.5},
        {"lr": 0.1, "nesterov": False},
        {"lr": 0.1, "ns_coefficients": (2.0, -1.5, 0.5)},
        {"lr": 0.1, "ns_steps": 2, "eps": 0.5},
        {"lr": 0.1, "adjust_lr_fn": "original"},
        {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "momentum": 0.0},
    )
]
OPTIMIZERS = [
    _case("SGD"),
    _case("SGD", lr=0.1),
    _case("SGD", lr=0.1, momentum=0.9),
    _case("SGD", lr=0.1, momentum=0.9, dampening=0.3),
    _case("SGD", lr=0.1, momentum=0.9, nesterov=True),
    _case("SGD", lr=0.1, weight_decay=0.2),
    _case("SGD", lr=0.1, weight_decay=0.2, maximize=True),
    _case("SGD", lr=0.1, weight_decay=0.2, momentum=0.9),
    _case("SGD", lr=0.1, momentum=0.9, maximize=True),
    _case("SGD", lr=0.1, momentum=0.8, weight_decay=0.2, dampening=0.1),
    _case("SGD", lr=0.1, momentum=0.8, weight_decay=0.2, nesterov=True, maximize=True),
    _case("SGD", lr=0.1, maximize=True),
    *_ADAM,
    *_RMSPROP,
    *_ADAGRAD,
    *_ADADELTA,
    *_RPROP,
    *_NADAM,
    *_MUON,
]


def rng_of(case: Case) -> np.random.Generator:
    """The generator that belongs to a case: the same in every order of tests."""
    return np.random.default_rng(list(case.id.encode()))
