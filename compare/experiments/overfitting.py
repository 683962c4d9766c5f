"""A wide net and few digits: it learns them by heart."""

import numpy as np

from compare.experiment import Experiment
from compare.experiments.common import digits as _digits
from compare.experiments.common import few as _few
from compare.results import Side
from handmade.nn import LogSoftmax


def train_falls(side: Side) -> tuple[bool, str]:
    """Every digit that was seen is known by heart."""
    found = [trial.metrics["cross_entropy/train"] for trial in side.trials]
    return max(found) < 0.01, f"loss on seen digits at most {max(found):.4f}"


def test_rises(side: Side) -> tuple[bool, str]:
    """On digits that were not seen the loss falls at first, and then rises again."""
    ratios = []
    for trial in side.trials:
        _, values = trial.curve("cross_entropy/test")
        ratios.append(values[-1] / values.min())
    words = ", ".join(f"×{ratio:.2f}" for ratio in ratios)
    return min(ratios) > 1.2, f"the last loss on unseen digits is its smallest {words}"


def sure_and_wrong(side: Side) -> tuple[bool, str]:
    """Where it is wrong, it is surer than guessing could be: worse than ln 10."""
    worst = []
    for trial in side.trials:
        x, target = trial.data.test_set
        output = trial.predict(x)
        wrong = np.argmax(output, axis=1) != target
        logs = LogSoftmax(dim=1)(output)
        worst.append(-logs[np.arange(len(target)), target][wrong].mean())
    return min(worst) > np.log(10), f"mean surprise when wrong {np.mean(worst):.1f}"


EXPERIMENT = Experiment(
    title="Overfitting: a hundred digits learned by heart",
    course=("F4",),
    heading="Lösungen",
    data=lambda rng: _digits.small().first(_few.FEW),
    learners={"plain": _few.learner()},
    steps=_few.STEPS,
    seeds=3,
    metrics={
        "accuracy": _digits.accuracy,
        "cross_entropy": _digits.cross_entropy,
    },
    claims={
        "the loss on seen digits falls to almost nothing": train_falls,
        "on unseen digits it rises by a fifth from its smallest": test_rises,
        "where the net is wrong, it is sure and wrong": sure_and_wrong,
    },
    figures={"losses": _few.draw},
    story="26,000 weights and a hundred examples: there are many ways to be right on "
    "all of them. Going on makes the net surer, not better.",
)
