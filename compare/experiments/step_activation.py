"""Why Step is a bad activation: nothing flows back through it."""

import numpy as np

import handmade
from compare.experiment import Experiment, Side
from compare.experiments.common import figures, gates, trained


def no_gradient(side: Side) -> tuple[bool, str]:
    largest = max(np.abs(g).max() for g in side["step"].gradients.values())
    return bool(largest == 0), f"largest gradient {largest}"


def loss_stays(side: Side) -> tuple[bool, str]:
    step, sigmoid = side["step"].losses, side["sigmoid"].losses
    return len(set(step)) == 1 and sigmoid[-1] < 0.5 * sigmoid[0], (
        f"step {step[0]:.3g} → {step[-1]:.3g}, "
        f"sigmoid {sigmoid[0]:.3g} → {sigmoid[-1]:.3g}"
    )


@figures.panels(("Activation", "x", "f(x)"), ("Derivative", "x", "f′(x)"))
def draw(side: Side, left: figures.Axes, right: figures.Axes) -> None:
    x = np.linspace(-4, 4, 801)
    for number, name in enumerate(("Step", "ReLU", "LeakyReLU", "Sigmoid", "Tanh")):
        activation = getattr(handmade.nn, name)()
        width = 2 + 3 / (1 + number)  # what lies below shows at the edges
        left.plot(x, activation(x), label=name, linewidth=width)
        right.plot(x, activation.backward(np.ones_like(x)), linewidth=width)
    for ax in (left, right):
        ax.grid(alpha=0.3)


EXPERIMENT = Experiment(
    title="Why is Step a bad activation function?",
    course=("D5",),
    teaches=("nn.Step", "nn.Sigmoid"),
    heading="Aktivierungen",
    data=gates.gate(gates.AND),
    learners={
        name.lower(): trained(gates.neuron(name), "MSELoss", lr=2.0)
        for name in ("Step", "Sigmoid")
    },
    start={"0.weight": 0.5, "0.bias": 0.5},
    steps=300,
    expect_no_learning=("step",),
    claims={
        "through Step every gradient is 0": no_gradient,
        "with Step the loss stays, with Sigmoid it halves": loss_stays,
    },
    figures={"activations": draw},
    story="Step is flat everywhere, so its derivative is 0 and no weight learns which "
    "way to go. Sigmoid is Step made smooth: it saturates, but it has a slope.",
)
