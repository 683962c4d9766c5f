"""Hinton's Forward-Forward on handwritten digits, beside backpropagation."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from compare import figures
from compare.experiment import Experiment, backprop
from compare.experiments import _digits
from compare.trained import Side

WIDTHS = (64, 64, 64)
LR, BACK_LR, STEPS, BATCH, SEEDS = 0.02, 0.003, 250, 128, 2
COLORS = {"forward_forward": "#c0392b", "backprop": "#1f4e79"}


def reads_digits(side: Side) -> tuple[bool, str]:
    """Without a backward pass nine of ten digits are read right, from every seed."""
    found = [t.metrics["accuracy/test"] for t in side.named("forward_forward")]
    shares = ", ".join(f"{share:.1%}" for share in found)
    seen = f"{STEPS * BATCH} examples seen, θ = 2, Adam with lr = {LR}"
    return min(found) >= 0.9, f"{shares} from {SEEDS} seeds; {seen}"


def backprop_is_better(side: Side) -> tuple[bool, str]:
    """What it costs not to hear of the layers behind."""
    forward, back = (
        float(np.mean([t.metrics["accuracy/test"] for t in side.named(name)]))
        for name in COLORS
    )
    words = f"test accuracy {forward:.1%}, backpropagation {back:.1%} (lr = {BACK_LR})"
    return back > forward, f"{words}: {100 * (back - forward):.1f} points"


def costs_more(side: Side) -> tuple[bool, str]:
    """What the two rules ask for: true and false rows, but no gradient by inputs."""
    inner = [i * o for i, o in pairwise((WIDTHS[0] + 10, *WIDTHS[1:]))]
    outer = [i * o for i, o in pairwise((*WIDTHS, 10))]
    forward = 2 * 2 * sum(inner)  # true and false; forward, and gradients of weights
    back = 2 * sum(outer) + sum(outer[1:])  # and gradients of inputs but the pixels
    asked, answered = 10 * sum(inner), sum(outer)
    words = (
        f"multiply-adds of a step for each example: {forward} and {back}, "
        f"× {forward / back:.2f}; of an answer: {asked} and {answered}, "
        f"× {asked / answered:.1f}, since every label is tried"
    )
    return forward > back and asked > answered, words


def draw(side: Side) -> Figure:
    """Accuracy and loss of both over the steps."""
    figure, (left, right) = figures.canvas(2)
    for name, color in COLORS.items():
        for number, trial in enumerate(side.named(name)):
            said = name.replace("_", "-") if number == 0 else None
            steps, values = trial.curve("accuracy/test")
            left.plot(steps, values, color=color, linewidth=2, label=said)
            right.semilogy(trial.losses, color=color, alpha=0.6, label=said)
    left.set_ylim(0, 1.02)
    figures.label(left, f"digits of the test set, {SEEDS} seeds", "step", "accuracy")
    figures.label(right, "each its own loss", "step", "loss")
    for ax in (left, right):
        ax.legend(fontsize=12)
    return figure


EXPERIMENT = Experiment(
    title="Forward-Forward: learning digits with no backward pass",
    course=("A7",),
    heading="Forward-Forward-Network (Hinton)",
    data=_digits.digits,
    learners={
        "forward_forward": lambda library: library.forward_forward.ForwardForward(
            WIDTHS, 10, lambda parameters: library.optim.Adam(parameters, lr=LR)
        ),
        "backprop": backprop(
            model=lambda nn: nn.Sequential(
                nn.Linear(WIDTHS[0], WIDTHS[1]),
                nn.ReLU(),
                nn.Linear(WIDTHS[1], WIDTHS[2]),
                nn.ReLU(),
                nn.Linear(WIDTHS[2], 10),
            ),
            loss=lambda nn: nn.CrossEntropyLoss(),
            optimizer=lambda optim, parameters: optim.Adam(parameters, lr=BACK_LR),
        ),
    },
    steps=STEPS,
    batch_size=BATCH,
    seeds=SEEDS,
    metrics={"accuracy": _digits.accuracy},
    claims={
        "at least 90 % of the test digits are right": reads_digits,
        "backpropagation reads more of them": backprop_is_better,
        "a step and an answer cost more multiplications": costs_more,
    },
    figures={"accuracy": draw},
    story="Each layer sees digits with their right label, and with a wrong one, and "
    "learns to be active on the first and calm on the second. No error travels back, "
    "so a chip need not know what its layers compute; that is of interest where light "
    "or analogue currents do. The price is accuracy, and ten forward passes for an "
    "answer: one for each label.",
)
