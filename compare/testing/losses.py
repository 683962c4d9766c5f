"""Every loss."""

from typing import Any

from compare.testing.case import case, layer, weight
from compare.testing.draws import (
    classes,
    coin,
    curves,
    extreme,
    kinked,
    normal,
    standard,
    strided,
    whole,
)
from compare.testing.losses_entropy import ENTROPY
from compare.testing.losses_margin import MARGIN

_ELEMENTWISE = [
    case(name, kinked(*shape), kinked(*shape), reduction=reduction)
    for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
    for shape in ((6,), (4, 3))
    for reduction in ("mean", "sum", "none")
]
_TIPS: list[tuple[str, dict[str, Any]]] = [
    ("SmoothL1Loss", {"beta": 0.5}),
    ("SmoothL1Loss", {"beta": 2.0}),
    ("HuberLoss", {"delta": 0.5}),
    ("HuberLoss", {"delta": 2.0}),
]
_ROUNDED = [
    case(name, *inputs, note=note, reduction=reduction, **more)
    for name, more in _TIPS
    for note, reduction, inputs in (
        ("at the tie", "mean", (whole(4, 3), whole(4, 3))),
        ("extreme", "none", (extreme(4, 3), kinked(4, 3))),
        ("strided", "sum", (strided(4, 3), normal(4, 3))),
        ("empty batch", "sum", (normal(0, 3), normal(0, 3))),
        ("batch 1", "mean", (normal(1, 2, scale=2), normal(1, 2))),
    )
]
_DISTANCES = [
    case("GaussianKLLoss", *inputs, note=note, reduction=reduction)
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
    case("SmoothnessPenalty", *inputs, args=(weight(k, h * w), (h, w)), note=note)
    for k, h, w, note, inputs in (
        (2, 3, 4, "", (normal(4, 2), normal(4, 2))),
        (3, 1, 4, "one row", (normal(4, 3), classes(4, of=3))),
        (1, 4, 1, "one column", (normal(4, 1), coin(4, 1))),
        (2, 2, 2, "strided", (strided(4, 2), normal(4, 2))),
        (2, 2, 2, "empty batch", (normal(0, 2), normal(0, 2))),
    )
]
_SUMS = [
    case("WeightedSum", *inputs, args=(losses,), note=note)
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
    case("SmoothL1Loss", normal(4, 3), normal(4, 3), beta=0),
    case("SmoothL1Loss", whole(4, 3), whole(4, 3), beta=0, note="at the tie"),
    *ENTROPY,
    *MARGIN,
    *_DISTANCES,
    *_PENALTIES,
    *_SUMS,
]
