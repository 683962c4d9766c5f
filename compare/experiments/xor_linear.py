"""XOR, which no single linear neuron can learn."""

import numpy as np

from compare import plots
from compare.experiment import Experiment, backprop
from compare.experiments.common import gates as _gates
from compare.results import Side


def stays_above_a_quarter(side: Side) -> tuple[bool, str]:
    """No line reaches a squared error below ¼: the best constant is as good."""
    lowest = min(loss for trial in side.trials for loss in trial.losses)
    return lowest >= 0.25 - 1e-6, f"lowest loss {lowest:.6f} in {len(side.trials)} runs"


def says_half_everywhere(side: Side) -> tuple[bool, str]:
    """It ends with all outputs ½, wherever it started."""
    worst = max(np.abs(_gates.outputs(trial) - 0.5).max() for trial in side.trials)
    return bool(worst < 1e-3), f"largest |output − ½| {worst:.1e}"


EXPERIMENT = Experiment(
    title="XOR cannot be learned by a simple linear layer",
    course=("D8",),
    heading="Warum kann XOR nicht mit einem einfachen Linear Layer gelernt werden?",
    data=lambda rng: _gates.gate(_gates.XOR),
    learners={
        "linear": backprop(
            model=lambda nn: nn.Linear(2, 1),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.5),
        )
    },
    steps=200,
    seeds=5,
    metrics={"accuracy": _gates.accuracy},
    claims={
        "no line gets below a squared error of ¼": stays_above_a_quarter,
        "it converges to ½ for every row": says_half_everywhere,
    },
    figures={
        "boundary": lambda side: plots.decision_boundary(
            side.only, "XOR, one linear neuron: ½ everywhere"
        )
    },
    story="Opposite corners want the same answer. Any line that raises one 1 raises a "
    "0 as much, so the best is to say ½ to everything.",
)
