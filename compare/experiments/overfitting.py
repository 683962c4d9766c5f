"""A wide net and few digits: it learns them by heart."""

import numpy as np

from compare.experiment import Experiment
from compare.experiments.common import digits, few_examples
from compare.results import Side
from handmade.nn import LogSoftmax


def train_falls(side: Side) -> tuple[bool, str]:
    found = digits.last(side, "plain", "cross_entropy/train")
    return max(found) < 0.01, f"loss on seen digits at most {max(found):.4f}"


def test_rises(side: Side) -> tuple[bool, str]:
    curves = [trial.curve("cross_entropy/test")[1] for trial in side.trials]
    ratios = [values[-1] / values.min() for values in curves]
    words = ", ".join(f"×{ratio:.2f}" for ratio in ratios)
    return min(ratios) > 1.2, f"the last loss on unseen digits is its smallest {words}"


def sure_and_wrong(side: Side) -> tuple[bool, str]:
    """Its loss there is larger than that of guessing, ln 10."""
    found = []
    for trial in side.trials:
        x, target = trial.data.test_set
        output = trial.predict(x)
        wrong = np.argmax(output, axis=1) != target
        logs = LogSoftmax(dim=1)(output)
        found.append(-logs[np.arange(len(target)), target][wrong].mean())
    return min(found) > np.log(10), f"mean surprise when wrong {np.mean(found):.1f}"


EXPERIMENT = Experiment(
    title="Overfitting: a hundred digits learned by heart",
    course=("F4",),
    heading="Lösungen",
    data=few_examples.hundred_digits,
    learners={"plain": few_examples.learner()},
    steps=few_examples.STEPS,
    seeds=3,
    metrics=few_examples.METRICS,
    claims={
        "the loss on seen digits falls to almost nothing": train_falls,
        "on unseen digits it rises by a fifth from its smallest": test_rises,
        "where the net is wrong, it is sure and wrong": sure_and_wrong,
    },
    figures={"losses": few_examples.draw},
    story="26,000 weights and a hundred examples: there are many ways to be right on "
    "all of them. Going on makes the net surer, not better.",
)
