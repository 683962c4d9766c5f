"""OR by Rosenblatt's rule: no gradient of the step, only right and wrong."""

import numpy as np

from compare.experiment import Experiment, Side
from compare.experiments.common import gates


def comes_to_rest(side: Side) -> tuple[bool, str]:
    changes = np.diff(gates.weights(side.only), axis=0)
    last = np.flatnonzero(changes.any(axis=1))[-1] + 1
    quiet = len(changes) - last
    return bool(quiet >= len(gates.ROWS)), f"the last correction is step {last}"


def counts_in_whole_steps(side: Side) -> tuple[bool, str]:
    """They start at 0, and the learning rate is 1."""
    weights = gates.fit(side.only)[0].tolist()
    return all(w == round(w) for w in weights), f"w₀, w₁, w₂ = {weights}"


EXPERIMENT = Experiment(
    title="OR by Rosenblatt's rule, w ← w + (y − ŷ) x, one row at a time",
    course=("D6", "D1"),
    teaches=("perceptron.Rosenblatt",),
    heading="Aufgaben Perceptron: Gewichte konsistent anpassen",
    data=gates.gate(gates.OR),
    learners={"rosenblatt": lambda library: library.perceptron.Rosenblatt(2, 1)},
    start={"weight": 0.0, "bias": 0.0},
    steps=40,
    batch_size=1,
    metrics={"accuracy": gates.accuracy},
    claims={
        "all four rows are right": gates.all_rows_right,
        "it comes to rest": comes_to_rest,
        "the weights stay whole numbers": counts_in_whole_steps,
    },
    figures=gates.boundary("OR by Rosenblatt's rule"),
    story="The consistent way to adapt the weights: add the input where a 1 was "
    "missed, take it away where a 0 was missed, and leave everything else alone.",
)
