"""Every loss."""

from collections.abc import Callable
from typing import Any

from compare.testing.case import Case, case, layer, weight
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

Targets = list[tuple[Draw, dict[str, Any]]]
"""Targets, each with options of the loss."""


def _each(
    name: str,
    x: Draw,
    targets: Targets,
    reductions: tuple[str, ...] = ("mean", "sum", "none"),
    **common: Any,
) -> list[Case]:
    """A loss of every target with every reduction."""
    return [
        case(name, x, target, reduction=reduction, **common, **options)
        for reduction in reductions
        for target, options in targets
    ]


# Probabilities

_COINS: Targets = [
    (coin(4, 3), {}),
    (coin(4, 3), {"weight": positive(3)}),
    (coin(4, 3), {"weight": positive(4, 1)}),
]
_CLASSES: Targets = [
    (classes(6, of=5), {}),
    (classes(6, of=5, ignored=-100), {"ignore_index": -100}),
    (classes(6, of=5), {"weight": positive(5)}),
    (classes(6, of=5, ignored=2), {"ignore_index": 2}),
    (classes(6, of=5, ignored=2), {"weight": positive(5), "ignore_index": 2}),
]
_SHARES: Targets = [
    (probabilities(6, 5), {}),
    (probabilities(6, 5), {"weight": positive(5)}),
]
_KL: Targets = [
    (sparse_probabilities(4, 3), {}),
    (log_probabilities(4, 3), {"log_target": True}),
]
_KL_REDUCTIONS = ("mean", "batchmean", "sum", "none")
_WEIGHTS: dict[str, Any] = {"weight": positive(4, 3), "pos_weight": positive(3)}
_ENTROPY = [
    *_each("KLDivLoss", log_probabilities(4, 3), _KL, _KL_REDUCTIONS),
    case("KLDivLoss", log_probabilities(5), probabilities(5), reduction="batchmean"),
    case("KLDivLoss", strided(4, 3), probabilities(4, 3), note="strided"),
    case("KLDivLoss", extreme(4, 3), sparse_probabilities(4, 3), note="extreme"),
    case("KLDivLoss", normal(1, 2), probabilities(1, 2), note="batch 1"),
    *_each("BCELoss", unit(4, 3), _COINS),
    *_each("BCEWithLogitsLoss", normal(4, 3), _COINS),
    case("BCELoss", unit_ends(4, 3), coin(4, 3), note="at 0 and 1"),
    case("BCELoss", unit(4, 3), unit(4, 3), note="soft targets"),
    case("BCEWithLogitsLoss", normal(4, 3), unit(4, 3), pos_weight=positive(3)),
    case("BCEWithLogitsLoss", normal(4, 3), coin(4, 3), **_WEIGHTS, reduction="none"),
    case("BCEWithLogitsLoss", extreme(4, 3), coin(4, 3), note="extreme"),
    *_each("NLLLoss", log_probabilities(6, 5), _CLASSES),
    *_each("CrossEntropyLoss", normal(6, 5), _CLASSES),
    *_each("CrossEntropyLoss", normal(6, 5), _CLASSES + _SHARES, label_smoothing=0.2),
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


def _class_of_five(*shape: int) -> Draw:
    return classes(*shape[:-1], of=5)


_MARGIN_OPTIONS: list[tuple[str, Callable[..., Draw], dict[str, Any]]] = [
    ("HingeEmbeddingLoss", signs, {}),
    ("HingeEmbeddingLoss", signs, {"margin": 0.5}),
    ("HingeEmbeddingLoss", signs, {"margin": 2}),
    ("MultiMarginLoss", _class_of_five, {}),
    ("MultiMarginLoss", _class_of_five, {"margin": 2}),
    ("MultiMarginLoss", _class_of_five, {"p": 2, "margin": 0.5}),
    ("MultiMarginLoss", _class_of_five, {"weight": positive(5)}),
    ("ExpectedCostLoss", _class_of_five, {"cost": costs(5)}),
]
_SQUARED: dict[str, Any] = {"p": 2, "margin": 0.5, "weight": positive(5)}
_FIVE = (normal(6, 5), classes(6, of=5))
_N_D = (normal(3, 4, 2), classes(3, 2, of=4))
_MARGIN_LOSSES = [
    *(
        case(name, x(*shape), target(*shape), note=note, reduction=reduction, **options)
        for name, target, options in _MARGIN_OPTIONS
        for note, reduction, x, shape in _INPUTS
    ),
    case("MultiMarginLoss", *_FIVE, **_SQUARED, reduction="none"),
    case("ExpectedCostLoss", *_N_D, note="N-d", cost=costs(4)),
    case("ExpectedCostLoss", *_N_D, note="N-d", cost=costs(4), reduction="none"),
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
_L1, _MSE = layer("L1Loss"), layer("MSELoss")
_CROSS_ENTROPY, _MARGIN = layer("CrossEntropyLoss"), layer("MultiMarginLoss", 2)
_INNER_SUM = layer("WeightedSum", [(0.5, _L1)])
_PENALTY = layer("SmoothnessPenalty", weight(3, 6), (2, 3))
_SUMS = [
    case("WeightedSum", *inputs, args=(losses,), note=note)
    for note, losses, inputs in (
        ("", [(1.0, _MSE), (0.3, _L1)], (kinked(4, 3), kinked(4, 3))),
        ("one loss", [(-3, _MSE)], (normal(4, 3), normal(4, 3))),
        (
            "classes",
            [(0.5, _CROSS_ENTROPY), (-0.2, _MARGIN)],
            (normal(6, 5), classes(6, of=5)),
        ),
        (
            "a sum in it",
            [(0.25, layer("HuberLoss", "sum", 0.5)), (2.0, _INNER_SUM)],
            (normal(4, 3), normal(4, 3)),
        ),
        (
            "a penalty in it",
            [(1.0, _MSE), (0.1, _PENALTY)],
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
