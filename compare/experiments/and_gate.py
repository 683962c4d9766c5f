"""AND, learned by one linear neuron from ½, ½, ½."""

from compare import plots
from compare.experiment import Experiment
from compare.experiments.common import gates as _gates

EXPERIMENT = Experiment(
    title="AND from one linear neuron",
    course=("D6",),
    heading="Aufgaben Perceptron",
    data=lambda rng: _gates.gate(_gates.AND),
    learners={"linear": _gates.linear_neuron()},
    start={"weight": 0.5, "bias": 0.5},
    steps=150,
    metrics={"accuracy": _gates.accuracy},
    claims={
        "all four rows are right": _gates.all_rows_right,
        "the weights become the least-squares ones": _gates.least_squares,
    },
    figures={
        "boundary": lambda side: plots.decision_boundary(side.only, "AND, learned")
    },
    story="The same neuron as for OR with other targets: only the line moves.",
)
