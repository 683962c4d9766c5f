"""AND, learned by one linear neuron from ½, ½, ½."""

from dataclasses import replace

from compare.experiments import or_gate
from compare.experiments.common import gates

EXPERIMENT = replace(
    or_gate.EXPERIMENT,
    title="AND from one linear neuron",
    course=("D6",),
    teaches=("optim.SGD",),
    data=gates.gate(gates.AND),
    claims={
        "all four rows are right": gates.all_rows_right,
        "the weights become the least-squares ones": gates.least_squares,
    },
    figures=gates.boundary("AND, learned"),
    story="The same neuron as for OR with other targets: only the line moves.",
)
