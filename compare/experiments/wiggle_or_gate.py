"""OR by random search among three weights, with gradient descent's budget."""

import math
from functools import partial

import numpy as np

from compare.experiment import Experiment, Side
from compare.experiments.common import budgets, figures, gates, reporting

LEVEL = 0.1
NEURON = gates.neuron("Sigmoid")


def or_is_learned(side: Side) -> tuple[bool, str]:
    right = {n: sum(map(gates.solved, side.named(n))) for n in budgets.STYLES}
    seeds = side.named("gradient")
    return min(right.values()) == len(seeds), (
        f"{reporting.listed(right)} of {len(seeds)}, {budgets.passes(side)} "
        f"forward passes each; {reporting.budget(seeds)}"
    )


def blind_is_no_worse(side: Side) -> tuple[bool, str]:
    """With three weights there is little that a direction could save."""
    passes = {n: budgets.passes_until(side, n, LEVEL) for n in budgets.STYLES}
    medians = reporting.listed(passes, of=partial(reporting.median, form=".0f"))
    words = f"until the loss is {LEVEL}: {medians}"
    blind, gradient = (np.median(passes[n]) for n in ("random", "gradient"))
    if math.isfinite(gradient):
        words += f"; random / gradient = {blind / gradient:.2f}"
    words += f"; {reporting.seeds(side.trials)}"
    return bool(blind <= 2 * gradient < math.inf), words


LABELS = ("OR, {seeds}: median and middle 80 %", "forward passes", "training loss")
EXPERIMENT = Experiment(
    title="OR by wiggling the weights, on gradient descent's budget",
    course=("A3", "A5"),
    teaches=("search.RandomDescent", "nn.BCELoss"),
    heading="Lernen / Wie Lernen?",
    data=gates.gate(gates.OR),
    learners=budgets.learners(NEURON, "BCELoss", lr=10, scale=2, temperature=0.1),
    steps=60,
    seeds=9,
    claims={
        "all three learn OR, from every seed": or_is_learned,
        "with three weights blind search is about as cheap": blind_is_no_worse,
    },
    figures={"losses": figures.panels(LABELS)(budgets.draw_losses)},
    story="Wiggle the weights, and keep what is better: with only three of them one "
    "try in four or five is an improvement, and no derivative is needed. Annealing at "
    "first keeps some that are worse, which here only costs time. A backward pass is "
    "counted as two forward passes.",
)
