"""Hinton's Forward-Forward on handwritten digits, beside backpropagation."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments.common import cost as _cost
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.results import Side

WIDTHS = (64, 64, 64)
LR, BACK_LR, STEPS, BATCH, SEEDS = 0.02, 0.003, 250, 128, 4
COLORS = {"forward_forward": "#c0392b", "backprop": "#1f4e79"}

LEARNERS: dict[str, MakeLearner] = {
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
}


def reads_digits(side: Side) -> tuple[bool, str]:
    """Without a backward pass nine of ten digits are read right, from every seed."""
    found = _digits.each(side, "forward_forward", "accuracy/test")
    budget = _words.budget(side.named("forward_forward"), BATCH)
    words = f"{_words.percent(found)}; {budget}, θ = 2, Adam with lr = {LR}"
    return min(found) >= 0.9, words


def backprop_is_better(side: Side) -> tuple[bool, str]:
    """What it costs not to hear of the layers behind, seed by seed."""
    forward, back = (_digits.each(side, name, "accuracy/test") for name in COLORS)
    gaps = 100 * np.subtract(back, forward)
    words = f"test accuracy {_words.percent(forward)}, backpropagation "
    words += f"{_words.percent(back)} after as many examples (lr = {BACK_LR}); gap "
    words += ", ".join(f"{gap:.1f}" for gap in gaps)
    return bool(min(gaps) > 0), f"{words} points; {_words.seeds(side.trials)}"


def costs_more(side: Side) -> tuple[bool, str]:
    """What both libraries really multiply, and how long it takes them.

    The time is only told: how it compares depends on machine and load.
    """
    x, target = side.only.data.x[:BATCH], side.only.data.target[:BATCH]
    forward, back = (
        _cost.multiplications(side.library, LEARNERS[name], x, target)
        for name in COLORS
    )
    step, answer = (f / b for f, b in zip(forward, back, strict=True))
    learners = LEARNERS["forward_forward"], LEARNERS["backprop"]
    taken = _cost.time_ratios(side, learners, BATCH)
    words = (
        f"multiply-adds of matrix products, counted, for each example of a step: "
        f"{forward[0]:.0f} and {back[0]:.0f}, × {step:.2f}, time × {taken[0]:.1f}; "
        f"of an answer: {forward[1]:.0f} and {back[1]:.0f}, × {answer:.1f}, "
        f"time × {taken[1]:.1f}"
    )
    return step > 1 and answer > 5, words


def draw(side: Side) -> Figure:
    """Accuracy and loss of both over the steps."""
    figure, (left, right) = plots.canvas(2)
    for name, color in COLORS.items():
        for number, trial in enumerate(side.named(name)):
            said = name.replace("_", "-") if number == 0 else None
            steps, values = trial.curve("accuracy/test")
            left.plot(steps, values, color=color, linewidth=2, label=said)
            right.semilogy(trial.losses, color=color, alpha=0.6, label=said)
    left.set_ylim(0, 1.02)
    plots.label(left, f"test digits, {_words.seeds(side.trials)}", "step", "accuracy")
    plots.label(right, "each its own loss", "step", "loss")
    plots.below(figure, left, columns=2)
    return figure


EXPERIMENT = Experiment(
    title="Forward-Forward: learning digits with no backward pass",
    course=("A7",),
    heading="Forward-Forward-Network (Hinton)",
    data=_digits.digits,
    learners=LEARNERS,
    steps=STEPS,
    batch_size=BATCH,
    seeds=SEEDS,
    metrics={"accuracy": _digits.accuracy},
    claims={
        "at least 90 % of the test digits are right": reads_digits,
        "backpropagation reads more of them, from every seed": backprop_is_better,
        "a step costs more multiplications, an answer over five times as many": (
            costs_more
        ),
    },
    figures={"accuracy": draw},
    story="Each layer sees digits with their right label, and with a wrong one, and "
    "learns to be active on the first and calm on the second. No error travels back, "
    "so a chip need not know what its layers compute; that is of interest where light "
    "or analogue currents do. The price is accuracy, and ten forward passes for an "
    "answer: one for each label.",
)
