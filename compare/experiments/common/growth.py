"""How the cost of a blind search grows with the number of weights."""

import math
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes

from compare.experiments.common.budget import COLORS, PER_STEP
from compare.experiments.common.libraries import LIBRARIES, give
from compare.results import Side

DIMENSIONS = (2, 4, 8, 16, 32, 64)
REPEATS = 9
"""So many seeds, of which the median counts."""


@lru_cache(maxsize=8)
def searched(library: str) -> np.ndarray:
    """Evaluations that random descent needs from Σxⱼ² = 1 to 0.01, (d, repeats).

    The scale of its steps is 0.3 / d, near the best for every d.
    """
    wing = LIBRARIES[library]
    counts: list[int] = []
    for d in DIMENSIONS:
        start = give(library, np.full(d, 1 / math.sqrt(d)))
        for seed in range(REPEATS):
            wing.manual_seed(seed)
            trace = wing.search.random_descent(
                lambda x: (x * x).sum(), start, scale=0.3 / d
            )
            counts.append(len(trace.points))
    return np.reshape(counts, (len(DIMENSIONS), REPEATS))


def descended() -> int:
    """What gradient descent needs for the same, whatever d: 3 for each of its steps.

    A step of 0.1 multiplies each coordinate by 0.8.
    """
    steps = math.ceil(math.log(0.1) / math.log(0.8))
    return PER_STEP * steps


def exponent(library: str) -> float:
    """The p of evaluations ∝ dᵖ, by least squares through the logarithms of medians."""
    medians = np.median(searched(library), axis=1)
    return float(np.polyfit(np.log(DIMENSIONS), np.log(medians), 1)[0])


def times_more(side: Side) -> tuple[bool, str]:
    """Each further weight makes blind search dearer, and gradient descent not."""
    ratios = np.median(searched(side.library), axis=1) / descended()
    power = exponent(side.library)
    at = ", ".join(f"d = {d}: {r:.1f}" for d, r in zip(DIMENSIONS, ratios, strict=True))
    return bool(0.8 < power < 1.3 and ratios[-1] > 10), (
        f"times as many evaluations as gradient descent's {descended()}: {at}; like "
        f"d^{power:.2f} (median of the seeds 0 to {REPEATS - 1})"
    )


def draw(ax: Axes) -> None:
    """Evaluations against the number of weights, both axes logarithmic."""
    counts = searched("handmade")
    low, middle, high = np.quantile(counts, [0.1, 0.5, 0.9], axis=1)
    ax.fill_between(DIMENSIONS, low, high, color=COLORS["random"], alpha=0.25)
    power = exponent("handmade")
    ax.loglog(
        DIMENSIONS, middle, "o-", color=COLORS["random"], label=f"random, d^{power:.2f}"
    )
    ax.axhline(descended(), color=COLORS["gradient"], linewidth=2, label="gradient")
    ax.set_xticks(DIMENSIONS, [str(d) for d in DIMENSIONS])
    ax.minorticks_off()
    ax.set_ylim(top=4 * high.max())
    ax.legend(fontsize=12, loc="upper left")
