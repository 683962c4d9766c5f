"""Convolution and pooling."""

from typing import Any

from compare.testing.case import case
from compare.testing.draws import Draw, extreme, kinked, negative, normal, strided

CONVOLUTIONS = [
    case("Conv1d", normal(3, 2, 7), args=(2, 4, 3)),
    case("Conv1d", normal(3, 2, 9), args=(2, 4, 3), stride=2, padding=1),
    case("Conv1d", normal(3, 2, 8), args=(2, 4, 3), stride=3, padding=2),
    case("Conv1d", normal(3, 2, 9), args=(2, 4, 3), dilation=2),
    case("Conv1d", normal(3, 2, 9), args=(2, 4, 2), bias=False),
    case("Conv1d", normal(3, 4, 9), args=(4, 6, 3), groups=2),
    case("Conv1d", normal(2, 3, 7), args=(3, 6, 3), groups=3, dilation=2, stride=2),
    case("Conv1d", normal(3, 2, 7), args=(2, 4, 3), padding="same"),
    case("Conv1d", normal(3, 2, 7), args=(2, 2, 4), padding="same", dilation=2),
    case("Conv1d", normal(3, 2, 7), args=(2, 4, 3), padding="valid"),
    case("Conv1d", normal(3, 2, 2), args=(2, 1, 5), padding=4, note="in the padding"),
    case("Conv1d", normal(1, 1, 5), args=(1, 1, 3), note="batch 1"),
    case("Conv1d", normal(0, 2, 7), args=(2, 4, 3), note="empty batch"),
    case("Conv1d", normal(2, 7), args=(2, 4, 3), note="one example"),
    case("Conv1d", strided(3, 2, 7), args=(2, 4, 3), note="strided"),
    case("Conv1d", extreme(3, 2, 7), args=(2, 4, 3), note="extreme"),
    case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, 3)),
    case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, (3, 2))),
    case("Conv2d", normal(3, 2, 7, 6), args=(2, 4, 3), stride=2),
    case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, 3), padding=1),
    case("Conv2d", normal(2, 2, 7, 6), args=(2, 3, 3), stride=(2, 1), padding=(1, 2)),
    case("Conv2d", normal(2, 2, 7, 6), args=(2, 3, 3), dilation=(2, 1)),
    case("Conv2d", normal(2, 2, 5, 4), args=(2, 3, (1, 2)), bias=False),
    case("Conv2d", normal(2, 4, 5, 4), args=(4, 6, 3), groups=2),
    case("Conv2d", normal(2, 3, 5, 5), args=(3, 6, 2), groups=3, stride=2, padding=1),
    case("Conv2d", normal(2, 2, 4, 5), args=(2, 3, (3, 5)), padding="same"),
    case("Conv2d", normal(2, 2, 6, 5), args=(2, 3, 2), padding="valid", dilation=3),
    case("Conv2d", normal(3, 2, 4, 4), args=(2, 3, 1)),
    case("Conv2d", normal(1, 1, 3, 3), args=(1, 1, 3), note="batch 1"),
    case("Conv2d", normal(0, 2, 5, 6), args=(2, 4, 3), note="empty batch"),
    case("Conv2d", normal(2, 5, 6), args=(2, 4, 3), note="one example"),
    case("Conv2d", strided(3, 2, 5, 6), args=(2, 4, 3), note="strided"),
    case("Conv2d", extreme(3, 2, 5, 6), args=(2, 4, 3), note="extreme"),
]
_POOLED: dict[str, list[tuple[tuple[int, ...], Any, dict[str, Any]]]] = {
    "1d": [
        ((3, 2, 6), 2, {}),
        ((3, 2, 7), 3, {"stride": 2}),
        ((2, 2, 7), 3, {"stride": 1}),
        ((2, 2, 7), 3, {"stride": 2, "padding": 1}),
        ((2, 2, 9), 2, {"stride": 3}),
        ((2, 2, 8), 3, {"stride": 2, "ceil_mode": True}),
        ((2, 2, 4), 5, {"stride": 3, "ceil_mode": True}),
        # The last window would start in the padding behind, and does not exist.
        ((2, 2, 5), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
        ((2, 2, 6), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ],
    "2d": [
        ((3, 2, 4, 6), 2, {}),
        ((2, 2, 5, 6), (3, 2), {"stride": (2, 1)}),
        ((2, 2, 5, 5), 3, {"stride": 1}),
        ((2, 2, 5, 5), 3, {"stride": 2, "padding": 1}),
        ((2, 2, 5, 5), (2, 3), {"padding": (1, 0)}),
        ((2, 2, 6, 5), 3, {"stride": 2, "ceil_mode": True}),
        ((1, 2, 5, 6), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
        ((1, 2, 6, 4), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ],
}
"""Shapes of the input, kernel sizes and other options."""
_UNUSUAL: dict[str, list[tuple[Draw, str]]] = {
    "1d": [
        (normal(1, 1, 4), "batch 1"),
        (normal(0, 2, 5), "empty batch"),
        (normal(2, 6), "one example"),
        (strided(2, 2, 6), "strided"),
        (extreme(2, 2, 6), "extreme"),
    ],
    "2d": [
        (normal(1, 1, 2, 3), "batch 1"),
        (normal(0, 2, 4, 5), "empty batch"),
        (normal(2, 4, 6), "one example"),
        (strided(2, 2, 4, 6), "strided"),
        (extreme(2, 2, 4, 6), "extreme"),
    ],
}
_UNCOUNTED: list[dict[str, Any]] = [
    {"count_include_pad": False},
    {"count_include_pad": False, "ceil_mode": True},
]
_DIVIDED: list[dict[str, Any]] = [
    {"divisor_override": 3},
    {"padding": 1, "divisor_override": -1},
]
POOLINGS = [
    *(
        one
        for d in ("1d", "2d")
        for name in (f"MaxPool{d}", f"AvgPool{d}")
        for one in (
            *(case(name, normal(*n), kernel_size=k, **o) for n, k, o in _POOLED[d]),
            *(case(name, x, kernel_size=2, note=note) for x, note in _UNUSUAL[d]),
        )
    ),
    case("MaxPool1d", kinked(3, 2, 8), kernel_size=3, stride=1, note="ties"),
    case("MaxPool1d", kinked(3, 2, 9), kernel_size=3, padding=1, note="ties"),
    case("MaxPool1d", negative(3, 2, 6), kernel_size=2, padding=1, note="below 0"),
    case("MaxPool1d", normal(3, 2, 9), kernel_size=3, dilation=2),
    case("MaxPool1d", normal(2, 2, 9), kernel_size=2, dilation=3, padding=1, stride=1),
    case("MaxPool2d", kinked(3, 2, 5, 5), kernel_size=3, stride=1, note="ties"),
    case("MaxPool2d", kinked(2, 2, 6, 5), kernel_size=3, padding=1, note="ties"),
    case("MaxPool2d", negative(3, 2, 4, 4), kernel_size=2, padding=1, note="below 0"),
    case("MaxPool2d", normal(2, 2, 7, 6), kernel_size=2, dilation=(1, 3), stride=1),
    case("AvgPool1d", normal(2, 2, 6), kernel_size=2, padding=1),
    *(
        case(name, normal(*shape), kernel_size=3, stride=2, padding=1, **more)
        for name, shape in (("AvgPool1d", (2, 2, 6)), ("AvgPool2d", (2, 2, 6, 5)))
        for more in _UNCOUNTED
    ),
    *(
        case("AvgPool2d", normal(2, 2, 4, 5), kernel_size=2, **more)
        for more in _DIVIDED
    ),
]
