"""Every loss."""

from collections.abc import Callable
from typing import Any

from compare.testing.case import case, layer, weight
from compare.testing.draws import (
    Draw,
    classes,
    coin,
    costs,
    extreme,
    gaussians,
    integers,
    kinked,
    log_probabilities,
    normal,
    positive,
    probabilities,
    signs,
    sparse_probabilities,
    standard,
    strided,
    unit,
    unit_ends,
)

# Probabilities

_WEIGHTS: list[dict[str, Any]] = [
    {},
    {"weight": positive(3)},
    {"weight": positive(4, 1)},
]
_BINARY = [
    case(name, draw(4, 3), coin(4, 3), reduction=reduction, **more)
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
    case(name, draw(6, 5), target, reduction=reduction, **more)
    for name, draw in (("NLLLoss", log_probabilities), ("CrossEntropyLoss", normal))
    for reduction in ("mean", "sum", "none")
    for target, more in _TARGETS
]
_SMOOTHED = [
    case(
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
        (probabilities(6, 5), {}),
        (probabilities(6, 5), {"weight": positive(5)}),
    ]
]
_PROBABILITIES: list[tuple[Draw, dict[str, Any]]] = [
    (sparse_probabilities(4, 3), {}),
    (log_probabilities(4, 3), {"log_target": True}),
]
_KL = [
    case("KLDivLoss", log_probabilities(4, 3), target, reduction=reduction, **more)
    for reduction in ("mean", "batchmean", "sum", "none")
    for target, more in _PROBABILITIES
]
_ENTROPY = [
    *_KL,
    case("KLDivLoss", log_probabilities(5), probabilities(5), reduction="batchmean"),
    case("KLDivLoss", strided(4, 3), probabilities(4, 3), note="strided"),
    case("KLDivLoss", extreme(4, 3), sparse_probabilities(4, 3), note="extreme"),
    case("KLDivLoss", normal(1, 2), probabilities(1, 2), note="batch 1"),
    *_BINARY,
    case("BCELoss", unit_ends(4, 3), coin(4, 3), note="at 0 and 1"),
    case("BCELoss", unit(4, 3), unit(4, 3), note="soft targets"),
    case("BCEWithLogitsLoss", normal(4, 3), unit(4, 3), pos_weight=positive(3)),
    case(
        "BCEWithLogitsLoss",
        normal(4, 3),
        coin(4, 3),
        weight=positive(4, 3),
        pos_weight=positive(3),
        reduction="none",
    ),
    case("BCEWithLogitsLoss", extreme(4, 3), coin(4, 3), note="extreme"),
    *_INDEXED,
    *_SMOOTHED,
    case("CrossEntropyLoss", normal(6, 5), probabilities(6, 5)),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), probabilities(3, 5, 2, 2), note="N-d"),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), classes(3, 2, 2, of=5), note="N-d"),
    case(
        "NLLLoss", log_probabilities(3, 5, 2), classes(3, 2, of=5), weight=positive(5)
    ),
    case("NLLLoss", log_probabilities(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), probabilities(5), note="one example"),
    case("CrossEntropyLoss", extreme(4, 5), classes(4, of=5), note="extreme"),
    case("CrossEntropyLoss", strided(4, 5), classes(4, of=5), note="strided"),
    case("CrossEntropyLoss", normal(1, 2), classes(1, of=2), note="batch 1"),
]

# Margins and costs of confusions

_MARGIN_OPTIONS: list[dict[str, Any]] = [{}, {"margin": 0.5}, {"margin": 2}]
_INPUTS: list[tuple[str, str, Callable[..., Draw], tuple[int, ...]]] = [
    ("", "mean", normal, (6, 5)),
    ("", "sum", normal, (6, 5)),
    ("", "none", normal, (6, 5)),
    ("at the margin", "mean", integers, (6, 5)),
    ("extreme", "mean", extreme, (6, 5)),
    ("strided", "mean", strided, (6, 5)),
    ("one example", "mean", kinked, (5,)),
    ("batch 1", "mean", normal, (1, 5)),
    ("empty batch", "none", normal, (0, 5)),
]
"""Notes, reductions, inputs and their shapes."""
_HINGES = [
    case(
        "HingeEmbeddingLoss",
        draw(*shape),
        signs(*shape),
        note=note,
        reduction=reduction,
        **more,
    )
    for more in _MARGIN_OPTIONS
    for note, reduction, draw, shape in _INPUTS
]
_MARGINS = [
    case(
        "MultiMarginLoss",
        draw(*shape),
        classes(*shape[:-1], of=5),
        note=note,
        reduction=reduction,
        **more,
    )
    for more in [
        *_MARGIN_OPTIONS[::2],
        {"p": 2, "margin": 0.5},
        {"weight": positive(5)},
    ]
    for note, reduction, draw, shape in _INPUTS
]
_COSTS = [
    case(
        "ExpectedCostLoss",
        draw(*shape),
        classes(*shape[:-1], of=5),
        note=note,
        reduction=reduction,
        cost=costs(5),
    )
    for note, reduction, draw, shape in _INPUTS
]
_MARGIN_LOSSES = [
    *_HINGES,
    *_MARGINS,
    case(
        "MultiMarginLoss",
        normal(6, 5),
        classes(6, of=5),
        p=2,
        margin=0.5,
        weight=positive(5),
        reduction="none",
    ),
    *_COSTS,
    case(
        "ExpectedCostLoss",
        normal(3, 4, 2),
        classes(3, 2, of=4),
        note="N-d",
        cost=costs(4),
    ),
    case(
        "ExpectedCostLoss",
        normal(3, 4, 2),
        classes(3, 2, of=4),
        cost=costs(4),
        reduction="none",
        note="N-d",
    ),
]

# Differences, penalties and sums

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
        ("at the tie", "mean", (integers(4, 3), integers(4, 3))),
        ("extreme", "none", (extreme(4, 3), kinked(4, 3))),
        ("strided", "sum", (strided(4, 3), normal(4, 3))),
        ("empty batch", "sum", (normal(0, 3), normal(0, 3))),
        ("batch 1", "mean", (normal(1, 2, scale=2), normal(1, 2))),
    )
]
_DISTANCES = [
    case("GaussianKLLoss", *inputs, note=note, reduction=reduction)
    for note, reduction, inputs in (
        ("to the standard normal", "mean", (gaussians(4, 6), standard(4, 6))),
        ("", "mean", (gaussians(4, 6), gaussians(4, 6))),
        ("", "sum", (gaussians(4, 6), gaussians(4, 6))),
        ("", "none", (gaussians(4, 6), gaussians(4, 6))),
        ("many leading dimensions", "none", (gaussians(3, 2, 4), gaussians(3, 2, 4))),
        ("nearly alike", "mean", (normal(4, 6, scale=1e-3), standard(4, 6))),
        ("extreme", "mean", (gaussians(4, 6, means=extreme, flat=40), gaussians(4, 6))),
        ("strided", "sum", (strided(4, 6), gaussians(4, 6))),
        ("one example", "mean", (gaussians(6), gaussians(6))),
        ("batch 1", "mean", (gaussians(1, 2), gaussians(1, 2))),
        ("empty batch", "none", (gaussians(0, 4), gaussians(0, 4))),
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
    case("SmoothL1Loss", integers(4, 3), integers(4, 3), beta=0, note="at the tie"),
    *_ENTROPY,
    *_MARGIN_LOSSES,
    *_DISTANCES,
    *_PENALTIES,
    *_SUMS,
]
