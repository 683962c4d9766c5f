"""XOR, which no single linear neuron can learn."""

import numpy as np

from compare.experiment import Experiment, Side
from compare.experiments.common import gates


def stays_above_a_quarter(side: Side) -> tuple[bool, str]:
    lowest = min(loss for trial in side.trials for loss in trial.losses)
    return lowest >= 0.25 - 1e-6, f"lowest loss {lowest:.6f} in {len(side.trials)} runs"


def says_half_everywhere(side: Side) -> tuple[bool, str]:
    worst = max(np.abs(gates.outputs(trial) - 0.5).max() for trial in side.trials)
    return bool(worst < 1e-3), f"largest |output − ½| {worst:.1e}"


EXPERIMENT = Experiment(
    title="XOR cannot be learned by a simple linear layer",
    course=("D8",),
    teaches=("metrics.accuracy", "metrics.threshold"),
    heading="Warum kann XOR nicht mit einem einfachen Linear Layer gelernt werden?",
    data=gates.gate(gates.XOR),
    learners={"linear": gates.LINEAR_NEURON},
    steps=200,
    seeds=5,
    metrics={"accuracy": gates.accuracy},
    claims={
        "no line gets below a squared error of ¼": stays_above_a_quarter,
        "it converges to ½ for every row": says_half_everywhere,
    },
    figures=gates.boundary("XOR, one linear neuron: ½ everywhere"),
    story="Opposite corners want the same answer. Any line that raises one 1 raises a "
    "0 as much, so the best is to say ½ to everything.",
)
