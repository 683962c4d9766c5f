"""What a learner costs: multiplications that really happen, and time."""

import time
from typing import Any

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from compare.backend import Backend
from compare.experiment import MakeLearner
from compare.experiments.common.libraries import LIBRARIES
from compare.results import Side

ROUNDS = 15
"""So many times both learners take turns; the median of the ratios counts."""


def multiplications(
    library: str, make: MakeLearner, x: np.ndarray, target: np.ndarray
) -> tuple[float, float]:
    """Multiply-adds of all matrix products for each example, counted by torch.

    Both libraries compute on tensors here, so that torch sees the products of the
    hand-written one, too.

    Returns:
        Those of a step, and those of an answer.
    """
    give = Backend("torch").torch
    learner, inputs = make(LIBRARIES[library]).to(give(np.zeros(1))), give(x)
    with FlopCounterMode(display=False) as step:
        learner.step(inputs, give(target))
    with FlopCounterMode(display=False) as answer:
        learner.predict(inputs)
    both = (c.get_total_flops() / (2 * len(x)) for c in (step, answer))
    return next(both), next(both)


def time_ratios(
    side: Side, learners: tuple[MakeLearner, MakeLearner], batch: int
) -> tuple[float, float]:
    """How many times as long the first takes as the second, on the run's own arrays.

    Returns:
        For a step, and for an answer.
    """
    trial = side.only
    x, target = (trial.give(a[:batch]) for a in (trial.data.x, trial.data.target))
    wing, like = LIBRARIES[side.library], trial.give(np.zeros(1))
    pair = [make(wing).to(like) for make in learners]
    steps, answers = [], []
    for _ in range(ROUNDS):
        a, b = (_seconds(learner.step, x, target) for learner in pair)
        steps.append(a / b)
        a, b = (_seconds(learner.predict, x) for learner in pair)
        answers.append(a / b)
    return float(np.median(steps)), float(np.median(answers))


def _seconds(do: Any, *arguments: Any) -> float:
    start = time.perf_counter()
    do(*arguments)
    return time.perf_counter() - start
