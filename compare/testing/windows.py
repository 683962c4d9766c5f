"""Convolution and pooling."""

from typing import Any

from compare.testing.case import case, cases
from compare.testing.draws import Draw, extreme, kinked, negative, normal, strided

_PADDINGS = [{}, {"padding": "same"}, {"padding": "valid"}]
_LONGER = [{"stride": 2, "padding": 1}, {"dilation": 2}]
_CONV1D = [
    *cases("Conv1d", normal(3, 2, 7), args=(2, 4, 3), each=_PADDINGS),
    *cases("Conv1d", normal(3, 2, 9), args=(2, 4, 3), each=_LONGER),
    case("Conv1d", normal(3, 2, 8), args=(2, 4, 3), stride=2),
    case("Conv1d", normal(3, 2, 8), args=(2, 4, 3), stride=3, padding=2),
    case("Conv1d", normal(3, 2, 9), args=(2, 4, 2), bias=False),
    case("Conv1d", normal(3, 4, 9), args=(4, 6, 3), groups=2),
    case("Conv1d", normal(2, 3, 7), args=(3, 6, 3), groups=3, dilation=2, stride=2),
    case("Conv1d", normal(3, 2, 7), args=(2, 2, 4), padding="same", dilation=2),
    case("Conv1d", normal(3, 2, 2), args=(2, 1, 5), padding=4, note="in the padding"),
    case("Conv1d", normal(1, 1, 5), args=(1, 1, 3), note="batch 1"),
    case("Conv1d", normal(0, 2, 7), args=(2, 4, 3), note="empty batch"),
    case("Conv1d", normal(2, 7), args=(2, 4, 3), note="one example"),
    case("Conv1d", strided(3, 2, 7), args=(2, 4, 3), note="strided"),
    case("Conv1d", extreme(3, 2, 7), args=(2, 4, 3), note="extreme"),
]
_CONV2D = [
    *cases("Conv2d", normal(3, 2, 5, 6), args=(2, 4, 3), each=({}, {"padding": 1})),
    case("Conv2d", normal(3, 2, 5, 6), args=(2, 4, (3, 2))),
    case("Conv2d", normal(3, 2, 7, 6), args=(2, 4, 3), stride=2),
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
CONVOLUTIONS = [*_CONV1D, *_CONV2D]
_Poolings = list[tuple[str, Draw, Any, dict[str, Any]]]
"""Dimensions, inputs, kernel sizes and options."""
_BOTH: _Poolings = [
    ("1d", normal(3, 2, 6), 2, {}),
    ("1d", normal(3, 2, 7), 3, {"stride": 2}),
    ("1d", normal(2, 2, 7), 3, {"stride": 1}),
    ("1d", normal(2, 2, 7), 3, {"stride": 2, "padding": 1}),
    ("1d", normal(2, 2, 9), 2, {"stride": 3}),
    ("1d", normal(2, 2, 8), 3, {"stride": 2, "ceil_mode": True}),
    ("1d", normal(2, 2, 4), 5, {"stride": 3, "ceil_mode": True}),
    # The last window would start in the padding behind, and does not exist.
    ("1d", normal(2, 2, 5), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
    ("1d", normal(2, 2, 6), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ("1d", normal(1, 1, 4), 2, {"note": "batch 1"}),
    ("1d", normal(0, 2, 5), 2, {"note": "empty batch"}),
    ("1d", normal(2, 6), 2, {"note": "one example"}),
    ("1d", strided(2, 2, 6), 2, {"note": "strided"}),
    ("1d", extreme(2, 2, 6), 2, {"note": "extreme"}),
    ("2d", normal(3, 2, 4, 6), 2, {}),
    ("2d", normal(2, 2, 5, 6), (3, 2), {"stride": (2, 1)}),
    ("2d", normal(2, 2, 5, 5), 3, {"stride": 1}),
    ("2d", normal(2, 2, 5, 5), 3, {"stride": 2, "padding": 1}),
    ("2d", normal(2, 2, 5, 5), (2, 3), {"padding": (1, 0)}),
    ("2d", normal(2, 2, 6, 5), 3, {"stride": 2, "ceil_mode": True}),
    ("2d", normal(1, 2, 5, 6), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
    ("2d", normal(1, 2, 6, 4), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    ("2d", normal(1, 1, 2, 3), 2, {"note": "batch 1"}),
    ("2d", normal(0, 2, 4, 5), 2, {"note": "empty batch"}),
    ("2d", normal(2, 4, 6), 2, {"note": "one example"}),
    ("2d", strided(2, 2, 4, 6), 2, {"note": "strided"}),
    ("2d", extreme(2, 2, 4, 6), 2, {"note": "extreme"}),
]
_AVERAGES: _Poolings = [
    ("1d", normal(2, 2, 6), 2, {"padding": 1}),
    ("2d", normal(2, 2, 4, 5), 2, {"divisor_override": 3}),
    ("2d", normal(2, 2, 4, 5), 2, {"padding": 1, "divisor_override": -1}),
    *(
        (d, x, 3, {"stride": 2, "padding": 1, "count_include_pad": False, **more})
        for d, x in (("1d", normal(2, 2, 6)), ("2d", normal(2, 2, 6, 5)))
        for more in ({}, {"ceil_mode": True})
    ),
]
_MAXIMA: _Poolings = [
    ("1d", kinked(3, 2, 8), 3, {"stride": 1, "note": "ties"}),
    ("1d", kinked(3, 2, 9), 3, {"padding": 1, "note": "ties"}),
    ("1d", negative(3, 2, 6), 2, {"padding": 1, "note": "below 0"}),
    ("1d", normal(3, 2, 9), 3, {"dilation": 2}),
    ("1d", normal(2, 2, 9), 2, {"dilation": 3, "padding": 1, "stride": 1}),
    ("2d", kinked(3, 2, 5, 5), 3, {"stride": 1, "note": "ties"}),
    ("2d", kinked(2, 2, 6, 5), 3, {"padding": 1, "note": "ties"}),
    ("2d", negative(3, 2, 4, 4), 2, {"padding": 1, "note": "below 0"}),
    ("2d", normal(2, 2, 7, 6), 2, {"dilation": (1, 3), "stride": 1}),
]
POOLINGS = [
    case(f"{kind}Pool{d}", x, kernel_size=size, **options)
    for kind, rows in (("Max", [*_BOTH, *_MAXIMA]), ("Avg", [*_BOTH, *_AVERAGES]))
    for d, x, size, options in rows
]
