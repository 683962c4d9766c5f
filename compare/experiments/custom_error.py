"""Some mistakes are worse than others: make them dearer."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Data, Experiment, MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.results import Side

DEAR = ((7, 2), (2, 7), (1, 7), (7, 1))
"""Truth and answer of the confusions that cost more."""
STRENGTH = 20.0
NOISE = 0.5


def scrawled(rng: np.random.Generator) -> Data:
    """Digits under so much noise that they are confused often enough to count."""
    clean = _digits.digits()
    x_test, target_test = clean.test_set
    return Data(
        x=clean.x + NOISE * rng.normal(size=clean.x.shape),
        target=clean.target,
        x_test=x_test + NOISE * rng.normal(size=x_test.shape),
        target_test=target_test,
    )


def costs() -> np.ndarray:
    """1 for each dear confusion, 0 for everything else: (truth, answer)."""
    matrix = np.zeros((10, 10))
    for truth, answer in DEAR:
        matrix[truth, answer] = 1
    return matrix


def confused(side: Side, name: str) -> list[int]:
    """How many dear confusions there are in the test set, seed after seed."""
    return [int(np.sum(_digits.confusion(t) * costs())) for t in side.named(name)]


def fewer(side: Side) -> tuple[bool, str]:
    """All seeds together, the dear confusions fall to less than half."""
    plain, custom = confused(side, "cross_entropy"), confused(side, "custom")
    words = f"7↔2 and 1↔7: {sum(plain)} → {sum(custom)} over {len(plain)} seeds"
    return 2 * sum(custom) < sum(plain), f"{words}, {plain} → {custom}"


def at_a_price(side: Side) -> tuple[bool, str]:
    """The dear digits pay themselves: 7 and 1 are answered less, right or wrong."""
    plain, custom = (
        _digits.mean(side, name, "accuracy/test")
        for name in ("cross_entropy", "custom")
    )
    sevens = [matrix(side, name)[7, 7] for name in ("cross_entropy", "custom")]
    words = f"mean test accuracy {plain:.1%} → {custom:.1%}"
    return (
        custom > max(0.5, plain - 0.05),
        f"{words}; sevens read right {sevens[0]} → {sevens[1]}",
    )


def matrix(side: Side, name: str) -> np.ndarray:
    """All seeds' confusions of one learner."""
    return np.sum([_digits.confusion(t) for t in side.named(name)], axis=0)


def learner(strength: float) -> MakeLearner:
    """A linear layer with error + strength · custom error."""
    return backprop(
        model=lambda nn: nn.Linear(64, 10),
        loss=lambda nn: nn.WeightedSum(
            [
                (1.0, nn.CrossEntropyLoss()),
                (strength, nn.ExpectedCostLoss(costs().tolist())),
            ]
        ),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.2),
    )


def draw(name: str) -> Callable[[Side], Figure]:
    """All seeds' confusions of one learner, on one scale, the dear ones boxed."""

    def drawn(side: Side) -> Figure:
        both = [matrix(side, n) for n in ("cross_entropy", "custom")]
        most = max(int((m - np.diag(np.diag(m))).max()) for m in both)
        title = f"{name.replace('_', ' ')}: all seeds"
        return plots.confusion(matrix(side, name), title, most, DEAR)

    return drawn


EXPERIMENT = Experiment(
    title="A custom error: 7↔2 and 1↔7 cost more",
    course=("E3",),
    heading="Custom Errors",
    data=scrawled,
    learners={"cross_entropy": learner(0.0), "custom": learner(STRENGTH)},
    steps=300,
    batch_size=64,
    seeds=5,
    metrics={"accuracy": _digits.accuracy},
    claims={
        "the dear confusions fall to less than half": fewer,
        "it costs less than 5 points of accuracy; most are right": at_a_price,
    },
    figures={"cross_entropy": draw("cross_entropy"), "custom": draw("custom")},
    story="better_error = error + a · custom_error, here the cost that the softmax's "
    "shares expect of the confusions that are dear. Whoever minimises both confuses "
    "them less, and pays: the net dares to answer 7 and 1 less often, even where that "
    "would be right.",
)
