"""Every loss."""

from typing import Any

from compare.testing.case import Case, case, cases, layer, weight
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
_REDUCTIONS = [{"reduction": reduction} for reduction in ("mean", "sum", "none")]


def _each(
    name: str, x: Draw, targets: Targets, reductions: Any = _REDUCTIONS, **common: Any
) -> list[Case]:
    """A loss of every target with every reduction."""
    return [
        case(name, x, target, **reduction, **common, **options)
        for reduction in reductions
        for target, options in targets
    ]


# Probabilities

_WEIGHT = {"weight": positive(5)}
_CLASSES: Targets = [
    (classes(6, of=5), {}),
    (classes(6, of=5), _WEIGHT),
    (classes(6, of=5, ignored=-100), {"ignore_index": -100}),
    (classes(6, of=5, ignored=-100), {**_WEIGHT, "ignore_index": -100}),
    (classes(6, of=5, ignored=2), {"ignore_index": 2}),
    (classes(6, of=5, ignored=2), {**_WEIGHT, "ignore_index": 2}),
]
_SHARES: Targets = [
    (probabilities(6, 5), {**options, "note": "class probabilities"})
    for options in ({}, _WEIGHT)
]
_COIN_WEIGHTS = ({}, {"weight": positive(3)}, {"weight": positive(4, 1)})
_COINS: Targets = [(coin(4, 3), options) for options in _COIN_WEIGHTS]
_LOG_TARGET = (log_probabilities(4, 3), {"log_target": True})
_KL: Targets = [(sparse_probabilities(4, 3), {}), _LOG_TARGET]
_BATCH_MEAN = {"reduction": "batchmean"}
_WEIGHTS = {"weight": positive(4, 3), "pos_weight": positive(3)}
_ENTROPY = [
    *_each("KLDivLoss", log_probabilities(4, 3), _KL, [*_REDUCTIONS, _BATCH_MEAN]),
    case("KLDivLoss", log_probabilities(5), probabilities(5), **_BATCH_MEAN),
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
    case("CrossEntropyLoss", normal(6, 5), probabilities(6, 5), **_SHARES[0][1]),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), probabilities(3, 5, 2, 2), note="N-d"),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), classes(3, 2, 2, of=5), note="N-d"),
    case("NLLLoss", log_probabilities(3, 5, 2), classes(3, 2, of=5), **_WEIGHT),
    case("NLLLoss", log_probabilities(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), probabilities(5), note="one example"),
    case("CrossEntropyLoss", extreme(4, 5), classes(4, of=5), note="extreme"),
    case("CrossEntropyLoss", strided(4, 5), classes(4, of=5), note="strided"),
    case("CrossEntropyLoss", normal(1, 2), classes(1, of=2), note="batch 1"),
]

# Margins and costs of confusions

_INPUTS = [
    *((normal(6, 5), (6,), reduction) for reduction in _REDUCTIONS),
    (integers(6, 5), (6,), {"note": "at the margin", "reduction": "mean"}),
    (extreme(6, 5), (6,), {"note": "extreme", "reduction": "mean"}),
    (strided(6, 5), (6,), {"note": "strided", "reduction": "mean"}),
    (kinked(5), (), {"note": "one example", "reduction": "mean"}),
    (normal(1, 5), (1,), {"note": "batch 1", "reduction": "mean"}),
    (normal(0, 5), (0,), {"note": "empty batch", "reduction": "none"}),
]
"""Numbers of five classes, the shape of their targets, and options."""
_OF_CLASSES: list[tuple[str, dict[str, Any]]] = [
    ("MultiMarginLoss", {}),
    ("MultiMarginLoss", {"margin": 2}),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5}),
    ("MultiMarginLoss", _WEIGHT),
    ("ExpectedCostLoss", {"cost": costs(5)}),
]
_SQUARED = {"p": 2, "margin": 0.5, **_WEIGHT}
_FIVE = (normal(6, 5), classes(6, of=5))
_N_D = (normal(3, 4, 2), classes(3, 2, of=4))
_MARGIN_LOSSES = [
    *(
        case("HingeEmbeddingLoss", x, signs(*shape, 5), **how, **margin)
        for margin in ({}, {"margin": 0.5}, {"margin": 2})
        for x, shape, how in _INPUTS
    ),
    *(
        case(name, x, classes(*shape, of=5), **how, **options)
        for name, options in _OF_CLASSES
        for x, shape, how in _INPUTS
    ),
    case("MultiMarginLoss", *_FIVE, **_SQUARED, reduction="none"),
    case("ExpectedCostLoss", *_N_D, note="N-d", cost=costs(4)),
    case("ExpectedCostLoss", *_N_D, note="N-d", cost=costs(4), reduction="none"),
]

# Differences, penalties and sums

_TWO = (normal(4, 3), normal(4, 3))
_TIED = (integers(4, 3), integers(4, 3))
_LATENT = (gaussians(4, 6), gaussians(4, 6))
_FAR = gaussians(4, 6, means=extreme, flat=40)
_DISTANCES = [
    *(
        one
        for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
        for shape in ((6,), (4, 3))
        for one in cases(name, kinked(*shape), kinked(*shape), each=_REDUCTIONS)
    ),
    *(
        case(name, *inputs, note=note, reduction=reduction, **{option: value})
        for name, option in (("SmoothL1Loss", "beta"), ("HuberLoss", "delta"))
        for value in (0.5, 2.0)
        for note, reduction, inputs in (
            ("at the tie", "mean", _TIED),
            ("extreme", "none", (extreme(4, 3), kinked(4, 3))),
            ("strided", "sum", (strided(4, 3), normal(4, 3))),
            ("empty batch", "sum", (normal(0, 3), normal(0, 3))),
            ("batch 1", "mean", (normal(1, 2, scale=2), normal(1, 2))),
        )
    ),
    case("SmoothL1Loss", *_TWO, beta=0),
    case("SmoothL1Loss", *_TIED, beta=0, note="at the tie"),
    *cases("GaussianKLLoss", *_LATENT, each=_REDUCTIONS),
    *(
        case("GaussianKLLoss", *inputs, note=note, reduction=reduction)
        for note, reduction, inputs in (
            ("to the standard normal", "mean", (gaussians(4, 6), standard(4, 6))),
            ("many leading dimensions", "none", 2 * (gaussians(3, 2, 4),)),
            ("nearly alike", "mean", (normal(4, 6, scale=1e-3), standard(4, 6))),
            ("extreme", "mean", (_FAR, gaussians(4, 6))),
            ("strided", "sum", (strided(4, 6), gaussians(4, 6))),
            ("one example", "mean", (gaussians(6), gaussians(6))),
            ("batch 1", "mean", (gaussians(1, 2), gaussians(1, 2))),
            ("empty batch", "none", (gaussians(0, 4), gaussians(0, 4))),
        )
    ),
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
_L1, _MSE, _CROSS_ENTROPY = map(layer, ("L1Loss", "MSELoss", "CrossEntropyLoss"))
_MARGIN, _HUBER = layer("MultiMarginLoss", 2), layer("HuberLoss", "sum", 0.5)
_PENALTY = layer("SmoothnessPenalty", weight(3, 6), (2, 3))
_SUM = layer("WeightedSum", [(0.5, _L1)])
_SUMS = [
    case("WeightedSum", *inputs, args=(losses,), note=note)
    for note, losses, inputs in (
        ("", [(1.0, _MSE), (0.3, _L1)], (kinked(4, 3), kinked(4, 3))),
        ("one loss", [(-3, _MSE)], _TWO),
        ("classes", [(0.5, _CROSS_ENTROPY), (-0.2, _MARGIN)], _FIVE),
        ("a sum in it", [(0.25, _HUBER), (2.0, _SUM)], _TWO),
        ("a penalty in it", [(1.0, _MSE), (0.1, _PENALTY)], _TWO),
    )
]
LOSSES = [*_ENTROPY, *_MARGIN_LOSSES, *_DISTANCES, *_PENALTIES, *_SUMS]
