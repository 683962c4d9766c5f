"""Losses with a margin, and costs of confusions."""

from collections.abc import Callable
from typing import Any

from compare.testing.case import case
from compare.testing.draws import (
    Draw,
    classes,
    costs,
    extreme,
    kinked,
    normal,
    positive,
    signs,
    strided,
    whole,
)

_MARGIN: list[dict[str, Any]] = [{}, {"margin": 0.5}, {"margin": 2}]
_FED: list[tuple[str, str, Callable[..., Draw], tuple[int, ...]]] = [
    ("", "mean", normal, (6, 5)),
    ("", "sum", normal, (6, 5)),
    ("", "none", normal, (6, 5)),
    ("at the margin", "mean", whole, (6, 5)),
    ("extreme", "mean", extreme, (6, 5)),
    ("strided", "mean", strided, (6, 5)),
    ("one example", "mean", kinked, (5,)),
    ("batch 1", "mean", normal, (1, 5)),
    ("empty batch", "none", normal, (0, 5)),
]
"""Notes, reductions, inputs and their shapes for losses that have a kink or five
classes."""
_HINGES = [
    case(
        "HingeEmbeddingLoss",
        draw(*shape),
        signs(*shape),
        note=note,
        reduction=reduction,
        **more,
    )
    for more in _MARGIN
    for note, reduction, draw, shape in _FED
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
    for more in [*_MARGIN[::2], {"p": 2, "margin": 0.5}, {"weight": positive(5)}]
    for note, reduction, draw, shape in _FED
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
    for note, reduction, draw, shape in _FED
]
MARGIN = [
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
