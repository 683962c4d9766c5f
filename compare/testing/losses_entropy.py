"""Losses of probabilities."""

from typing import Any

from compare.testing.case import case
from compare.testing.draws import (
    Draw,
    classes,
    coin,
    extreme,
    log_shares,
    normal,
    positive,
    shares,
    some_shares,
    strided,
    unit,
    unit_ends,
)

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
    for name, draw in (("NLLLoss", log_shares), ("CrossEntropyLoss", normal))
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
        (shares(6, 5), {}),
        (shares(6, 5), {"weight": positive(5)}),
    ]
]
_SHARES: list[tuple[Draw, dict[str, Any]]] = [
    (some_shares(4, 3), {}),
    (log_shares(4, 3), {"log_target": True}),
]
_DIVERGENCES = [
    case("KLDivLoss", log_shares(4, 3), target, reduction=reduction, **more)
    for reduction in ("mean", "batchmean", "sum", "none")
    for target, more in _SHARES
]
ENTROPY = [
    *_DIVERGENCES,
    case("KLDivLoss", log_shares(5), shares(5), reduction="batchmean"),
    case("KLDivLoss", strided(4, 3), shares(4, 3), note="strided"),
    case("KLDivLoss", extreme(4, 3), some_shares(4, 3), note="extreme"),
    case("KLDivLoss", normal(1, 2), shares(1, 2), note="batch 1"),
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
    case("CrossEntropyLoss", normal(6, 5), shares(6, 5)),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), shares(3, 5, 2, 2), note="N-d"),
    case("CrossEntropyLoss", normal(3, 5, 2, 2), classes(3, 2, 2, of=5), note="N-d"),
    case("NLLLoss", log_shares(3, 5, 2), classes(3, 2, of=5), weight=positive(5)),
    case("NLLLoss", log_shares(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), classes(of=5), note="one example"),
    case("CrossEntropyLoss", normal(5), shares(5), note="one example"),
    case("CrossEntropyLoss", extreme(4, 5), classes(4, of=5), note="extreme"),
    case("CrossEntropyLoss", strided(4, 5), classes(4, of=5), note="strided"),
    case("CrossEntropyLoss", normal(1, 2), classes(1, of=2), note="batch 1"),
]
