"""Normalisation, in both modes."""

from compare.testing.case import case, cases
from compare.testing.draws import extreme, far, normal, strided

_UNTRACKED = {"affine": False, "track_running_stats": False}
_FLAGS = [{flag: False} for flag in ("affine", "bias", "track_running_stats")]
_VECTORS = [{}, {"eps": 0.1}, {"momentum": 0.3}, {"momentum": None}, *_FLAGS]
_PIXELS = [{}, {"momentum": None, "eps": 1e-3}, _UNTRACKED]
_WITHOUT = [{"elementwise_affine": False}, {"bias": False}]
_RMS = [{}, {"eps": 0.1}, {"elementwise_affine": False}]
_GROUPS = [{}, {"eps": 0.1}, {"affine": False}, {"bias": False}]
_UNUSUAL = [
    (extreme, 8, "extreme"),
    (far, 8, "extreme, far"),
    (strided, 4, "strided"),
    (normal, 1, "batch 1"),
    (normal, 0, "empty batch"),
]
"""Inputs, batch sizes and notes."""
_BATCH_NORM = [
    one
    for mode in ({"args": (3,)}, {"args": (3,), "training": False})
    for one in (
        *cases("BatchNorm1d", normal(6, 3), each=_VECTORS, **mode),
        case("BatchNorm1d", normal(4, 3, 5), **mode),
        *cases("BatchNorm2d", normal(4, 3, 2, 5), each=_PIXELS, **mode),
        *(
            case(name, draw(n, 3, *size), note=note, **mode)
            for name, size in (("BatchNorm1d", (4,)), ("BatchNorm2d", (2, 4)))
            for draw, n, note in _UNUSUAL
        ),
    )
]
NORMS = [
    *_BATCH_NORM,
    case("BatchNorm1d", normal(1, 3), args=(3,), note="batch 1", training=False),
    *cases("LayerNorm", normal(4, 5), args=(5,), each=({}, {"eps": 0.1})),
    *cases("LayerNorm", normal(4, 5), args=(5,), each=_WITHOUT),
    case("LayerNorm", normal(2, 3, 4), args=((3, 4),), note="N-d"),
    case("LayerNorm", normal(5), args=(5,), note="one example"),
    case("LayerNorm", normal(2, 3, 2, 4), args=(4,), note="many leading dimensions"),
    *cases("RMSNorm", normal(4, 5), args=(5,), each=_RMS),
    case("RMSNorm", normal(2, 3, 4), args=((3, 4),), note="N-d"),
    case("RMSNorm", normal(5), args=(5,), note="one example"),
    case("RMSNorm", normal(2, 3, 5), args=(5,), note="many leading dimensions"),
    *cases("GroupNorm", normal(4, 6, 5), args=(3, 6), each=_GROUPS),
    case("GroupNorm", normal(4, 6), args=(2, 6)),
    case("GroupNorm", normal(4, 6, 2, 3), args=(1, 6)),
    case("GroupNorm", normal(4, 3, 2, 3), args=(3, 3)),
    *(
        case(name, draw(n, *size), args=args, note=note)
        for name, size, args in (
            ("LayerNorm", (8,), (8,)),
            ("RMSNorm", (8,), (8,)),
            ("GroupNorm", (4, 8), (2, 4)),
        )
        for draw, n, note in _UNUSUAL
    ),
]
