"""Some mistakes are worse than others: make them costlier."""

from dataclasses import replace
from functools import partial

import numpy as np

from compare import plots
from compare.experiment import Data, Experiment, MakeLearner, Side
from compare.experiments.common import digits, trained

COSTLY = ((7, 2), (2, 7), (1, 7), (7, 1))  # truth and answer
COSTS = [[float((i, j) in COSTLY) for j in range(10)] for i in range(10)]


def noisy_digits(rng: np.random.Generator) -> Data:
    """Digits with so much noise that they are confused often enough to count."""
    clean = digits.small()
    pixels = (clean.x, clean.test_set[0])
    x, x_test = (a + 0.5 * rng.normal(size=a.shape) for a in pixels)
    return replace(clean, x=x, x_test=x_test)


def learner(strength: float) -> MakeLearner:
    """A linear layer with error + strength · custom error."""
    return trained(
        lambda nn: nn.Linear(64, 10),
        lambda nn: nn.WeightedSum(
            [(1, nn.CrossEntropyLoss()), (strength, nn.ExpectedCostLoss(COSTS))]
        ),
        lr=0.2,
    )


def confusions(side: Side) -> list[np.ndarray]:
    """The confusion matrices (seeds, truth, answer) of both learners."""
    return [digits.confusions(side, name) for name in ("cross_entropy", "custom")]


def fewer(side: Side) -> tuple[bool, str]:
    plain, custom = (
        np.sum([found[:, truth, answer] for truth, answer in COSTLY], axis=0).tolist()
        for found in confusions(side)
    )
    words = f"7↔2 and 1↔7: {sum(plain)} → {sum(custom)} over {len(plain)} seeds"
    return 2 * sum(custom) < sum(plain), f"{words}, {plain} → {custom}"


def at_a_price(side: Side) -> tuple[bool, str]:
    """Part of the price: 7 and 1 are answered less often, right or wrong."""
    plain, custom = (digits.last(side, n).mean() for n in ("cross_entropy", "custom"))
    before, after = (found[:, 7, 7].sum() for found in confusions(side))
    return custom > max(0.5, plain - 0.05), (
        f"mean test accuracy {plain:.1%} → {custom:.1%}; "
        f"sevens read right {before} → {after}"
    )


def draw(custom: bool, side: Side) -> plots.Figure:
    """All seeds' confusions of one learner, on one scale, the costly ones boxed."""
    both = [found.sum(axis=0) for found in confusions(side)]
    most = max(int((m - np.diag(np.diag(m))).max()) for m in both)
    error = "Custom error" if custom else "Cross-entropy"
    title = f"{error}: all seeds, costly confusions boxed"
    return plots.confusion(both[custom], title, most, COSTLY)


EXPERIMENT = Experiment(
    title="A custom error: 7↔2 and 1↔7 cost more",
    course=("E3",),
    teaches=("nn.ExpectedCostLoss", "nn.WeightedSum"),
    heading="Custom Errors",
    data=noisy_digits,
    learners={"cross_entropy": learner(0.0), "custom": learner(20.0)},
    steps=300,
    batch_size=64,
    seeds=5,
    metrics={"accuracy": digits.accuracy},
    claims={
        "the costly confusions fall to less than half": fewer,
        "it costs less than 5 points of accuracy; most are right": at_a_price,
    },
    figures={"cross_entropy": partial(draw, False), "custom": partial(draw, True)},
    story="better_error = error + a · custom_error, here the cost that the softmax's "
    "shares expect of the confusions that are costly. Whoever minimises both confuses "
    "them less, and pays: the net dares to answer 7 and 1 less often, even where that "
    "would be right.",
)
