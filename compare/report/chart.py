"""Charts as inline SVG: curves over the steps, and one dot a tensor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from operator import itemgetter

Point = tuple[float, float]
WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 24, 34
LETTER, ROW, FIRST_ROW = 7, 20, 8
"""Width of a letter, height of a row and top of the rows in a chart of dots."""
MOST_LETTERS = 28
TICKS = 5
LOG_FROM = 100
"""Losses whose largest is this many times the smallest have a log axis."""
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Curve:
    """Points with the class that styles them in page.css; joined, or dots."""

    style: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic scale from values to pixels.

    `zero` says that the lowest value of a log scale stands for 0.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    zero: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(value) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self) -> list[tuple[float, str]]:
        """Round values on the axis, and how they are written."""
        if self.log:
            first, last = math.ceil(self._scaled(self.low)), self._scaled(self.high)
            powers = range(first, math.floor(last) + 1)
            powers = powers[:: math.ceil(len(powers) / TICKS) or 1]
            ticks = [(10.0**n, f"10{str(n).translate(SUPERSCRIPT)}") for n in powers]
            return [(self.low, "0"), *ticks[1:]] if self.zero else ticks
        step = _round_step((self.high - self.low) / TICKS)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(n * step, f"{n * step:g}") for n in range(first, last + 1)]


def losses(curves: Sequence[Curve], x: str, y: str) -> str:
    """Curves of losses; what is NaN or infinite is a triangle at the top."""
    values = [v for c in curves for _, v in c.points if math.isfinite(v)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    log = low > 0 and high > LOG_FROM * low
    if not log:  # a margin, and some height for a constant loss
        margin = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
        low, high = low - margin, high + margin
    return _over_steps(curves, Axis(low, high, HEIGHT - BOTTOM, TOP, log), x, y)


def differences(curves: Sequence[Curve], tolerance: float, x: str, y: str) -> str:
    """Differences on a log axis with their tolerance; 0 lies on the axis itself."""
    axis = _difference_axis(
        [v for c in curves for _, v in c.points], tolerance, HEIGHT - BOTTOM, TOP
    )
    raised = [
        Curve(c.style, [(s, max(v, axis.low)) for s, v in c.points], c.dots)
        for c in curves
    ]
    return _over_steps(raised, axis, x, y, tolerance)


def tensors(errors: dict[str, float], tolerance: float, x: str) -> str:
    """The largest difference of each tensor as a dot, left of the tolerance."""
    letters = min(MOST_LETTERS, max(map(len, errors)))
    left = LETTER * letters + 16
    axis = _difference_axis([*errors.values()], tolerance, left, WIDTH - RIGHT)
    bottom = FIRST_ROW + ROW * len(errors)
    parts = [_vertical_ticks(axis, bottom)]
    for number, (name, error) in enumerate(errors.items()):
        y = FIRST_ROW + ROW * (number + 0.5)
        shown = max(error, axis.low) if error < axis.high else axis.high
        at, end = axis(shown), escape(name[-letters:])
        parts += [
            f'<path class="grid" d="M{left} {y}H{WIDTH - RIGHT}"/>',
            f'<text x="{left - 8}" y="{y + 4}" class="end">{end}</text>',
            f'<circle class="one-step" cx="{at:.1f}" cy="{y}" r="4">'
            f"<title>{escape(name)}: {error!r}</title></circle>",
        ]
    line = axis(tolerance)
    parts.append(f'<path class="tolerance" d="M{line:.1f} {FIRST_ROW}V{bottom}"/>')
    parts.append(_label_below(bottom, x, left))
    return _svg(parts, bottom + BOTTOM, x)


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` points, with the least and the largest of each stretch."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(2 * len(points) / most)
    kept = []
    for i in range(0, len(points), size):
        block = points[i : i + size]
        finite = [p for p in block if math.isfinite(p[1])] or block
        kept += sorted({min(finite, key=itemgetter(1)), max(finite, key=itemgetter(1))})
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _over_steps(
    curves: Sequence[Curve], y: Axis, x_label: str, y_label: str, tolerance: float = 0.0
) -> str:
    steps = [s for c in curves for s, _ in c.points]
    last = max(steps, default=0)
    x = Axis(0, last or 1, LEFT, WIDTH - RIGHT)
    bottom = HEIGHT - BOTTOM
    parts = [
        f'<path class="grid" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" class="end">{words}</text>'
        for v, words in y.ticks()
    ]
    parts += [
        f'<text x="{x(v):.1f}" y="{bottom + 16}" class="middle">{words}</text>'
        for v, words in x.ticks()
        if v == int(v)
    ]
    parts += [_drawn(curve, x, y) for curve in curves]
    if tolerance:
        line = f"M{LEFT} {y(tolerance):.1f}H{WIDTH - RIGHT}"
        parts.append(f'<path class="tolerance" d="{line}"/>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text x="4" y="12">{escape(y_label)}</text>')
    parts.append(_label_below(bottom, x_label, LEFT))
    return _svg(parts, HEIGHT, y_label)


def _drawn(curve: Curve, x: Axis, y: Axis) -> str:
    finite = [(x(s), y(v)) for s, v in curve.points if math.isfinite(v)]
    others = [(s, v) for s, v in curve.points if not math.isfinite(v)]
    if curve.dots or len(finite) == 1:
        path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in finite)
        drawn = [f'<path class="{curve.style} dots" d="{path}"/>']
    else:
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in finite)
        drawn = [f'<polyline class="{curve.style}" points="{path}"/>']
    drawn += [
        f'<path class="{curve.style} beyond" d="M{x(s) - 5:.1f} {TOP + 8}h10l-5 -8z">'
        f"<title>{s}: {v}</title></path>"
        for s, v in others
    ]
    return "".join(drawn)


def _difference_axis(
    values: Sequence[float], tolerance: float, start: float, end: float
) -> Axis:
    """A log axis that has room below the smallest difference and above all."""
    finite = [v for v in (*values, tolerance) if 0 < v < math.inf] or [1e-16]
    low = 10.0 ** (math.floor(math.log10(min(finite))) - 1)
    high = 10.0 ** math.ceil(math.log10(max(finite)) + 0.5)
    return Axis(low, high, start, end, log=True, zero=0 in values)


def _vertical_ticks(axis: Axis, bottom: float) -> str:
    return "".join(
        f'<path class="grid" d="M{axis(v):.1f} {FIRST_ROW}V{bottom}"/>'
        f'<text x="{axis(v):.1f}" y="{bottom + 16}" class="middle">{words}</text>'
        for v, words in axis.ticks()
    )


def _label_below(bottom: float, words: str, left: float) -> str:
    middle = (left + WIDTH - RIGHT) / 2
    return f'<text x="{middle}" y="{bottom + 31}" class="middle">{escape(words)}</text>'


def _svg(parts: Sequence[str], height: float, name: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def _round_step(width: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= width * (1 - 1e-9))
