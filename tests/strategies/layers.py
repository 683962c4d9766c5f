"""Drawers of every layer."""

import math
from typing import Any

import numpy as np

from compare.testing.case import Layer
from strategies.losses import curves, penalty
from strategies.spec import (
    Choose,
    Draw,
    Drawn,
    dimension,
    given,
    number,
    rounded,
    shape,
    some,
    values,
)
from strategies.windows import POOLED, convolution, pooling


def _plain(name: str) -> Draw:
    return lambda choose, rng: (Layer(name), (values(choose, rng, shape(choose)),))


def _leaky_relu(choose: Choose, rng: Any) -> Drawn:
    slope = number(choose, choose((0.3, 0.0, 1.0, 2.5, -0.5)))
    slope = choose(({}, {"negative_slope": slope}))
    return Layer("LeakyReLU", kwargs=slope), (values(choose, rng, shape(choose)),)


def _prelu(choose: Choose, rng: Any) -> Drawn:
    size = shape(choose)
    channels = size[1] if len(size) > 1 else 1
    count = choose((1, channels)) or 1
    options = given(init=number(choose, choose((None, 0.1, -1.0, 0))))
    args = (count,) if count > 1 or choose((False, True)) else ()
    return Layer("PReLU", args, options), (values(choose, rng, size),)


def _elu(choose: Choose, rng: Any) -> Drawn:
    options = given(alpha=number(choose, choose((None, 0.3, 0, -0.7, 5.0))))
    return Layer("ELU", kwargs=options), (values(choose, rng, shape(choose)),)


def _hardtanh(choose: Choose, rng: Any) -> Drawn:
    low = number(choose, choose((None, -1, -0.5, -100.0, 0.0)))
    high = number(choose, choose((None, 1, 0.25, 100.0)))
    spec = Layer("Hardtanh", kwargs=given(min_val=low, max_val=high))
    return spec, (_landing(choose, rng, (low, high)),)


def _relu6(choose: Choose, rng: Any) -> Drawn:
    return Layer("ReLU6"), (_landing(choose, rng, (0, 6)),)


def _softplus(choose: Choose, rng: Any) -> Drawn:
    beta = number(choose, choose((None, 0.5, 2, -1.0, 8.0)))
    end = number(choose, choose((None, 2.0, 0, -4.0, 64)))
    spec = Layer("Softplus", kwargs=given(beta=beta, threshold=end))
    at = (end if end is not None else 20) / (beta or 1)
    return spec, (_landing(choose, rng, (at, -at)),)


def _landing(choose: Choose, rng: Any, ends: tuple[Any, ...]) -> np.ndarray:
    """As `values`; some of them may stand exactly at an end."""
    x = values(choose, rng, shape(choose))
    on = [1.0 if end is None else end for end in ends]
    hit = rng.random(x.shape) < choose((0.0, 0.3))
    return rounded(np.where(hit, rng.choice(on, x.shape), x))


def _gelu(choose: Choose, rng: Any) -> Drawn:
    options = given(approximate=choose((None, "tanh", "none")))
    return Layer("GELU", kwargs=options), (values(choose, rng, shape(choose)),)


def _linear(choose: Choose, rng: Any) -> Drawn:
    i, o = choose((3, 1, 2, 8)), choose((2, 1, 3, 5))
    size = (*shape(choose)[:3], i)
    kwargs = choose(({}, {"bias": False}))
    return Layer("Linear", (i, o), kwargs), (values(choose, rng, size),)


def _quantized_linear(choose: Choose, rng: Any) -> Drawn:
    linear, inputs = _linear(choose, rng)
    bits = choose((4, 2, 3, 8, "ternary", "binary"))
    return Layer(
        "QuantizedLinear", linear.args, {**linear.kwargs, "bits": bits}
    ), inputs


def _flatten(choose: Choose, rng: Any) -> Drawn:
    size = shape(choose)
    ends = [dimension(choose, len(size)) for _ in range(2)]
    start, end = sorted(ends, key=lambda d: d % max(len(size), 1))
    kwargs = {"start_dim": start, "end_dim": end}
    if len(size) > 1 and choose((True, False)):
        kwargs = {}
    return Layer("Flatten", kwargs=kwargs), (values(choose, rng, size),)


def _over_dim(name: str) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        size = shape(choose)
        dim = dimension(choose, len(size))
        return Layer(name, kwargs={"dim": dim}), (values(choose, rng, size),)

    return draw


def _sequential(choose: Choose, rng: Any) -> Drawn:
    size = shape(choose, low=2)
    layers = [Layer("Flatten")]
    width = math.prod(size[1:])
    # A layer of no inputs is refused; Flatten alone still meets the empty array.
    for _ in range(choose(range(4)) if width else 0):
        wider = choose((2, 1, 4))
        layers += [Layer("Linear", (width, wider)), Layer(choose(_BETWEEN))]
        width = wider
    inner = Layer("Sequential", tuple(layers[1:]))
    nested = (layers[0], inner) if choose((False, True)) else tuple(layers)
    return Layer("Sequential", nested), (rounded(rng.normal(size=size)),)


def _batch_norm(name: str) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        channels, n = choose((2, 1, 3)), choose((4, 3, 2, 1, 0, 8))
        size = (n, channels, choose((3, 2, 4)), choose((2, 1, 3)))
        if name == "BatchNorm1d":
            size = size[: choose((2, 3)) if n != 1 else 3]
        options = some(
            choose,
            eps=number(choose, choose((1e-3, 0.1, 1e-6))),
            momentum=choose((None, np.float64(0.3), 0.0, 1.0, 0.5)),
            affine=choose((False, True)),
            track_running_stats=choose((False, True)),
            bias=choose((False, True)),
        )
        return Layer(name, (channels,), options), (values(choose, rng, size),)

    return draw


def _layer_norm(choose: Choose, rng: Any) -> Drawn:
    own = tuple(choose((3, 2, 1, 4)) for _ in range(choose((1, 2, 3))))
    normalized = own[0] if len(own) == 1 and choose((True, False)) else own
    options = some(
        choose,
        eps=number(choose, choose((1e-3, 0.1, 1e-6))),
        elementwise_affine=choose((False, True)),
        bias=choose((False, True)),
    )
    size = (*shape(choose)[:3], *own)
    return Layer("LayerNorm", (normalized,), options), (values(choose, rng, size),)


def _rms_norm(choose: Choose, rng: Any) -> Drawn:
    own = tuple(choose((3, 2, 1, 4)) for _ in range(choose((1, 2, 3))))
    normalized = own[0] if len(own) == 1 and choose((True, False)) else own
    options = some(
        choose,
        eps=number(choose, choose((1e-3, 0.1, 1e-6))),
        elementwise_affine=choose((False, True)),
    )
    size = (*shape(choose)[:3], *own)
    return Layer("RMSNorm", (normalized,), options), (values(choose, rng, size),)


def _attention(choose: Choose, rng: Any) -> Drawn:
    heads, each, length = choose((2, 1, 3)), choose((2, 1, 3)), choose((3, 1, 2, 6))
    size = (*choose(((2,), (1,), (0,), ())), length, heads * each)
    options = some(choose, bias=choose((False, True)), is_causal=choose((True, False)))
    spec = {"batch_first": True, **options}
    x = rounded(rng.normal(size=size))  # large scores amplify their own rounding
    return Layer("MultiheadAttention", (heads * each, heads), spec), (x,)


def _group_norm(choose: Choose, rng: Any) -> Drawn:
    groups, channels = choose(((2, 4), (1, 3), (3, 3), (1, 1), (3, 6)))
    n, more = choose((2, 1, 3, 0)), shape(choose, empty=False)[:2]
    if n == 1 and math.prod(more) == 1 and groups == channels:
        more = (2,)  # one value in each group is refused
    options = some(
        choose,
        eps=number(choose, choose((1e-3, 0.1, 1e-6))),
        affine=choose((False, True)),
        bias=choose((False, True)),
    )
    spec = Layer("GroupNorm", (groups, channels), options)
    return spec, (values(choose, rng, (n, channels, *more)),)


def _dropout(choose: Choose, rng: Any) -> Drawn:
    p = {"p": number(choose, choose((0.3, 0.0, 1.0, 0.9)))}
    x = values(choose, rng, shape(choose))
    return Layer("Dropout", kwargs=choose(({}, p))), (x,)


def _embedding(choose: Choose, rng: Any) -> Drawn:
    rows, width = choose((3, 1, 2, 7)), choose((2, 1, 4))
    index = rng.integers(0, rows, shape(choose))
    padding = choose(({}, {"padding_idx": choose(range(-rows, rows))}))
    return Layer("Embedding", (rows, width), padding), (index,)


def _residual(choose: Choose, rng: Any) -> Drawn:
    i, o = choose((2, 1, 3)), choose((3, 1, 2))
    there, back = Layer("Linear", (i, o)), Layer("Linear", (o, i))
    smooth = choose(("Tanh", "Sigmoid", "Identity"))
    inner = choose(((there, Layer(smooth), back), (Layer(smooth),), (there, back)))
    layers = (Layer("Residual", inner),) if choose((False, True)) else inner
    return Layer("Residual", layers), (values(choose, rng, (*shape(choose)[:3], i)),)


_BETWEEN = ("Tanh", "ReLU", "Sigmoid", "LeakyReLU", "Identity")


def _gaussian_sample(choose: Choose, rng: Any) -> Drawn:
    size = (*shape(choose)[:3], choose((2, 1, 3)))
    return Layer("GaussianSample"), (curves(choose, rng, size),)


LAYERS: dict[str, Draw] = {
    "BatchNorm1d": _batch_norm("BatchNorm1d"),
    "BatchNorm2d": _batch_norm("BatchNorm2d"),
    "Dropout": _dropout,
    "Embedding": _embedding,
    "ELU": _elu,
    "GELU": _gelu,
    "Hardtanh": _hardtanh,
    "MultiheadAttention": _attention,
    "PReLU": _prelu,
    "ReLU6": _relu6,
    "SiLU": _plain("SiLU"),
    "Softplus": _softplus,
    "AvgPool1d": pooling("AvgPool", 1, *POOLED, "count_include_pad"),
    "AvgPool2d": pooling(
        "AvgPool", 2, *POOLED, "count_include_pad", "divisor_override"
    ),
    "Conv1d": convolution(1),
    "Conv2d": convolution(2),
    "Flatten": _flatten,
    "GaussianSample": _gaussian_sample,
    "GroupNorm": _group_norm,
    "Identity": _plain("Identity"),
    "LeakyReLU": _leaky_relu,
    "LayerNorm": _layer_norm,
    "Linear": _linear,
    "LogSoftmax": _over_dim("LogSoftmax"),
    "MaxPool1d": pooling("MaxPool", 1, *POOLED, "dilation"),
    "MaxPool2d": pooling("MaxPool", 2, *POOLED, "dilation"),
    "QuantizedLinear": _quantized_linear,
    "RMSNorm": _rms_norm,
    "ReLU": _plain("ReLU"),
    "Residual": _residual,
    "Sequential": _sequential,
    "Sigmoid": _plain("Sigmoid"),
    "SmoothnessPenalty": penalty,
    "Softmax": _over_dim("Softmax"),
    "Step": _plain("Step"),
    "Tanh": _plain("Tanh"),
}
