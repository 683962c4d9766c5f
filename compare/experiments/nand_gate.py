"""NAND, learned by one linear neuron from ½, ½, ½."""

from dataclasses import replace

from compare.experiments import and_gate
from compare.experiments.common import gates

EXPERIMENT = replace(
    and_gate.EXPERIMENT,
    title="NAND from one linear neuron",
    course=("D6",),
    teaches=("training.GradientLearner",),
    data=gates.gate(gates.NAND),
    figures=gates.boundary("NAND, learned"),
)
