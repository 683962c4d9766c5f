"""Two outputs side by side: each sum is as simple as one alone."""

import numpy as np

from compare.experiment import Data, Experiment, Side
from compare.experiments.common import figures, trained
from compare.tolerance import difference

X, TARGET = [1.0, 2.0], [1.0, -1.0]
WEIGHTS_1, WEIGHTS_2 = [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]
"""The slide's rows; the bias w₀ comes first."""
LR = 0.05


def weighted_sum(weights: list[float]) -> float:
    """w₀ + w₁x₁ + w₂x₂, one product at a time."""
    return weights[0] + weights[1] * X[0] + weights[2] * X[1]


def each_is_its_own_sum(side: Side) -> tuple[bool, str]:
    start = side.only.path[0]
    got = (start["weight"] @ np.array(X) + start["bias"]).tolist()
    want = [weighted_sum(WEIGHTS_1), weighted_sum(WEIGHTS_2)]
    return got == want, f"y = {got}"


def each_learns_alone(side: Side) -> tuple[bool, str]:
    """Single neurons, trained without the other, end at the same weights."""
    alone = []
    for weights, target in zip((WEIGHTS_1, WEIGHTS_2), TARGET, strict=True):
        w = list(weights)
        for _ in side.only.losses:
            change = LR * 2 * (weighted_sum(w) - target)
            w = [wi - change * xi for wi, xi in zip(w, [1.0, *X], strict=True)]
        alone.append(w)
    p = side.only.parameters
    wide = np.hstack([p["bias"][:, None], p["weight"]])
    found = difference(wide, np.array(alone))
    words = f"largest distance to the neurons alone {found.max_abs:.1e}"
    return found.finite and found.max_abs < 1e-5, words


@figures.panels(("output 1", "step", "weight"), ("output 2", "step", "weight"))
def draw(side: Side, *axes: figures.Axes) -> None:
    for row, ax in enumerate(axes):
        for column, name in enumerate(("w₁", "w₂")):
            ax.plot([p["weight"][row, column] for p in side.only.path], label=name)
        ax.plot([p["bias"][row] for p in side.only.path], label="w₀")


EXPERIMENT = Experiment(
    title="A wide output is several neurons that do not know each other",
    course=("D3", "D2"),
    heading="Breiter Output",
    data=lambda rng: Data(x=np.array([X]), target=np.array([TARGET])),
    learners={
        "wide": trained(
            lambda nn: nn.Linear(2, 2), lambda nn: nn.MSELoss(reduction="sum"), lr=LR
        )
    },
    start={
        "weight": [WEIGHTS_1[1:], WEIGHTS_2[1:]],
        "bias": [WEIGHTS_1[0], WEIGHTS_2[0]],
    },
    steps=60,
    claims={
        "the outputs start at 9 and 13, each its own sum": each_is_its_own_sum,
        "each row learns as if it were alone": each_learns_alone,
    },
    figures={"weights": draw},
    story="yᵢ = Σⱼ wᵢⱼ xⱼ: a second output is a second row of weights, and neither row "
    "appears in the other's gradient.",
)
