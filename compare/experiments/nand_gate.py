"""NAND, learned by one linear neuron from ½, ½, ½."""

from compare.experiment import Experiment
from compare.experiments.common import gates

EXPERIMENT = Experiment(
    title="NAND from one linear neuron",
    course=("D6",),
    heading="Aufgaben Perceptron",
    data=lambda rng: gates.gate(gates.NAND),
    learners={"linear": gates.linear_neuron()},
    start={"weight": 0.5, "bias": 0.5},
    steps=150,
    metrics={"accuracy": gates.accuracy},
    claims={
        "all four rows are right": gates.all_rows_right,
        "the weights become the least-squares ones": gates.least_squares,
    },
    figures={"boundary": gates.boundary("NAND, learned")},
    story="The same neuron as for OR with other targets: only the line moves.",
)
