"""Every layer."""

from typing import Any

from compare.testing.activations import ACTIVATIONS
from compare.testing.case import case, cases, layer
from compare.testing.draws import classes, extreme, gaussians, normal, standard, strided
from compare.testing.norms import NORMS
from compare.testing.windows import CONVOLUTIONS, POOLINGS

_HEADS: dict[str, Any] = {"args": (6, 2), "batch_first": True}
_CAUSAL = {"is_causal": True}
_ATTENTIONS = [
    *cases("MultiheadAttention", normal(2, 4, 6), each=({}, _CAUSAL), **_HEADS),
    case("MultiheadAttention", normal(2, 4, 6), bias=False, **_HEADS, **_CAUSAL),
    *(
        case("MultiheadAttention", draw, note=note, **_HEADS, **_CAUSAL)
        for draw, note in (
            (normal(4, 6), "one example"),
            (normal(1, 4, 6), "batch 1"),
            (normal(2, 1, 6), "one position"),
            (normal(0, 4, 6), "empty batch"),
            (strided(2, 4, 6), "strided"),
            (normal(2, 4, 6, scale=3.0), "large scores"),
        )
    ),
]
_DROPOUTS = [
    *cases("Dropout", normal(4, 5), each=({}, {"p": 0.2}, {"p": 0.0})),
    case("Dropout", normal(4, 5), p=0.2, training=False),
    case("Dropout", extreme(4, 5), p=0.3, note="extreme"),
    case("Dropout", strided(4, 5), p=0.3, note="strided"),
    case("Dropout", normal(0, 5), note="empty batch"),
    case("Dropout", normal(12), note="one example"),
]
_EMBEDDINGS = [
    case("Embedding", classes(9, of=4), args=(4, 3)),
    case("Embedding", classes(2, 5, of=4), args=(4, 3)),
    case("Embedding", classes(9, of=4, ignored=1), args=(4, 3), padding_idx=1),
    case("Embedding", classes(9, of=4, ignored=2), args=(4, 3), padding_idx=-2),
    case("Embedding", classes(of=4), args=(4, 3), note="one example"),
    case("Embedding", classes(1, of=4), args=(4, 1), note="batch 1"),
    case("Embedding", classes(0, of=4), args=(4, 3), note="empty batch"),
]
_TANH_NET = (layer("Linear", 3, 4), layer("Tanh"), layer("Linear", 4, 3))
_NARROWER = (*_TANH_NET[:2], layer("Linear", 4, 2))
_INNER = layer("Residual", layer("Linear", 3, 3))
_RESIDUALS = [
    case("Residual", normal(5, 3), args=(layer("Linear", 3, 3),)),
    case("Residual", normal(5, 3), args=_TANH_NET),
    case("Residual", normal(5, 3), args=(_INNER, layer("Sigmoid")), note="nested"),
    case("Residual", normal(0, 3), args=(layer("Linear", 3, 3),), note="empty batch"),
]
_BITS = [{"bits": bits} for bits in (2, 3, 4, 8, 16, 24, "ternary", "binary")]
_NO_BIAS = [{"bits": bits, "bias": False} for bits in (8, "binary")]
_QUANTIZED = [
    *cases("QuantizedLinear", normal(5, 3), args=(3, 4), each=_BITS),
    *cases("QuantizedLinear", normal(5, 3), args=(3, 2), each=_NO_BIAS),
    *(
        case("QuantizedLinear", draw, args=(3, 2), bits=bits, note=note)
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
]
_SAMPLES = [
    case("GaussianSample", gaussians(4, 6)),
    case("GaussianSample", gaussians(4, 6), training=False),
    case("GaussianSample", gaussians(2, 3, 4), note="many leading dimensions"),
    case("GaussianSample", gaussians(1, 2), note="batch 1"),
    case("GaussianSample", gaussians(0, 4), note="empty batch"),
    case("GaussianSample", gaussians(6), note="one example"),
    case("GaussianSample", strided(4, 6), note="strided"),
    case("GaussianSample", gaussians(4, 6, means=extreme, flat=40), note="extreme"),
    case("GaussianSample", standard(4, 6), note="standard normal"),
]
LAYERS = [
    case("Identity", normal(4, 3)),
    *cases("Linear", normal(5, 3), args=(3, 2), each=({}, {"bias": False})),
    case("Linear", normal(3), args=(3, 2), note="one example"),
    case("Linear", normal(2, 4, 5, 3), args=(3, 2), note="many leading dimensions"),
    case("Linear", normal(1, 3), args=(3, 3), note="batch 1"),
    case("Linear", normal(0, 3), args=(3, 2), note="empty batch"),
    case("Linear", strided(5, 3), args=(3, 2), note="strided"),
    case("Sequential", normal(5, 3), args=_NARROWER),
    *cases("Flatten", normal(2, 3, 4), each=({}, {"start_dim": 0})),
    case("Flatten", normal(2, 3, 4, 5), start_dim=1, end_dim=-2),
    *(*CONVOLUTIONS, *POOLINGS, *ACTIVATIONS, *NORMS),
    *(*_DROPOUTS, *_EMBEDDINGS, *_ATTENTIONS, *_RESIDUALS, *_QUANTIZED, *_SAMPLES),
]
