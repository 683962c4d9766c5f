"""Drawers of convolution and pooling."""

from collections.abc import Sequence
from typing import Any

from compare.testing.case import Layer
from strategies.spec import (
    Choose,
    Draw,
    Drawn,
    values,
)


def _windowed(choose: Choose, d: int) -> tuple[Any, ...]:
    """Kernel, stride, padding and dilation, each a number or one a dimension."""
    ranges = ((2, 1, 3, 4), (1, 2, 3), (0, 1, 2), (1, 2, 3))
    return tuple(_sizes(choose, some, d) for some in ranges)


def _sizes(choose: Choose, some: Sequence[int], d: int) -> Any:
    """One whole number, or one for each of d dimensions."""
    if choose((True, False)):
        return choose(some)
    return tuple(choose(some) for _ in range(d))


def _each(sizes: Any, d: int) -> tuple[int, ...]:
    return (sizes,) * d if isinstance(sizes, int) else sizes


def _fitting(choose: Choose, d: int, kernel: Any, gaps: Any) -> tuple[int, ...]:
    """Input sizes that a window fits into, even without padding."""
    spans = zip(_each(kernel, d), _each(gaps, d), strict=True)
    return tuple((k - 1) * g + 1 + choose((2, 0, 1, 3, 5)) for k, g in spans)


def _examples(choose: Choose) -> tuple[int, ...]:
    """How many examples: () is one without a dimension of its own."""
    return choose(((2,), (1,), (), (3,), (0,)))


def convolution(d: int) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        kernel, stride, padding, gaps = _windowed(choose, d)
        groups = choose((1, 2, 3))
        i, o = groups * choose((1, 2)), groups * choose((2, 1))
        kwargs = {"dilation": gaps, "groups": groups, "bias": choose((True, False))}
        both = zip(_each(kernel, d), _each(gaps, d), strict=True)
        even = all((k - 1) * g % 2 == 0 for k, g in both)
        if word := choose((None, "valid", "same")):
            kwargs["padding"] = word if even else "valid"
        else:
            kwargs |= {"padding": padding}
        if kwargs["padding"] != "same":
            kwargs["stride"] = stride
        size = (*_examples(choose), i, *_fitting(choose, d, kernel, gaps))
        spec = Layer(f"Conv{d}d", (i, o, kernel), kwargs)
        return spec, (values(choose, rng, size),)

    return draw


def pooling(name: str, d: int, *options: str) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        kernel, stride, _, gaps = _windowed(choose, d)
        gaps = gaps if "dilation" in options else 1
        most = min(_each(kernel, d)) // 2
        kwargs = {
            "stride": choose((None, stride)),
            "padding": _sizes(choose, range(most + 1), d),
            "ceil_mode": choose((False, True)),
            "dilation": gaps,
            "count_include_pad": choose((True, False)),
            "divisor_override": choose((None, 2, -3)),
        }
        kwargs = {k: v for k, v in kwargs.items() if k in options}
        channels = choose((2, 1, 3))
        size = (*_examples(choose), channels, *_fitting(choose, d, kernel, gaps))
        return Layer(f"{name}{d}d", (kernel,), kwargs), (values(choose, rng, size),)

    return draw


POOLED = ("stride", "padding", "ceil_mode")
