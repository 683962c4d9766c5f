"""How wrong a difference quotient is, against the length h of its step."""

from functools import lru_cache

import numpy as np
from matplotlib.figure import Figure

import handmade
from compare import plots
from compare.experiments.common.libraries import give
from compare.experiments.common.ways import FUNCTIONS, points, relative, ways
from compare.results import Side

EPS = float(np.finfo(float).eps)
STEPS = 10.0 ** np.arange(-16, 0.1, 0.5)
POINTS = 15
"""So many points, each from a seed of its own."""


@lru_cache
def errors(library: str) -> dict[str, np.ndarray]:
    """The error of each numeric way for each h: the middle one of all points."""
    by_hand = handmade.surfaces.SinePlusExponential().gradient
    found = ways(library, FUNCTIONS["SinePlusExponential"])
    return {
        way: np.array(
            [
                np.median(
                    [
                        relative(found[way](give(library, p), h=h), by_hand(p))
                        for p in points(POINTS)
                    ]
                )
                for h in STEPS
            ]
        )
        for way in ("one-sided", "central", "complex step")
    }


def steps_neither_long_nor_short(side: Side) -> tuple[bool, str]:
    """The best h of a difference is near the root that the theory says."""
    found, words, holds = errors(side.library), [], True
    for way, root, name in (("one-sided", 2, "√ε"), ("central", 3, "∛ε")):
        best, theory = STEPS[np.argmin(found[way])], EPS ** (1 / root)
        holds &= theory / 10 < best < theory * 10
        words.append(f"{way} best at h = {best:.0e} ({name} = {theory:.0e})")
    exact = found["complex step"][STEPS <= 1e-8].max()
    words.append(f"complex step {exact:.0e} for every h up to 1e−8")
    words.append(f"median of {POINTS} points, a seed each")
    return bool(holds and exact < 1e-15), ", ".join(words)


def draw_errors(side: Side) -> Figure:
    """The error against h."""
    figure, (ax,) = plots.canvas()
    for way, found in errors(side.library).items():
        ax.loglog(STEPS, np.maximum(found, 1e-17), "o-", ms=4, lw=2, label=way)
    for root, name in ((2, "√ε"), (3, "∛ε")):
        ax.axvline(EPS ** (1 / root), color="grey", ls=":")
        ax.text(1.2 * EPS ** (1 / root), 0.02, name, fontsize=14)
    plots.label(ax, "sin x + eʸ: a step neither long nor short", "h", "error")
    ax.legend(fontsize=12, loc="lower left", bbox_to_anchor=(0.02, 0.1))
    return figure
