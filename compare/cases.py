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


def landing(*shape: int, on: tuple[float, ...], scale: float = 1.0) -> Draw:
    """As `normal`, half of them exactly `on` one of the given numbers."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        free = scale * rng.normal(size=shape)
        return np.where(rng.random(shape) > 0.5, rng.choice(on, shape), free)

    return draw


def extreme(*shape: int) -> Draw:
    """±1e4, 0 and numbers between."""
    return lambda rng: rng.choice([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4], shape)


def far(*shape: int) -> Draw:
    """Numbers close together about 2000: the mean is large next to the deviation."""
    return lambda rng: 2000 + 2 * rng.normal(size=shape)


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


def below_0(*shape: int) -> Draw:
    """Numbers from −2 to −½: zeros beside them would be larger."""
    return lambda rng: rng.uniform(-2.0, -0.5, shape)


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


def curves(*shape: int, means: Callable[..., Draw] = normal, flat: int = 3) -> Draw:
    """Bell curves (…, 2k): k means, and k log-variances up to about ±`flat`."""
    half = (*shape[:-1], shape[-1] // 2)

    def draw(rng: np.random.Generator) -> np.ndarray:
        log_variances = flat * rng.uniform(-1, 1, half)
        return np.concatenate([means(*half)(rng), log_variances], axis=-1)

    return draw


def standard(*shape: int) -> Draw:
    """Standard normal curves: all means and all log-variances are 0."""
    return lambda rng: np.zeros(shape)


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


CONVOLUTIONS = [
    _case("Conv1d", normal(3, 2, 7), args=(2, 4, 3)),
    _case("Conv1d", normal(3, 2, 9), args=(2, 4, 3), stride=2, padding=1),
    _case("Conv1d", normal(3, 2, 8), args=(2, 4, 3), stride=3, padding=2),
    _case("Conv1d", normal(3, 2, 9), args=(2, 4, 3), dilation=2),
    _case("Conv1d", normal(3, 2, 9), args=(2, 4, 2), bias=False),
    _case("Conv1d", normal(3, 4, 9), args=(4, 6, 3), groups=2),
    _case("Conv1d", normal(2, 3, 7), args=(3, 6, 3), groups=3, dilation=2, stride=2),
    _case("Conv1d", normal(3, 2, 7), args=(2, 4, 3), padding="same"),
    _case("Conv1d", normal(3, 2, 7), args=(2, 2, 4), padding="same", dilation=2),
    _case("Conv1d", normal(3, 2, 7), args=(2, 4, 3), padding="valid"),
    _case("Conv1d", normal(3, 2, 2), args=(2, 1, 5), padding=4, note="in the padding"),
    _case("Conv1d", normal(1, 1, 5), args=(1, 1, 3), note="batch 1"),
    _case("Conv1d", normal(0, 2, 7), args=(2, 4, 3), note="empty batch"),
    _case("Conv1d", normal(2, 7), args=(2, 4, 3), note="one example"),
    _case("Conv1d", strided(3, 2, 7), args=(2, 4, 3), note="strided"),
    _case("Conv1d", extreme(3, 2, 7), args=(2, 4, 3), note="extreme"),
    _case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, 3)),
    _case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, (3, 2))),
    _case("Conv2d", normal(3, 2, 7, 6), args=(2, 4, 3), stride=2),
    _case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, 3), padding=1),
    _case("Conv2d", normal(2, 2, 7, 6), args=(2, 3, 3), stride=(2, 1), padding=(1, 2)),
    _case("Conv2d", normal(2, 2, 7, 6), args=(2, 3, 3), dilation=(2, 1)),
    _case("Conv2d", normal(2, 2, 5, 4), args=(2, 3, (1, 2)), bias=False),
    _case("Conv2d", normal(2, 4, 5, 4), args=(4, 6, 3), groups=2),
    _case("Conv2d", normal(2, 3, 5, 5), args=(3, 6, 2), groups=3, stride=2, padding=1),
    _case("Conv2d", normal(2, 2, 4, 5), args=(2, 3, (3, 5)), padding="same"),
    _case("Conv2d", normal(2, 2, 6, 5), args=(2, 3, 2), padding="valid", dilation=3),
    _case("Conv2d", normal(3, 2, 4, 4), args=(2, 3, 1)),
    _case("Conv2d", normal(1, 1, 3, 3), args=(1, 1, 3), note="batch 1"),
    _case("Conv2d", normal(0, 2, 5, 6), args=(2, 4, 3), note="empty batch"),
    _case("Conv2d", normal(2, 5, 6), args=(2, 4, 3), note="one example"),
    _case("Conv2d", strided(3, 2, 5, 6), args=(2, 4, 3), note="strided"),
    _case("Conv2d", extreme(3, 2, 5, 6), args=(2, 4, 3), note="extreme"),
]
_POOLED: dict[str, list[tuple[tuple[int, ...], dict[str, Any]]]] = {
    "1d": [
        ((3, 2, 6), {"kernel_size": 2}),
        ((3, 2, 7), {"kernel_size": 3, "stride": 2}),
        ((2, 2, 7), {"kernel_size": 3, "stride": 1}),
        ((2, 2, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
        ((2, 2, 9), {"kernel_size": 2, "stride": 3}),
        ((2, 2, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
        ((2, 2, 4), {"kernel_size": 5, "stride": 3, "ceil_mode": True}),
        # The last window would start in the padding behind, and does not exist.
        ((2, 2, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
        ((2, 2, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ],
    "2d": [
        ((3, 2, 4, 6), {"kernel_size": 2}),
        ((2, 2, 5, 6), {"kernel_size": (3, 2), "stride": (2, 1)}),
        ((2, 2, 5, 5), {"kernel_size": 3, "stride": 1}),
        ((2, 2, 5, 5), {"kernel_size": 3, "stride": 2, "padding": 1}),
        ((2, 2, 5, 5), {"kernel_size": (2, 3), "padding": (1, 0)}),
        ((2, 2, 6, 5), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
        (
            (1, 2, 5, 6),
            {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
        ),
        (
            (1, 2, 6, 4),
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        ),
    ],
}
_POOLED_ODDLY: dict[str, list[tuple[Draw, str]]] = {
    "1d": [
        (normal(1, 1, 4), "batch 1"),
        (normal(0, 2, 5), "empty batch"),
        (normal(2, 6), "one example"),
        (strided(2, 2, 6), "strided"),
        (extreme(2, 2, 6), "extreme"),
    ],
    "2d": [
        (normal(1, 1, 2, 3), "batch 1"),
        (normal(0, 2, 4, 5), "empty batch"),
        (normal(2, 4, 6), "one example"),
        (strided(2, 2, 4, 6), "strided"),
        (extreme(2, 2, 4, 6), "extreme"),
    ],
}
_POOLINGS = [
    case
    for d in ("1d", "2d")
    for name in (f"MaxPool{d}", f"AvgPool{d}")
    for case in (
        *(_case(name, normal(*size), **more) for size, more in _POOLED[d]),
        *(_case(name, x, kernel_size=2, note=note) for x, note in _POOLED_ODDLY[d]),
    )
]
_UNCOUNTED: list[dict[str, Any]] = [
    {"count_include_pad": False},
    {"count_include_pad": False, "ceil_mode": True},
]
POOLINGS = [
    *_POOLINGS,
    _case("MaxPool1d", kinked(3, 2, 8), kernel_size=3, stride=1, note="ties"),
    _case("MaxPool1d", kinked(3, 2, 9), kernel_size=3, padding=1, note="ties"),
    _case("MaxPool1d", below_0(3, 2, 6), kernel_size=2, padding=1, note="below 0"),
    _case("MaxPool1d", normal(3, 2, 9), kernel_size=3, dilation=2),
    _case("MaxPool1d", normal(2, 2, 9), kernel_size=2, dilation=3, padding=1, stride=1),
    _case("MaxPool2d", kinked(3, 2, 5, 5), kernel_size=3, stride=1, note="ties"),
    _case("MaxPool2d", kinked(2, 2, 6, 5), kernel_size=3, padding=1, note="ties"),
    _case("MaxPool2d", below_0(3, 2, 4, 4), kernel_size=2, padding=1, note="below 0"),
    _case("MaxPool2d", normal(2, 2, 7, 6), kernel_size=2, dilation=(1, 3), stride=1),
    _case("AvgPool1d", normal(2, 2, 6), kernel_size=2, padding=1),
    *(
        _case("AvgPool1d", normal(2, 2, 6), kernel_size=3, stride=2, padding=1, **more)
        for more in _UNCOUNTED
    ),
    *(
        _case(
            "AvgPool2d", normal(2, 2, 6, 5), kernel_size=3, stride=2, padding=1, **more
        )
        for more in _UNCOUNTED
    ),
    _case("AvgPool2d", normal(2, 2, 4, 5), kernel_size=2, divisor_override=3),
    _case(
        "AvgPool2d", normal(2, 2, 4, 5), kernel_size=2, padding=1, divisor_override=-1
    ),
]
_MODES = (True, False)
_BATCH_NORMS = [
    *(
        _case(name, draw, args=(3,), training=training, **more)
        for training in _MODES
        for name, draw, more in [
            ("BatchNorm1d", normal(6, 3), {}),
            ("BatchNorm1d", normal(4, 3, 5), {}),
            ("BatchNorm1d", normal(6, 3), {"eps": 0.1}),
            ("BatchNorm1d", normal(6, 3), {"momentum": 0.3}),
            ("BatchNorm1d", normal(6, 3), {"momentum": None}),
            ("BatchNorm1d", normal(6, 3), {"affine": False}),
            ("BatchNorm1d", normal(6, 3), {"bias": False}),
            ("BatchNorm1d", normal(6, 3), {"track_running_stats": False}),
            ("BatchNorm2d", normal(4, 3, 2, 5), {}),
            ("BatchNorm2d", normal(4, 3, 2, 5), {"momentum": None, "eps": 1e-3}),
            (
                "BatchNorm2d",
                normal(4, 3, 2, 5),
                {"affine": False, "track_running_stats": False},
            ),
        ]
    ),
    *(
        _case(name, draw(n, 3, *size), args=(3,), note=note, training=training)
        for training in _MODES
        for name, size in (("BatchNorm1d", (4,)), ("BatchNorm2d", (2, 4)))
        for draw, n, note in (
            (extreme, 8, "extreme"),
            (far, 8, "extreme, far"),
            (strided, 4, "strided"),
            (normal, 1, "batch 1"),
            (normal, 0, "empty batch"),
        )
    ),
    _case("BatchNorm1d", normal(1, 3), args=(3,), note="batch 1", training=False),
]
_NORMS = [
    _case("LayerNorm", normal(4, 5), args=(5,)),
    _case("LayerNorm", normal(2, 3, 4), args=((3, 4),)),
    _case("LayerNorm", normal(4, 5), args=(5,), eps=0.1),
    _case("LayerNorm", normal(4, 5), args=(5,), elementwise_affine=False),
    _case("LayerNorm", normal(4, 5), args=(5,), bias=False),
    _case("LayerNorm", normal(5), args=(5,), note="one example"),
    _case("LayerNorm", normal(2, 3, 2, 4), args=(4,), note="many leading dimensions"),
    _case("GroupNorm", normal(4, 6, 5), args=(3, 6)),
    _case("GroupNorm", normal(4, 6), args=(2, 6)),
    _case("GroupNorm", normal(4, 6, 2, 3), args=(1, 6)),
    _case("GroupNorm", normal(4, 3, 2, 3), args=(3, 3)),
    _case("GroupNorm", normal(4, 6, 5), args=(3, 6), eps=0.1),
    _case("GroupNorm", normal(4, 6, 5), args=(3, 6), affine=False),
    _case("GroupNorm", normal(4, 6, 5), args=(3, 6), bias=False),
    *(
        _case(name, draw(n, 4, 8), args=args, note=note)
        for name, args in (("LayerNorm", (8,)), ("GroupNorm", (2, 4)))
        for draw, n, note in (
            (extreme, 4, "extreme"),
            (far, 4, "extreme, far"),
            (strided, 4, "strided"),
            (normal, 1, "batch 1"),
            (normal, 0, "empty batch"),
        )
    ),
]
_DROPOUTS = [
    _case("Dropout", normal(4, 5)),
    _case("Dropout", normal(4, 5), p=0.2),
    _case("Dropout", normal(4, 5), p=0.0),
    _case("Dropout", normal(4, 5), p=0.2, training=False),
    _case("Dropout", extreme(4, 5), p=0.3, note="extreme"),
    _case("Dropout", strided(4, 5), p=0.3, note="strided"),
    _case("Dropout", normal(0, 5), note="empty batch"),
    _case("Dropout", normal(12), note="one example"),
]
_EMBEDDINGS = [
    _case("Embedding", classes(9, of=4), args=(4, 3)),
    _case("Embedding", classes(2, 5, of=4), args=(4, 3)),
    _case("Embedding", classes(9, of=4, ignored=1), args=(4, 3), padding_idx=1),
    _case("Embedding", classes(9, of=4, ignored=2), args=(4, 3), padding_idx=-2),
    _case("Embedding", classes(of=4), args=(4, 3), note="one example"),
    _case("Embedding", classes(1, of=4), args=(4, 1), note="batch 1"),
    _case("Embedding", classes(0, of=4), args=(4, 3), note="empty batch"),
]
_RESIDUALS = [
    _case("Residual", normal(5, 3), args=(layer("Linear", 3, 3),)),
    _case(
        "Residual",
        normal(5, 3),
        args=(layer("Linear", 3, 4), layer("Tanh"), layer("Linear", 4, 3)),
    ),
    _case(
        "Residual",
        normal(5, 3),
        args=(layer("Residual", layer("Linear", 3, 3)), layer("Sigmoid")),
        note="nested",
    ),
    _case("Residual", normal(0, 3), args=(layer("Linear", 3, 3),), note="empty batch"),
]
_QUANTIZED = [
    *(
        _case("QuantizedLinear", normal(5, 3), args=(3, 4), bits=bits)
        for bits in (2, 3, 4, 8, 16, 24, "ternary", "binary")
    ),
    *(
        _case("QuantizedLinear", draw, args=(3, 2), bits=bits, note=note)
        for bits in (4, "ternary")
        for draw, note in (
            (normal(3), "one example"),
            (normal(2, 4, 5, 3), "many leading dimensions"),
            (normal(1, 3), "batch 1"),
            (normal(0, 3), "empty batch"),
            (strided(5, 3), "strided"),
            (extreme(5, 3), "extreme"),
        )
    ),
    _case("QuantizedLinear", normal(5, 3), args=(3, 2), bits=8, bias=False),
    _case("QuantizedLinear", normal(5, 3), args=(3, 2), bits="binary", bias=False),
]
_SAMPLES = [
    _case("GaussianSample", curves(4, 6)),
    _case("GaussianSample", curves(4, 6), training=False),
    _case("GaussianSample", curves(2, 3, 4), note="many leading dimensions"),
    _case("GaussianSample", curves(1, 2), note="batch 1"),
    _case("GaussianSample", curves(0, 4), note="empty batch"),
    _case("GaussianSample", curves(6), note="one example"),
    _case("GaussianSample", strided(4, 6), note="strided"),
    _case("GaussianSample", curves(4, 6, means=extreme, flat=40), note="extreme"),
    _case("GaussianSample", standard(4, 6), note="standard normal"),
]

_RECTIFIERS = [
    _case("PReLU", kinked(4, 5)),
    _case("PReLU", kinked(4, 3), args=(3,)),
    _case("PReLU", kinked(4, 3, 2), args=(3,), note="channels"),
    _case("PReLU", kinked(2, 3, 2, 2), args=(3,), note="channels"),
    _case("PReLU", kinked(4, 5), init=-0.5),
    _case("PReLU", extreme(4, 5), note="extreme"),
    _case("PReLU", strided(4, 3), args=(3,), note="strided"),
    _case("PReLU", normal(1, 3), args=(3,), note="batch 1"),
    _case("PReLU", normal(0, 3), args=(3,), note="empty batch"),
    _case("PReLU", kinked(5), note="one example"),
    _case("PReLU", lambda rng: np.asarray(-1.5), note="one number"),
    _case("ELU", kinked(4, 5)),
    _case("ELU", kinked(4, 5), alpha=0.3),
    _case("ELU", kinked(4, 5), alpha=-0.7),
    _case("ELU", kinked(4, 5), alpha=0.0),
    _case("ELU", normal(4, 5, scale=1e-4), note="tiny"),
    _case("ELU", extreme(4, 5), alpha=2.0, note="extreme"),
    _case("ELU", strided(4, 5), note="strided"),
    _case("ELU", normal(0, 3), note="empty batch"),
    _case("Hardtanh", landing(4, 5, on=(-1.0, 0.0, 1.0))),
    _case("Hardtanh", landing(4, 5, on=(-0.5, 2.0)), min_val=-0.5, max_val=2.0),
    _case("Hardtanh", landing(4, 5, on=(0.25, 0.5, 2.0)), min_val=0.25, max_val=2.0),
    _case("Hardtanh", landing(4, 5, on=(-2.0,)), min_val=-2),
    _case("Hardtanh", normal(4, 5, scale=10), max_val=20.0),
    _case("Hardtanh", extreme(4, 5), note="extreme"),
    _case("Hardtanh", strided(4, 5), note="strided"),
    _case("ReLU6", landing(4, 5, on=(0.0, 6.0), scale=6)),
    _case("ReLU6", extreme(4, 5), note="extreme"),
    _case("ReLU6", strided(4, 5), note="strided"),
    _case("ReLU6", normal(0, 3), note="empty batch"),
]
_GATES = [
    _case("Softplus", normal(4, 5, scale=2)),
    _case("Softplus", normal(4, 5, scale=2), beta=3),
    _case(
        "Softplus",
        landing(4, 5, on=(0.75, 0.0)),
        beta=4.0,
        threshold=3.0,
        note="at the threshold",
    ),
    _case("Softplus", normal(4, 5), beta=0.5, threshold=-0.2),
    _case("Softplus", normal(4, 5, scale=2), beta=-2.0),
    _case("Softplus", landing(4, 5, on=(20.0,), scale=30), note="at the threshold"),
    _case("Softplus", extreme(4, 5), note="extreme"),
    _case("Softplus", extreme(4, 5), beta=0.1, threshold=200, note="extreme"),
    _case("Softplus", strided(4, 5), beta=2.0, note="strided"),
    _case("Softplus", normal(0, 3), note="empty batch"),
    _case("SiLU", normal(4, 5, scale=3)),
    _case("SiLU", extreme(4, 5), note="extreme"),
    _case("SiLU", strided(4, 5), note="strided"),
    _case("SiLU", normal(0, 3), note="empty batch"),
    _case("GELU", normal(4, 5, scale=2)),
    _case("GELU", normal(4, 5, scale=2), approximate="tanh"),
    _case("GELU", normal(4, 5, scale=1e-3), note="tiny"),
    _case("GELU", normal(30, 20, scale=4), note="many"),
    _case("GELU", normal(30, 20, scale=4), approximate="tanh", note="many"),
    _case("GELU", extreme(4, 5), note="extreme"),
    _case("GELU", extreme(4, 5), approximate="tanh", note="extreme"),
    _case("GELU", strided(4, 5), note="strided"),
    _case("GELU", strided(4, 5), approximate="tanh", note="strided"),
    _case("GELU", normal(0, 3), note="empty batch"),
]
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
    *CONVOLUTIONS,
    *POOLINGS,
    _case("ReLU", kinked(4, 5)),
    _case("ReLU", extreme(4, 5), note="extreme"),
    _case("LeakyReLU", kinked(4, 5)),
    _case("LeakyReLU", kinked(4, 5), negative_slope=0.3),
    *_RECTIFIERS,
    *_GATES,
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
    *_BATCH_NORMS,
    *_NORMS,
    *_DROPOUTS,
    *_EMBEDDINGS,
    *_RESIDUALS,
    *_QUANTIZED,
    *_SAMPLES,
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
_DISTANCES = [
    _case("GaussianKLLoss", *inputs, note=note, reduction=reduction)
    for note, reduction, inputs in (
        ("to the standard normal", "mean", (curves(4, 6), standard(4, 6))),
        ("", "mean", (curves(4, 6), curves(4, 6))),
        ("", "sum", (curves(4, 6), curves(4, 6))),
        ("", "none", (curves(4, 6), curves(4, 6))),
        ("many leading dimensions", "none", (curves(3, 2, 4), curves(3, 2, 4))),
        ("nearly alike", "mean", (normal(4, 6, scale=1e-3), standard(4, 6))),
        ("extreme", "mean", (curves(4, 6, means=extreme, flat=40), curves(4, 6))),
        ("strided", "sum", (strided(4, 6), curves(4, 6))),
        ("one example", "mean", (curves(6), curves(6))),
        ("batch 1", "mean", (curves(1, 2), curves(1, 2))),
        ("empty batch", "none", (curves(0, 4), curves(0, 4))),
    )
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
    *_DISTANCES,
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
