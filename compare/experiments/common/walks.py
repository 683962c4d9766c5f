"""What a gradient costs, against the number of inputs: walks, and time."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiments.common.libraries import give
from compare.experiments.common.ways import ways
from compare.results import Side

SIZES = 2 ** np.arange(3, 8)


def evaluations(library: str, n: int) -> dict[str, int]:
    """How often each way walks through a function of n numbers."""
    counted = 0

    def f(ad: Any, x: Any) -> Any:
        nonlocal counted
        counted += 1
        return wave(ad, x)

    found, x = {}, give(library, np.linspace(-1, 1, n))
    for way, find in ways(library, f).items():
        counted = 0
        find(x)
        found[way] = counted
    return found


def wave(ad: Any, x: Any) -> Any:
    """A function of any number of numbers."""
    return ad.sum(ad.sin(x) * ad.exp(-x * x))


def reverse_costs_the_same(side: Side) -> tuple[bool, str]:
    """All ways but the reverse one walk through f once for each input."""
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    exponent = {
        way: np.polyfit(np.log(SIZES), np.log([c[way] for c in counts]), 1)[0]
        for way in counts[0]
    }
    flat = exponent.pop("reverse")
    holds = abs(flat) < 1e-9 and all(abs(e - 1) < 0.05 for e in exponent.values())
    found = ", ".join(f"{way} n^{e:.2f}" for way, e in exponent.items())
    return bool(holds), (
        f"evaluations for n = {SIZES[0]} … {SIZES[-1]}: {found}, reverse "
        f"n^{abs(flat):.2f} (at n = {SIZES[-1]}, forward {counts[-1]['forward']}, "
        f"reverse {counts[-1]['reverse']})"
    )


def draw_costs(side: Side) -> Figure:
    """Evaluations and time against the number of inputs."""
    figure, (left, right) = plots.canvas(2)
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    for number, way in enumerate(counts[0]):
        width = 6 - number  # what lies below shows at the edges
        left.loglog(SIZES, [c[way] for c in counts], "o-", lw=width, label=way)
        seconds = [duration(ways(side.library, wave)[way], int(n)) for n in SIZES]
        right.loglog(SIZES, 1e3 * np.array(seconds), "o-", lw=2)
    left.set_ylim(bottom=0.5)
    for ax in (left, right):
        ax.set_xticks(SIZES, [str(n) for n in SIZES])
        ax.minorticks_off()
    plots.label(left, "walks through f", "inputs n", "evaluations")
    plots.label(right, "time", "inputs n", "milliseconds")
    plots.below(figure, left, columns=3)
    return figure


def duration(find: Callable[..., Any], n: int) -> float:
    """The shortest of three."""
    x, taken = np.linspace(-1, 1, n), []
    for _ in range(3):
        start = time.perf_counter()
        find(x)
        taken.append(time.perf_counter() - start)
    return min(taken)
