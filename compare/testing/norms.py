"""Normalisation, in both modes."""

from typing import Any

from compare.testing.case import case
from compare.testing.draws import Draw, extreme, far, normal, strided

_UNTRACKED = {"affine": False, "track_running_stats": False}
_BATCH: list[tuple[str, Draw, dict[str, Any]]] = [
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
    ("BatchNorm2d", normal(4, 3, 2, 5), _UNTRACKED),
]
_UNUSUAL = [
    (extreme, 8, "extreme"),
    (far, 8, "extreme, far"),
    (strided, 4, "strided"),
    (normal, 1, "batch 1"),
    (normal, 0, "empty batch"),
]
"""Inputs, batch sizes and notes."""
NORMS = [
    *(
        case(name, draw, args=(3,), training=training, **more)
        for training in (True, False)
        for name, draw, more in _BATCH
    ),
    *(
        case(name, draw(n, 3, *size), args=(3,), note=note, training=training)
        for training in (True, False)
        for name, size in (("BatchNorm1d", (4,)), ("BatchNorm2d", (2, 4)))
        for draw, n, note in _UNUSUAL
    ),
    case("BatchNorm1d", normal(1, 3), args=(3,), note="batch 1", training=False),
    case("LayerNorm", normal(4, 5), args=(5,)),
    case("LayerNorm", normal(2, 3, 4), args=((3, 4),), note="N-d"),
    case("LayerNorm", normal(4, 5), args=(5,), eps=0.1),
    case("LayerNorm", normal(4, 5), args=(5,), elementwise_affine=False),
    case("LayerNorm", normal(4, 5), args=(5,), bias=False),
    case("LayerNorm", normal(5), args=(5,), note="one example"),
    case("LayerNorm", normal(2, 3, 2, 4), args=(4,), note="many leading dimensions"),
    case("GroupNorm", normal(4, 6, 5), args=(3, 6)),
    case("GroupNorm", normal(4, 6), args=(2, 6)),
    case("GroupNorm", normal(4, 6, 2, 3), args=(1, 6)),
    case("GroupNorm", normal(4, 3, 2, 3), args=(3, 3)),
    case("GroupNorm", normal(4, 6, 5), args=(3, 6), eps=0.1),
    case("GroupNorm", normal(4, 6, 5), args=(3, 6), affine=False),
    case("GroupNorm", normal(4, 6, 5), args=(3, 6), bias=False),
    *(
        case(name, draw(n, 4, 8), args=args, note=note)
        for name, args in (("LayerNorm", (8,)), ("GroupNorm", (2, 4)))
        for draw, n, note in _UNUSUAL
    ),
]
