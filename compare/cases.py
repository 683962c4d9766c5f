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


def whole(*shape: int) -> Draw:
    """Whole numbers from −2 to 2: many ties, many differences of exactly 1."""
    return lambda rng: rng.integers(-2, 3, shape).astype(float)


def signs(*shape: int) -> Draw:
    """1 or −1, as floats."""
    return lambda rng: rng.choice([-1.0, 1.0], shape)


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


def some_shares(*shape: int) -> Draw:
    """As `shares`, a third of them exactly 0."""
    return lambda rng: shares(*shape)(rng) * (rng.random(shape) > 1 / 3)


def costs(classes: int) -> Draw:
    """What each confusion costs: (true, answered), 0 for the right answer."""
    return lambda rng: rng.uniform(0, 3, (classes, classes)) * (1 - np.eye(classes))


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
    """

    name: str
    inputs: tuple[Draw, ...] = ()
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    training: bool = True

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
    for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
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
_TIPS: list[tuple[str, dict[str, Any]]] = [
    ("SmoothL1Loss", {"beta": 0.5}),
    ("SmoothL1Loss", {"beta": 2.0}),
    ("HuberLoss", {"delta": 0.5}),
    ("HuberLoss", {"delta": 2.0}),
]
_ROUNDED = [
    _case(name, *inputs, note=note, reduction=reduction, **more)
    for name, more in _TIPS
    for note, reduction, inputs in (
        ("at the tie", "mean", (whole(4, 3), whole(4, 3))),
        ("extreme", "none", (extreme(4, 3), kinked(4, 3))),
        ("strided", "sum", (strided(4, 3), normal(4, 3))),
        ("empty batch", "sum", (normal(0, 3), normal(0, 3))),
        ("batch 1", "mean", (normal(1, 2, scale=2), normal(1, 2))),
    )
]
_SHARES: list[tuple[Draw, dict[str, Any]]] = [
    (some_shares(4, 3), {}),
    (log_shares(4, 3), {"log_target": True}),
]
_DIVERGENCES = [
    _case("KLDivLoss", log_shares(4, 3), target, reduction=reduction, **more)
    for reduction in ("mean", "batchmean", "sum", "none")
    for target, more in _SHARES
]
_MARGIN: list[dict[str, Any]] = [{}, {"margin": 0.5}, {"margin": 2}]
_FED: list[tuple[str, str, Callable[..., Draw], tuple[int, ...]]] = [
    ("", "mean", normal, (6, 5)),
    ("", "sum", normal, (6, 5)),
    ("", "none", normal, (6, 5)),
    ("at the margin", "mean", whole, (6, 5)),
    ("extreme", "mean", extreme, (6, 5)),
    ("strided", "mean", strided, (6, 5)),
    ("one example", "mean", kinked, (5,)),
    ("batch 1", "mean", normal, (1, 5)),
    ("empty batch", "none", normal, (0, 5)),
]
"""Notes, reductions, inputs and their shapes for losses that have a kink or five
classes."""
_HINGES = [
    _case(
        "HingeEmbeddingLoss",
        draw(*shape),
        signs(*shape),
        note=note,
        reduction=reduction,
        **more,
    )
    for more in _MARGIN
    for note, reduction, draw, shape in _FED
]
_MARGINS = [
    _case(
        "MultiMarginLoss",
        draw(*shape),
        classes(*shape[:-1], of=5),
        note=note,
        reduction=reduction,
        **more,
    )
    for more in [*_MARGIN[::2], {"p": 2, "margin": 0.5}, {"weight": positive(5)}]
    for note, reduction, draw, shape in _FED
]
_COSTS = [
    _case(
        "ExpectedCostLoss",
        draw(*shape),
        classes(*shape[:-1], of=5),
        note=note,
        reduction=reduction,
        cost=costs(5),
    )
    for note, reduction, draw, shape in _FED
]
_PENALTIES = [
    _case("SmoothnessPenalty", *inputs, args=(weight(k, h * w), (h, w)), note=note)
    for k, h, w, note, inputs in (
        (2, 3, 4, "", (normal(4, 2), normal(4, 2))),
        (3, 1, 4, "one row", (normal(4, 3), classes(4, of=3))),
        (1, 4, 1, "one column", (normal(4, 1), coin(4, 1))),
        (2, 2, 2, "strided", (strided(4, 2), normal(4, 2))),
        (2, 2, 2, "empty batch", (normal(0, 2), normal(0, 2))),
    )
]
_SUMS = [
    _case("WeightedSum", *inputs, args=(losses,), note=note)
    for note, losses, inputs in (
        (
            "",
            [(1.0, layer("MSELoss")), (0.3, layer("L1Loss"))],
            (kinked(4, 3), kinked(4, 3)),
        ),
        ("one loss", [(-3, layer("MSELoss"))], (normal(4, 3), normal(4, 3))),
        (
            "classes",
            [(0.5, layer("CrossEntropyLoss")), (-0.2, layer("MultiMarginLoss", 2))],
            (normal(6, 5), classes(6, of=5)),
        ),
        (
            "a sum in it",
            [
                (0.25, layer("HuberLoss", "sum", 0.5)),
                (2.0, layer("WeightedSum", [(0.5, layer("L1Loss"))])),
            ],
            (normal(4, 3), normal(4, 3)),
        ),
        (
            "a penalty in it",
            [
                (1.0, layer("MSELoss")),
                (0.1, layer("SmoothnessPenalty", weight(3, 6), (2, 3))),
            ],
            (normal(4, 3), normal(4, 3)),
        ),
    )
]
LOSSES = [
    *_ELEMENTWISE,
    *_ROUNDED,
    _case("SmoothL1Loss", normal(4, 3), normal(4, 3), beta=0),
    _case("SmoothL1Loss", whole(4, 3), whole(4, 3), beta=0, note="at the tie"),
    *_DIVERGENCES,
    _case("KLDivLoss", log_shares(5), shares(5), reduction="batchmean"),
    _case("KLDivLoss", strided(4, 3), shares(4, 3), note="strided"),
    _case("KLDivLoss", extreme(4, 3), some_shares(4, 3), note="extreme"),
    _case("KLDivLoss", normal(1, 2), shares(1, 2), note="batch 1"),
    *_HINGES,
    *_MARGINS,
    _case(
        "MultiMarginLoss",
        normal(6, 5),
        classes(6, of=5),
        p=2,
        margin=0.5,
        weight=positive(5),
        reduction="none",
    ),
    *_COSTS,
    _case(
        "ExpectedCostLoss",
        normal(3, 4, 2),
        classes(3, 2, of=4),
        note="N-d",
        cost=costs(4),
    ),
    _case(
        "ExpectedCostLoss",
        normal(3, 4, 2),
        classes(3, 2, of=4),
        cost=costs(4),
        reduction="none",
        note="N-d",
    ),
    *_PENALTIES,
    *_SUMS,
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
]


def rng_of(case: Case) -> np.random.Generator:
    """The generator that belongs to a case: the same in every order of tests."""
    return np.random.default_rng(list(case.id.encode()))
