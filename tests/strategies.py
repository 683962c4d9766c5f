"""Random examples of every layer, loss and optimiser, for hypothesis and for fuzz.py.

A drawer asks `choose(options)` for whatever is worth shrinking: shapes, options,
scales, layouts. The numbers themselves come from a generator with a chosen seed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Choose = Callable[[Sequence[Any]], Any]

SCALES = (1.0, 1e-4, 1e-2, 1e2, 1e4)
DTYPES = ("float64", "float32")
INDICES = ("int64", "int32", "uint8")
REDUCTIONS = ("mean", "sum", "none")
LAYOUTS = {
    "numpy": ("contiguous", "strided", "transposed", "window", "reversed"),
    "torch": ("contiguous", "strided", "transposed", "window"),
}
KINDS: dict[str, Callable[..., np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "kinked": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) > 1 / 3),
    "tied": lambda rng, shape: rng.integers(-2, 3, shape).astype(float),
    "wide": lambda rng, shape: rng.choice([-1, -0.01, 0, 0.01, 1], shape),
}
PROBABILITIES: dict[str, Callable[..., np.ndarray]] = {
    "inner": lambda rng, shape: rng.uniform(0.01, 0.99, shape),
    "near 0": lambda rng, shape: 10 ** rng.uniform(-6, -1, shape),
    "near 1": lambda rng, shape: 1 - 10 ** rng.uniform(-6, -1, shape),
    "ends": lambda rng, shape: rng.choice([0.0, 0.5, 1.0], shape),
}
ANSWERS: dict[str, Callable[..., np.ndarray]] = {
    "coin": lambda rng, shape: rng.integers(0, 2, shape).astype(float),
    "soft": lambda rng, shape: rng.uniform(0, 1, shape),
}


@dataclass(frozen=True)
class Spec:
    """How to construct a class, whichever the library: names, numbers, NumPy arrays."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def build(self, nn: Any, give: Callable[[np.ndarray], Any]) -> Any:
        """The object, with `give` turning arrays into those of its library."""
        args = [_built(a, nn, give) for a in self.args]
        kwargs = {k: _built(v, nn, give) for k, v in self.kwargs.items()}
        return getattr(nn, self.name)(*args, **kwargs)

    def names(self) -> set[str]:
        """The classes named here."""
        inner = [a.names() for a in self.args if isinstance(a, Spec)]
        return {self.name}.union(*inner)


def _built(value: Any, nn: Any, give: Callable[[np.ndarray], Any]) -> Any:
    """A constructor argument for a library, however deep the arrays and layers lie."""
    if isinstance(value, Spec):
        return value.build(nn, give)
    if isinstance(value, (list, tuple)):
        return type(value)(_built(inner, nn, give) for inner in value)
    return give(value) if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Example:
    """A layer or a loss and what it is fed; all floats are float32 numbers.

    Args:
        spec: how to construct it.
        inputs: what forward is given; only the first is differentiated by.
        library, dtype, layout, index: the arrays of the hand-written side.
        upstream: the scale of the upstream gradient; None lets a loss go without.
        seed: of parameters, buffers, upstream gradient and what is dropped.
        training: the mode.
    """

    spec: Spec
    inputs: tuple[np.ndarray, ...]
    library: str = "numpy"
    dtype: str = "float64"
    layout: str = "contiguous"
    index: str = "int64"
    upstream: float | None = 1.0
    seed: int = 0
    training: bool = True

    def grad_output(self, shape: Sequence[int]) -> np.ndarray | None:
        """The upstream gradient: random, never all ones."""
        if self.upstream is None:
            return None
        rng = np.random.default_rng([self.seed, 1])
        return rounded(self.upstream * rng.normal(size=tuple(shape)))

    def state(
        self, parameters: dict[str, Sequence[int]], buffers: dict[str, Sequence[int]]
    ) -> dict[str, np.ndarray]:
        """Parameters and (positive) running statistics of these shapes."""
        rng = np.random.default_rng([self.seed, 2])
        drawn = {k: rounded(rng.normal(size=tuple(s))) for k, s in parameters.items()}
        return drawn | {
            k: rounded(rng.uniform(0.1, 2, tuple(s))) for k, s in buffers.items()
        }


@dataclass(frozen=True)
class Descent:
    """An optimiser's way down.

    Args:
        name: of its class.
        kwargs: constructor arguments.
        groups: of parameters, each with options of its own.
        steps: how many.
        missing: the share of gradients that are None.
        resumed: before this step, a fresh optimiser takes over the state.
        library, dtype, layout, index: the arrays of the hand-written side.
        seed: of the gradients.
    """

    name: str
    kwargs: dict[str, Any]
    groups: tuple[tuple[dict[str, Any], list[np.ndarray]], ...]
    steps: int
    missing: float = 0.0
    resumed: int | None = None
    library: str = "numpy"
    dtype: str = "float64"
    layout: str = "contiguous"
    index: str = "int64"
    seed: int = 0

    def gradients(self, step: int) -> list[np.ndarray | None]:
        """A gradient, or none, for each parameter."""
        rng = np.random.default_rng([self.seed, step])
        shapes = [a.shape for _, arrays in self.groups for a in arrays]
        drawn = [rounded(KINDS["kinked"](rng, shape)) for shape in shapes]
        return [None if rng.random() < self.missing else g for g in drawn]


def rounded(values: Any) -> np.ndarray:
    """Rounded to float32, in float64: both precisions are asked the same."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def shape(choose: Choose, low: int = 0, empty: bool = True) -> tuple[int, ...]:
    """From `low` to 4 dimensions; in one of eight a size is 0, if it may be."""
    sizes = [choose((2, 1, 3, 4)) for _ in range(choose(range(low, 5)))]
    if sizes and empty and choose(range(8)) == 7:
        sizes[choose(range(len(sizes)))] = 0
    return tuple(sizes)


def values(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray:
    """Numbers of either sign: of any scale, kinks and ties among them."""
    kind, scale = choose(tuple(KINDS)), choose(SCALES)
    return rounded(scale * KINDS[kind](rng, size))


def weights(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray | None:
    """None, or positive weights that broadcast to `size`."""
    if choose((True, False)):
        return None
    last = size[len(size) - choose(range(len(size) + 1)) :]
    some = tuple(choose((n, 1)) for n in last)
    return rounded(choose((1.0, 1e-2, 1e2)) * rng.uniform(0.5, 2, some))


def number(choose: Choose, value: float | None) -> Any:
    """Python's number or NumPy's, whose float64 must not widen float32 arrays."""
    return value if value is None else choose((float, np.float64))(value)


def dimension(choose: Choose, ndim: int) -> int:
    """A dimension, counted from either end; a single number, too, has one."""
    return choose(range(-max(ndim, 1), max(ndim, 1)))


def _plain(name: str) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    return lambda choose, rng: (Spec(name), (values(choose, rng, shape(choose)),))


def _leaky_relu(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    slope = number(choose, choose((0.3, 0.0, 1.0, 2.5, -0.5)))
    slope = choose(({}, {"negative_slope": slope}))
    return Spec("LeakyReLU", kwargs=slope), (values(choose, rng, shape(choose)),)


def _prelu(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    size = shape(choose)
    channels = size[1] if len(size) > 1 else 1
    count = choose((1, channels)) or 1
    options = _given(init=number(choose, choose((None, 0.1, -1.0, 0))))
    args = (count,) if count > 1 or choose((False, True)) else ()
    return Spec("PReLU", args, options), (values(choose, rng, size),)


def _elu(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    options = _given(alpha=number(choose, choose((None, 0.3, 0, -0.7, 5.0))))
    return Spec("ELU", kwargs=options), (values(choose, rng, shape(choose)),)


def _hardtanh(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    low = number(choose, choose((None, -1, -0.5, -100.0, 0.0)))
    high = number(choose, choose((None, 1, 0.25, 100.0)))
    spec = Spec("Hardtanh", kwargs=_given(min_val=low, max_val=high))
    return spec, (_landing(choose, rng, (low, high)),)


def _relu6(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    return Spec("ReLU6"), (_landing(choose, rng, (0, 6)),)


def _softplus(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    beta = number(choose, choose((None, 0.5, 2, -1.0, 8.0)))
    end = number(choose, choose((None, 2.0, 0, -4.0, 64)))
    spec = Spec("Softplus", kwargs=_given(beta=beta, threshold=end))
    at = (end if end is not None else 20) / (beta or 1)
    return spec, (_landing(choose, rng, (at, -at)),)


def _landing(choose: Choose, rng: Any, ends: tuple[Any, ...]) -> np.ndarray:
    """As `values`; some of them may stand exactly at an end."""
    x = values(choose, rng, shape(choose))
    on = [1.0 if end is None else end for end in ends]
    hit = rng.random(x.shape) < choose((0.0, 0.3))
    return rounded(np.where(hit, rng.choice(on, x.shape), x))


def _gelu(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    options = _given(approximate=choose((None, "tanh", "none")))
    return Spec("GELU", kwargs=options), (values(choose, rng, shape(choose)),)


def _linear(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    i, o = choose((3, 1, 2, 8)), choose((2, 1, 3, 5))
    size = (*shape(choose)[:3], i)
    kwargs = choose(({}, {"bias": False}))
    return Spec("Linear", (i, o), kwargs), (values(choose, rng, size),)


def _quantized_linear(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    linear, inputs = _linear(choose, rng)
    bits = choose((4, 2, 3, 8, "ternary", "binary"))
    return Spec("QuantizedLinear", linear.args, {**linear.kwargs, "bits": bits}), inputs


def _windowed(choose: Choose, d: int) -> tuple[Any, ...]:
    """Kernel, stride, padding and dilation, each a number or one a dimension."""
    ranges = ((2, 1, 3, 4), (1, 2, 3), (0, 1, 2), (1, 2, 3))
    return tuple(_sizes(choose, some, d) for some in ranges)


def _sizes(choose: Choose, some: Sequence[int], d: int) -> Any:
    """One whole number, or one for each of d dimensions."""
    if choose((True, False)):
        return choose(some)
    return tuple(choose(some) for _ in range(d))


def _each(sizes: Any, d: int) -> tuple[int, ...]:
    return (sizes,) * d if isinstance(sizes, int) else sizes


def _fitting(choose: Choose, d: int, kernel: Any, gaps: Any) -> tuple[int, ...]:
    """Input sizes that a window fits into, even without padding."""
    spans = zip(_each(kernel, d), _each(gaps, d), strict=True)
    return tuple((k - 1) * g + 1 + choose((2, 0, 1, 3, 5)) for k, g in spans)


def _examples(choose: Choose) -> tuple[int, ...]:
    """How many examples: () is one without a dimension of its own."""
    return choose(((2,), (1,), (), (3,), (0,)))


def _convolution(d: int) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        kernel, stride, padding, gaps = _windowed(choose, d)
        groups = choose((1, 2, 3))
        i, o = groups * choose((1, 2)), groups * choose((2, 1))
        kwargs = {"dilation": gaps, "groups": groups, "bias": choose((True, False))}
        both = zip(_each(kernel, d), _each(gaps, d), strict=True)
        even = all((k - 1) * g % 2 == 0 for k, g in both)
        if word := choose((None, "valid", "same")):
            kwargs["padding"] = word if even else "valid"
        else:
            kwargs |= {"padding": padding}
        if kwargs["padding"] != "same":
            kwargs["stride"] = stride
        size = (*_examples(choose), i, *_fitting(choose, d, kernel, gaps))
        spec = Spec(f"Conv{d}d", (i, o, kernel), kwargs)
        return spec, (values(choose, rng, size),)

    return draw


def _pooling(
    name: str, d: int, *options: str
) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        kernel, stride, _, gaps = _windowed(choose, d)
        gaps = gaps if "dilation" in options else 1
        most = min(_each(kernel, d)) // 2
        kwargs = {
            "stride": choose((None, stride)),
            "padding": _sizes(choose, range(most + 1), d),
            "ceil_mode": choose((False, True)),
            "dilation": gaps,
            "count_include_pad": choose((True, False)),
            "divisor_override": choose((None, 2, -3)),
        }
        kwargs = {k: v for k, v in kwargs.items() if k in options}
        channels = choose((2, 1, 3))
        size = (*_examples(choose), channels, *_fitting(choose, d, kernel, gaps))
        return Spec(f"{name}{d}d", (kernel,), kwargs), (values(choose, rng, size),)

    return draw


_POOLED = ("stride", "padding", "ceil_mode")


def _flatten(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    size = shape(choose)
    ends = [dimension(choose, len(size)) for _ in range(2)]
    start, end = sorted(ends, key=lambda d: d % max(len(size), 1))
    kwargs = {"start_dim": start, "end_dim": end}
    if len(size) > 1 and choose((True, False)):
        kwargs = {}
    return Spec("Flatten", kwargs=kwargs), (values(choose, rng, size),)


def _over_dim(name: str) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        size = shape(choose)
        dim = dimension(choose, len(size))
        return Spec(name, kwargs={"dim": dim}), (values(choose, rng, size),)

    return draw


def _sequential(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    size = shape(choose, low=2)
    layers = [Spec("Flatten")]
    width = math.prod(size[1:])
    # A layer of no inputs is refused; Flatten alone still meets the empty array.
    for _ in range(choose(range(4)) if width else 0):
        wider = choose((2, 1, 4))
        layers += [Spec("Linear", (width, wider)), Spec(choose(_BETWEEN))]
        width = wider
    inner = Spec("Sequential", tuple(layers[1:]))
    nested = (layers[0], inner) if choose((False, True)) else tuple(layers)
    return Spec("Sequential", nested), (rounded(rng.normal(size=size)),)


def _batch_norm(name: str) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        channels, n = choose((2, 1, 3)), choose((4, 3, 2, 1, 0, 8))
        size = (n, channels, choose((3, 2, 4)), choose((2, 1, 3)))
        if name == "BatchNorm1d":
            size = size[: choose((2, 3)) if n != 1 else 3]
        options = _some(
            choose,
            eps=number(choose, choose((1e-3, 0.1, 1e-6))),
            momentum=choose((None, np.float64(0.3), 0.0, 1.0, 0.5)),
            affine=choose((False, True)),
            track_running_stats=choose((False, True)),
            bias=choose((False, True)),
        )
        return Spec(name, (channels,), options), (values(choose, rng, size),)

    return draw


def _layer_norm(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    own = tuple(choose((3, 2, 1, 4)) for _ in range(choose((1, 2, 3))))
    normalized = own[0] if len(own) == 1 and choose((True, False)) else own
    options = _some(
        choose,
        eps=number(choose, choose((1e-3, 0.1, 1e-6))),
        elementwise_affine=choose((False, True)),
        bias=choose((False, True)),
    )
    size = (*shape(choose)[:3], *own)
    return Spec("LayerNorm", (normalized,), options), (values(choose, rng, size),)


def _group_norm(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    groups, channels = choose(((2, 4), (1, 3), (3, 3), (1, 1), (3, 6)))
    n, more = choose((2, 1, 3, 0)), shape(choose, empty=False)[:2]
    if n == 1 and math.prod(more) == 1 and groups == channels:
        more = (2,)  # one value in each group is refused
    options = _some(
        choose,
        eps=number(choose, choose((1e-3, 0.1, 1e-6))),
        affine=choose((False, True)),
        bias=choose((False, True)),
    )
    spec = Spec("GroupNorm", (groups, channels), options)
    return spec, (values(choose, rng, (n, channels, *more)),)


def _some(choose: Choose, **options: Any) -> dict[str, Any]:
    """Any of the options, or none of them."""
    return {k: v for k, v in options.items() if choose((False, True))}


def _dropout(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    p = {"p": number(choose, choose((0.3, 0.0, 1.0, 0.9)))}
    x = values(choose, rng, shape(choose))
    return Spec("Dropout", kwargs=choose(({}, p))), (x,)


def _embedding(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    rows, width = choose((3, 1, 2, 7)), choose((2, 1, 4))
    index = rng.integers(0, rows, shape(choose))
    padding = choose(({}, {"padding_idx": choose(range(-rows, rows))}))
    return Spec("Embedding", (rows, width), padding), (index,)


def _residual(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    i, o = choose((2, 1, 3)), choose((3, 1, 2))
    there, back = Spec("Linear", (i, o)), Spec("Linear", (o, i))
    smooth = choose(("Tanh", "Sigmoid", "Identity"))
    inner = choose(((there, Spec(smooth), back), (Spec(smooth),), (there, back)))
    layers = (Spec("Residual", inner),) if choose((False, True)) else inner
    return Spec("Residual", layers), (values(choose, rng, (*shape(choose)[:3], i)),)


_BETWEEN = ("Tanh", "ReLU", "Sigmoid", "LeakyReLU", "Identity")


def _difference(name: str) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        kwargs, size = _reduced(choose)
        x, target = (values(choose, rng, size) for _ in range(2))
        tied = np.where(rng.random(size) < choose((0.0, 0.3)), x, target)
        return Spec(name, kwargs=kwargs), (x, tied)

    return draw


BETAS = (1.0, 0.5, 2.0, 1e-2, 10.0)
"""Where SmoothL1Loss and HuberLoss go from squared to straight."""
MARGINS = (1.0, 0.5, 2.0, 0.0, -0.5)


def _rounded_tip(
    name: str, option: str, options: Sequence[float]
) -> Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]:
    def draw(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
        spec, inputs = _difference(name)(choose, rng)
        more = choose(({}, {option: number(choose, choose(options))}))
        return Spec(name, kwargs=spec.kwargs | more), inputs

    return draw


def _kl_div(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _reduced(choose)
    if kwargs.get("reduction") == "mean":
        kwargs = {"reduction": choose(("mean", "batchmean"))}
    target = rng.uniform(0, 1, size) * (rng.random(size) > choose((0.0, 0.3)))
    if choose((False, True)):
        kwargs, target = {**kwargs, "log_target": True}, -3 * target
    return Spec("KLDivLoss", kwargs=kwargs), (
        values(choose, rng, size),
        rounded(target),
    )


def _hinge_embedding(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _reduced(choose)
    more = choose(({}, {"margin": number(choose, choose(MARGINS))}))
    x = values(choose, rng, size)
    return Spec("HingeEmbeddingLoss", kwargs=kwargs | more), (
        np.where(rng.random(size) < choose((0.0, 0.3)), 1.0, x),
        rng.choice([-1.0, 1.0], size),
    )


def _rows(choose: Choose, rng: Any) -> tuple[dict[str, Any], Any, Any]:
    """A reduction, x (n, c) or (c,) and its class indices; never an empty sum."""
    kwargs, size = _classified(choose)
    size = size[:2]
    # Torch sums no examples to whatever stood in memory.
    if 0 in size:
        kwargs = {"reduction": "none"}
    target = rng.integers(0, size[-1], size[:-1])
    return kwargs, values(choose, rng, size), np.asarray(target)


def _multi_margin(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, x, target = _rows(choose, rng)
    more = choose(({}, {"margin": number(choose, choose(MARGINS))}))
    more = more | choose(({}, {"p": 2}, {"p": 1}))
    weight = _given(weight=_class_weight(choose, rng, x.shape[-1]))
    return Spec("MultiMarginLoss", kwargs=kwargs | more | weight), (x, target)


def _expected_cost(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _classified(choose)
    axis = min(1, len(size) - 1)
    target = np.asarray(rng.integers(0, size[axis], size[:axis] + size[axis + 1 :]))
    cost = rng.uniform(0, 2, (size[axis],) * 2)
    kwargs["cost"] = rounded(cost * (rng.random(cost.shape) > choose((0.0, 0.3))))
    return Spec("ExpectedCostLoss", kwargs=kwargs), (values(choose, rng, size), target)


def _penalty(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    x = values(choose, rng, shape(choose))
    return _smoothness(choose), (x, x)


def _smoothness(choose: Choose) -> Spec:
    """A penalty on templates; their numbers are its state's, drawn from the seed."""
    h, w = choose(((2, 3), (1, 2), (3, 1), (4, 4)))
    template = Spec("Parameter", (np.zeros((choose((2, 1, 3)), h * w)),))
    return Spec("SmoothnessPenalty", (template, (h, w)))


def _weighted_sum(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    draw = choose((_apart, _classified_apart))
    inner, inputs = draw(choose, rng)
    if choose((False, True)):
        inner = [*inner, _smoothness(choose)]
    if choose((False, True)):
        nested = Spec("WeightedSum", ([(number(choose, 0.5), inner[0])],))
        inner = [nested, *inner[1:]]
    factors = [choose((1.0, 0.3, -2.0, 3)) for _ in inner]
    return Spec("WeightedSum", (list(zip(factors, inner, strict=True)),)), inputs


def _apart(choose: Choose, rng: Any) -> tuple[list[Spec], tuple[np.ndarray, ...]]:
    """One to three losses of differences, and numbers for them."""
    names = ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss")
    size = shape(choose, empty=False)
    inner = [
        Spec(choose(names), kwargs={"reduction": choose(("mean", "sum"))})
        for _ in range(choose((1, 2, 3)))
    ]
    return inner, (values(choose, rng, size), values(choose, rng, size))


def _classified_apart(
    choose: Choose, rng: Any
) -> tuple[list[Spec], tuple[np.ndarray, ...]]:
    """A cross-entropy, perhaps with expected costs, and rows for them."""
    _, x, target = _rows(choose, rng)
    inner = [Spec("CrossEntropyLoss", kwargs={"reduction": "sum"})]
    if choose((False, True)):
        cost = rounded(rng.uniform(0, 2, (x.shape[-1],) * 2))
        inner.append(Spec("ExpectedCostLoss", (cost,), {"reduction": "sum"}))
    return inner, (x, target)


def _curves(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray:
    """Bell curves (…, 2k): means of any scale, log-variances that are none too wide."""
    kind, scale = KINDS[choose(tuple(KINDS))], choose((1.0, 1e-3, 3.0, 0.0))
    means = values(choose, rng, size)
    return rounded(np.concatenate([means, scale * kind(rng, size)], axis=-1))


def _gaussian_sample(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    size = (*shape(choose)[:3], choose((2, 1, 3)))
    return Spec("GaussianSample"), (_curves(choose, rng, size),)


def _gaussian_kl(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _reduced(choose)
    # Of one example alone there is one loss, and nothing to keep apart.
    size = (*(size[:3] or (2,)), choose((2, 1, 3)))
    x = _curves(choose, rng, size)
    other = choose((_curves(choose, rng, size), np.zeros_like(x)))
    return Spec("GaussianKLLoss", kwargs=kwargs), (x, other)


def _bce(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _reduced(choose)
    x = rounded(PROBABILITIES[choose(tuple(PROBABILITIES))](rng, size))
    target = rounded(ANSWERS[choose(tuple(ANSWERS))](rng, size))
    given = _given(weight=weights(choose, rng, size))
    return Spec("BCELoss", kwargs=kwargs | given), (x, target)


def _bce_with_logits(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _reduced(choose)
    target = rounded(ANSWERS[choose(tuple(ANSWERS))](rng, size))
    both = {k: weights(choose, rng, size) for k in ("weight", "pos_weight")}
    spec = Spec("BCEWithLogitsLoss", kwargs=kwargs | _given(**both))
    return spec, (values(choose, rng, size), target)


def _reduced(choose: Choose) -> tuple[dict[str, str], tuple[int, ...]]:
    """A reduction, and a shape that it exists for: the mean of nothing does not."""
    reduction = choose(REDUCTIONS)
    kwargs = choose(({}, {"reduction": "mean"}))
    if reduction != "mean":
        kwargs = {"reduction": reduction}
    return kwargs, shape(choose, empty=reduction != "mean")


def _given(**options: Any) -> dict[str, Any]:
    return {k: v for k, v in options.items() if v is not None}


def _nll(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _classified(choose)
    target, more = _indices(choose, rng, size, kwargs)
    return Spec("NLLLoss", kwargs=kwargs | more), (values(choose, rng, size), target)


def _cross_entropy(choose: Choose, rng: Any) -> tuple[Spec, tuple[np.ndarray, ...]]:
    kwargs, size = _classified(choose)
    draw = choose((_indices, _indices, _shares))
    target, more = draw(choose, rng, size, kwargs)
    if smoothing := choose((0, 0.1, 0.5, 1.0)):
        more["label_smoothing"] = number(choose, smoothing)
    spec = Spec("CrossEntropyLoss", kwargs=kwargs | more)
    return spec, (values(choose, rng, size), target)


def _classified(choose: Choose) -> tuple[dict[str, str], tuple[int, ...]]:
    """A reduction and a shape (n, c, …) or (c,) with at least one class."""
    kwargs, size = _reduced(choose)
    classes = choose((3, 2, 1, 5))
    return kwargs, (*size[:1], classes, *size[1:3])


def _shares(choose: Choose, rng: Any, size: tuple[int, ...], kwargs: Any) -> Any:
    """Probabilities of the classes; now and then they do not add to 1."""
    raw = rng.uniform(0, 1, size)
    axis = min(1, len(size) - 1)
    total = raw.sum(axis=axis, keepdims=True)
    target = rounded(raw / choose((total, 1.0)))
    return target, _given(weight=_class_weight(choose, rng, size[axis]))


def _indices(choose: Choose, rng: Any, size: tuple[int, ...], kwargs: Any) -> Any:
    """Class indices, some of them ignored; never all, if their mean is wanted."""
    axis = min(1, len(size) - 1)
    classes = size[axis]
    ignored = choose((-100, *range(classes), -1))
    counted = [c for c in range(classes) if c != ignored] or [0]
    more = {} if ignored == -100 or counted == [ignored] else {"ignore_index": ignored}
    some = size[:axis] + size[axis + 1 :]
    target = rng.choice(counted, some)
    hidden = rng.random(some) < choose((0.0, 0.3, 1.0))
    target = np.where(hidden, more.get("ignore_index", -100), target)
    weight = _class_weight(choose, rng, classes)
    if kwargs.get("reduction", "mean") == "mean":
        target.reshape(-1)[0] = counted[0]
        if weight is not None:
            weight[counted[0]] = 1
    return target, more | _given(weight=weight)


def _class_weight(choose: Choose, rng: Any, classes: int) -> np.ndarray | None:
    if choose((True, False)):
        return None
    dropped = rng.random(classes) < choose((0.0, 0.3))
    return rounded(choose(SCALES) * np.where(dropped, 0, rng.uniform(0.5, 2, classes)))


LAYERS: dict[str, Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]] = {
    "BatchNorm1d": _batch_norm("BatchNorm1d"),
    "BatchNorm2d": _batch_norm("BatchNorm2d"),
    "Dropout": _dropout,
    "Embedding": _embedding,
    "ELU": _elu,
    "GELU": _gelu,
    "Hardtanh": _hardtanh,
    "PReLU": _prelu,
    "ReLU6": _relu6,
    "SiLU": _plain("SiLU"),
    "Softplus": _softplus,
    "AvgPool1d": _pooling("AvgPool", 1, *_POOLED, "count_include_pad"),
    "AvgPool2d": _pooling(
        "AvgPool", 2, *_POOLED, "count_include_pad", "divisor_override"
    ),
    "Conv1d": _convolution(1),
    "Conv2d": _convolution(2),
    "Flatten": _flatten,
    "GaussianSample": _gaussian_sample,
    "GroupNorm": _group_norm,
    "Identity": _plain("Identity"),
    "LeakyReLU": _leaky_relu,
    "LayerNorm": _layer_norm,
    "Linear": _linear,
    "LogSoftmax": _over_dim("LogSoftmax"),
    "MaxPool1d": _pooling("MaxPool", 1, *_POOLED, "dilation"),
    "MaxPool2d": _pooling("MaxPool", 2, *_POOLED, "dilation"),
    "QuantizedLinear": _quantized_linear,
    "ReLU": _plain("ReLU"),
    "Residual": _residual,
    "Sequential": _sequential,
    "Sigmoid": _plain("Sigmoid"),
    "SmoothnessPenalty": _penalty,
    "Softmax": _over_dim("Softmax"),
    "Step": _plain("Step"),
    "Tanh": _plain("Tanh"),
}
LOSSES: dict[str, Callable[..., tuple[Spec, tuple[np.ndarray, ...]]]] = {
    "BCELoss": _bce,
    "BCEWithLogitsLoss": _bce_with_logits,
    "CrossEntropyLoss": _cross_entropy,
    "ExpectedCostLoss": _expected_cost,
    "GaussianKLLoss": _gaussian_kl,
    "HingeEmbeddingLoss": _hinge_embedding,
    "HuberLoss": _rounded_tip("HuberLoss", "delta", BETAS),
    "KLDivLoss": _kl_div,
    "L1Loss": _difference("L1Loss"),
    "MSELoss": _difference("MSELoss"),
    "MultiMarginLoss": _multi_margin,
    "NLLLoss": _nll,
    "SmoothL1Loss": _rounded_tip("SmoothL1Loss", "beta", (*BETAS, 0)),
    "WeightedSum": _weighted_sum,
}


def _sgd(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    """Options for a group that inherits `defaults`; any may be left out."""
    options = _given(
        lr=number(choose, choose((None, 0.1, 1e-4, 1.0, 0.0))),
        momentum=number(choose, choose((None, 0.9, 0.5, 1.0, 0.0))),
        dampening=number(choose, choose((None, 0.3, 1.0, -0.5, 0))),
        weight_decay=number(choose, choose((None, 0.2, 1e-4, 1.0))),
        nesterov=choose((None, True, False)),
        maximize=choose((None, True, False)),
    )
    whole = {**defaults, **options}
    if whole.get("nesterov") and not whole.get("momentum"):
        options["momentum"] = 0.9
    if whole.get("nesterov") and whole.get("dampening"):
        options["nesterov"] = False
    return options


def _adam(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    """Adam's options; AdamW has all but one of them."""
    return _given(
        **_adaptive(choose),
        betas=choose((None, (0.5, 0.9), (0.0, 0.99), (0.9, 0.0))),
        amsgrad=choose((None, True, False)),
        decoupled_weight_decay=choose((None, True, False)),
    )


def _adamw(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    options = _adam(choose, defaults)
    return {k: v for k, v in options.items() if k != "decoupled_weight_decay"}


def _nadam(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return _given(
        **_adaptive(choose),
        betas=choose((None, (0.5, 0.9), (0.0, 0.99), (0.9, 0.0))),
        momentum_decay=number(choose, choose((None, 0.0, 0.5))),
        decoupled_weight_decay=choose((None, True, False)),
    )


def _rmsprop(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return _given(
        **_adaptive(choose),
        alpha=number(choose, choose((None, 0.9, 0.5))),
        momentum=number(choose, choose((None, 0.9, 0.0))),
        centered=choose((None, True, False)),
    )


def _adagrad(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    options = _given(
        **_adaptive(choose), lr_decay=number(choose, choose((None, 0.3, 0.0)))
    )
    if not defaults and (start := choose((None, 0.5, 4.0))):
        options["initial_accumulator_value"] = start  # for all groups alike
    return options


def _adadelta(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return _given(**_adaptive(choose), rho=number(choose, choose((None, 0.5, 1.0))))


def _rprop(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return _given(
        lr=number(choose, choose((None, 0.1, 1.0, 0.0))),
        etas=choose((None, (0.3, 2.0))),
        step_sizes=choose((None, (0.01, 0.2), (0.0, 1.0))),
        maximize=choose((None, True, False)),
    )


def _muon(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return _given(
        lr=number(choose, choose((None, 0.1, 1e-4, 0.0))),
        weight_decay=number(choose, choose((None, 0.2, 0.0))),
        momentum=number(choose, choose((None, 0.5, 0.0))),
        nesterov=choose((None, True, False)),
        eps=number(choose, choose((None, 1e-3))),
        ns_steps=choose((None, 0, 3)),
        ns_coefficients=choose((None, (2.0, -1.5, 0.5))),
        adjust_lr_fn=choose((None, "original", "match_rms_adamw")),
    )


def _adaptive(choose: Choose) -> dict[str, Any]:
    """What all who divide by the root of squares have."""
    return {
        "lr": number(choose, choose((None, 0.1, 1e-4, 1.0, 0.0))),
        "eps": number(choose, choose((None, 1e-3, 0.1))),
        "weight_decay": number(choose, choose((None, 0.2, 1e-4))),
        "maximize": choose((None, True, False)),
    }


OPTIMIZERS: dict[str, Callable[..., dict[str, Any]]] = {
    "Adadelta": _adadelta,
    "Adagrad": _adagrad,
    "Adam": _adam,
    "AdamW": _adamw,
    "Muon": _muon,
    "NAdam": _nadam,
    "RMSprop": _rmsprop,
    "Rprop": _rprop,
    "SGD": _sgd,
}
NAMES = (*LAYERS, *LOSSES, *OPTIMIZERS)
TWO_MODES: tuple[str, ...] = ("BatchNorm1d", "BatchNorm2d", "Dropout", "GaussianSample")
"""Classes that do something else in evaluation mode than in training mode."""


def _arrays(choose: Choose) -> dict[str, Any]:
    """What kind of arrays the hand-written side is given."""
    library = choose(tuple(LAYOUTS))
    return {
        "library": library,
        "layout": choose(LAYOUTS[library]),
        "index": choose(INDICES),
    }


def example(name: str, choose: Choose) -> Example | Descent:
    """Anything that the class `name` may be asked."""
    seed = choose(range(2**32))
    if name in OPTIMIZERS:
        return _descent(name, choose, seed)
    spec, inputs = {**LAYERS, **LOSSES}[name](choose, np.random.default_rng(seed))
    scalar = name in LOSSES and spec.kwargs.get("reduction") != "none"
    # A kink behind another layer is met at x = ±rounding, on either side of it.
    kinked = name == "Sequential" and {"ReLU", "LeakyReLU"} & spec.names()
    return Example(
        spec,
        inputs,
        dtype=DTYPES[0] if kinked else choose(DTYPES),
        upstream=choose((None, *SCALES) if scalar else SCALES),
        seed=seed,
        training=name not in TWO_MODES or choose((True, False)),
        **_arrays(choose),
    )


def _descent(name: str, choose: Choose, seed: int) -> Descent:
    rng = np.random.default_rng(seed)
    kwargs = OPTIMIZERS[name](choose, {})
    groups = []
    for own in range(choose((1, 2, 3))):
        sizes = [shape(choose)[:3] for _ in range(choose((1, 2, 3)))]
        if name == "Muon":
            sizes = [(choose((3, 1, 2, 5)), choose((2, 1, 3, 6))) for _ in sizes]
        changes = OPTIMIZERS[name](choose, kwargs) if own else {}
        groups.append((changes, [values(choose, rng, size) for size in sizes]))
    return Descent(
        name,
        kwargs,
        tuple(groups),
        steps=choose((1, 2, 3, 5, 10)),
        missing=choose((0.0, 0.3)),
        resumed=choose((None, 1, 2)),
        dtype=choose(DTYPES),
        seed=seed,
        **_arrays(choose),
    )


@st.composite
def examples(draw: Any, name: str) -> Example | Descent:
    """The same for hypothesis, which shrinks what fails towards the first options."""
    return example(name, lambda options: draw(st.sampled_from(options)))


def seeded(seed: int) -> tuple[str, Example | Descent]:
    """The example that belongs to a seed, and its class: they take turns."""
    rng = np.random.default_rng([seed])
    name = NAMES[seed % len(NAMES)]
    return name, example(name, lambda options: options[rng.integers(len(options))])
