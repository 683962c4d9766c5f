"""OR by Rosenblatt's rule: no gradient of the step, only right and wrong."""

from itertools import pairwise

import numpy as np

from compare import plots
from compare.experiment import Experiment
from compare.experiments.common import gates as _gates
from compare.results import Side

EPOCH = len(_gates.ROWS)


def comes_to_rest(side: Side) -> tuple[bool, str]:
    """Whether no weight moved in the last epoch: every answer was right."""
    path = side.only.path
    moved = [
        step
        for step, (old, new) in enumerate(pairwise(path))
        if any(np.any(old[name] != new[name]) for name in old)
    ]
    last = moved[-1] + 1
    return last <= len(path) - 1 - EPOCH, f"the last correction is step {last}"


def counts_in_whole_steps(side: Side) -> tuple[bool, str]:
    """From zero weights and lr 1, all weights stay whole numbers."""
    p = side.only.parameters
    weights = [float(p["bias"][0]), *map(float, p["weight"][0])]
    return all(w == round(w) for w in weights), f"w₀, w₁, w₂ = {weights}"


EXPERIMENT = Experiment(
    title="OR by Rosenblatt's rule, w ← w + (y − ŷ) x, one row at a time",
    course=("D6", "D1"),
    heading="Aufgaben Perceptron: Gewichte konsistent anpassen",
    data=lambda rng: _gates.gate(_gates.OR),
    learners={"rosenblatt": lambda library: library.perceptron.Rosenblatt(2, 1)},
    start={"weight": 0.0, "bias": 0.0},
    steps=40,
    batch_size=1,
    metrics={"accuracy": _gates.accuracy},
    claims={
        "all four rows are right": _gates.all_rows_right,
        "it comes to rest": comes_to_rest,
        "the weights stay whole numbers": counts_in_whole_steps,
    },
    figures={
        "boundary": lambda side: plots.decision_boundary(
            side.only, "OR by Rosenblatt's rule"
        )
    },
    story="The consistent way to adapt the weights: add the input where a 1 was "
    "missed, take it away where a 0 was missed, and leave everything else alone.",
)
