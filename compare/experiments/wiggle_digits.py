"""Digits by random search among 650 weights: the same budget is not enough."""

import math
from functools import lru_cache, partial

import numpy as np

from compare.experiment import Experiment, Side
from compare.experiments.common import budgets, digits, figures, reporting
from compare.experiments.common.libraries import LIBRARIES, give

DIMENSIONS = (2, 4, 8, 16, 32, 64)
SEEDS = 9
DESCENT = budgets.PER_STEP * math.ceil(math.log(0.1) / math.log(0.8))
"""Evaluations of gradient descent from Σxⱼ² = 1 to 0.01: a step of 0.1 is x ← 0.8 x."""


def gradient_gets_further(side: Side) -> tuple[bool, str]:
    ends = {name: budgets.losses(side, name)[:, -1] for name in budgets.STYLES}
    medians = reporting.listed(ends, of=partial(reporting.median, form=".2f"))
    gradient, *blind = ends.values()
    return bool(gradient.max() < np.min(blind) / 2), (
        f"loss after {budgets.passes(side)} forward passes: {medians}; "
        f"{reporting.budget(side.trials)}"
    )


def search_needs_more(side: Side) -> tuple[bool, str]:
    """Counted until gradient descent has the loss that random descent ends with."""
    level = float(np.median(budgets.losses(side, "random")[:, -1]))
    passes = budgets.passes_until(side, "gradient", level)
    ratio = budgets.passes(side) / max(1.0, float(np.median(passes)))
    return ratio > 10, (
        f"loss {level:.2f}: gradient descent after {reporting.median(passes, '.0f')} "
        f"forward passes, random descent after {budgets.passes(side)}, {ratio:.0f} "
        f"times as many; {reporting.seeds(side.trials)}"
    )


@lru_cache(maxsize=8)
def searched(library: str) -> tuple[np.ndarray, float]:
    """Evaluations of random descent from Σxⱼ² = 1 to 0.01, (d, seeds); p of ∝ dᵖ."""
    module = LIBRARIES[library]

    def evaluations(d: int, seed: int) -> int:
        module.manual_seed(seed)
        start = give(library, np.full(d, 1 / math.sqrt(d)))
        best = 0.3 / d  # or near it
        descend = module.search.random_descent
        return len(descend(lambda x: (x * x).sum(), start, scale=best).points)

    found = [[evaluations(d, s) for s in range(SEEDS)] for d in DIMENSIONS]
    medians = np.median(found, axis=1)
    power = np.polyfit(np.log(DIMENSIONS), np.log(medians), 1)[0]
    return np.array(found), float(power)


def cost_grows(side: Side) -> tuple[bool, str]:
    found, power = searched(side.library)
    ratios = np.median(found, axis=1) / DESCENT
    at = ", ".join(f"d = {d}: {r:.1f}" for d, r in zip(DIMENSIONS, ratios, strict=True))
    return bool(0.8 < power < 1.3 and ratios[-1] > 10), (
        f"times as many evaluations as gradient descent's {DESCENT}: {at}; like "
        f"d^{power:.2f} (median of the seeds 0 to {SEEDS - 1})"
    )


@figures.panels(
    ("Digits, {seeds}", "forward passes", "training loss"),
    ("", "weights d", "evaluations until Σx² = 0.01"),
)
def draw(side: Side, left: figures.Axes, ax: figures.Axes) -> None:
    budgets.draw_losses(side, left)
    left.set_ylim(0.1, 3)
    figures.set_ticks(left.yaxis, [0.1, 0.3, 1, 3])
    found, power = searched("handmade")
    random, gradient = budgets.STYLES["random"], budgets.STYLES["gradient"]
    low, middle, high = np.quantile(found, [0.1, 0.5, 0.9], axis=1)
    ax.fill_between(DIMENSIONS, low, high, color=random["color"], alpha=0.2)
    ax.loglog(DIMENSIONS, middle, marker="o", **random)
    ax.set_title(f"Random ∝ d^{power:.2f}")
    ax.axhline(DESCENT, **gradient)
    figures.set_ticks(ax.xaxis, DIMENSIONS)
    ax.yaxis.set_ticks([], minor=True)


EXPERIMENT = Experiment(
    title="Digits by wiggling 650 weights, on gradient descent's budget",
    course=("A3", "A5"),
    teaches=("search.Annealing",),
    heading="random descent",
    data=partial(digits.first, 300),
    learners=budgets.learners(
        lambda nn: nn.Linear(64, 10), "CrossEntropyLoss", 2.0, 0.08, temperature=0.01
    ),
    steps=120,
    seeds=5,
    claims={
        "the gradient gets the loss to less than half": gradient_gets_further,
        "blind search needs more than ten times as much": search_needs_more,
        "its cost grows like the number of weights": cost_grows,
    },
    figures={"losses": draw},
    story="With 650 weights nearly every random direction is nearly sideways: a step "
    "gains little, and only small ones gain at all. On the same valley, Σx², the cost "
    "of a blind search grows with the number of weights, while that of a gradient "
    "step does not: it tells all weights at once which way to go.",
)
