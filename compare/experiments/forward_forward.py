"""Hinton's Forward-Forward on handwritten digits, beside backpropagation."""

from collections.abc import Sequence
from timeit import timeit
from typing import Any

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from compare import plots
from compare.backend import Backend
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained
from compare.experiments.common.libraries import LIBRARIES

LR, BACK_LR, BATCH = 0.02, 0.003, 128

LEARNERS: dict[str, MakeLearner] = {
    "forward_forward": lambda library: library.forward_forward.ForwardForward(
        (64, 64, 64), 10, lambda parameters: library.optim.Adam(parameters, lr=LR)
    ),
    "backprop": trained(mlp(64, 64, 64, 10), optimizer="Adam", lr=BACK_LR),
}


def multiplications(
    library: str, make: MakeLearner, x: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Multiply-adds of matrix products for each example of a step, and an answer."""
    give = Backend("torch").to_torch  # torch counts the products of both libraries
    learner = make(LIBRARIES[library]).to(give(np.zeros(1)))
    with FlopCounterMode(display=False) as step:
        learner.step(give(x), give(target))
    with FlopCounterMode(display=False) as answer:
        learner.predict(give(x))
    flops = [counter.get_total_flops() for counter in (step, answer)]
    return np.array(flops) / (2 * len(x))


def time_ratios(side: Side, learners: Sequence[MakeLearner], batch: int) -> np.ndarray:
    """Median time of a step, and an answer, of the first divided by the second."""
    trial, library = side.only, LIBRARIES[side.library]
    x, target = (trial.give(a[:batch]) for a in (trial.data.x, trial.data.target))
    pair = [make(library).to(trial.give(np.zeros(1))) for make in learners]

    def seconds(learner: Any) -> list[float]:
        step = timeit(lambda: learner.step(x, target), number=1)
        return [step, timeit(lambda: learner.predict(x), number=1)]

    times = np.array([[seconds(learner) for learner in pair] for _ in range(15)])
    return np.median(times[:, 0] / times[:, 1], axis=0)


def reads_digits(side: Side) -> tuple[bool, str]:
    found = digits.last(side, "forward_forward")
    budget = reporting.budget(side.trials, BATCH)
    words = f"{reporting.percent(found)}; {budget}, θ = 2, Adam with lr = {LR}"
    return min(found) >= 0.9, words


def backprop_is_better(side: Side) -> tuple[bool, str]:
    forward, back = (digits.last(side, name) for name in LEARNERS)
    gaps = 100 * (back - forward)
    return bool(min(gaps) > 0), (
        f"test accuracy {reporting.percent(forward)}, backpropagation "
        f"{reporting.percent(back)} after as many examples (lr = {BACK_LR}); gap "
        f"{', '.join(f'{gap:.1f}' for gap in gaps)} points; "
        f"{reporting.seeds(side.trials)}"
    )


def costly(side: Side) -> tuple[bool, str]:
    """The times are only reported: their ratio depends on the machine and its load."""
    x, target = side.only.data.x[:BATCH], side.only.data.target[:BATCH]
    makers = list(LEARNERS.values())
    forward, back = (multiplications(side.library, make, x, target) for make in makers)
    step, answer = forward / back
    times = time_ratios(side, makers, BATCH)
    return bool(step > 1 and answer > 5), (
        f"multiply-adds of matrix products, counted, for each example of a step: "
        f"{forward[0]:.0f} and {back[0]:.0f}, × {step:.2f}, time × {times[0]:.1f}; "
        f"of an answer: {forward[1]:.0f} and {back[1]:.0f}, × {answer:.1f}, "
        f"time × {times[1]:.1f}"
    )


@figures.panels(
    ("Test digits, {seeds}", "step", "accuracy"),
    ("Each its own loss", "step", "training loss"),
)
def draw(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    for name, style in zip(LEARNERS, plots.CURVES, strict=False):
        trials, label = side.named(name), name.replace("_", "-")
        figures.draw_seeds(left, trials, label, "accuracy/test", **style)
        figures.draw_seeds(right, trials, label, alpha=0.6, **style)
    left.set_ylim(0, 1.02)
    plots.log_scale(right, plots.LOG_FROM)


EXPERIMENT = Experiment(
    title="Forward-Forward: learning digits with no backward pass",
    course=("A7",),
    teaches=("forward_forward.ForwardForward", "forward_forward.goodness"),
    heading="Forward-Forward-Network (Hinton)",
    data=digits.draw,
    learners=LEARNERS,
    steps=250,
    batch_size=BATCH,
    seeds=4,
    metrics={"accuracy": digits.accuracy},
    claims={
        "at least 90 % of the test digits are right": reads_digits,
        "backpropagation reads more of them, from every seed": backprop_is_better,
        "a step costs more multiplications, an answer over five times as many": costly,
    },
    figures={"accuracy": draw},
    story="Each layer sees digits with their right label, and with a wrong one, and "
    "learns to be active on the first and calm on the second. No error travels back, "
    "so a chip need not know what its layers compute; that is of interest where light "
    "or analogue currents do. The price is accuracy, and ten forward passes for an "
    "answer: one for each label.",
)
