"""Two outputs side by side: each sum is as simple as one alone."""

import numpy as np

from compare.experiment import Data, Experiment, Side
from compare.experiments.common import figures, trained
from compare.tolerance import difference

X, TARGET = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
WEIGHT, BIAS = np.array([[2.0, 3.0], [3.0, 4.0]]), np.array([1.0, 2.0])
"""The slide's two rows; each bias is its w₀."""
LR = 0.05


def each_is_its_own_sum(side: Side) -> tuple[bool, str]:
    start = side.only.path[0]
    got = (start["weight"] @ X[0] + start["bias"]).tolist()
    return got == [1 + 2 * 1 + 3 * 2, 2 + 3 * 1 + 4 * 2], f"y = {got}"


def each_learns_alone(side: Side) -> tuple[bool, str]:
    """Single neurons, trained without the other, end at the same weights."""
    p, largest = side.only.parameters, []
    for row in range(2):
        w, bias = WEIGHT[row], BIAS[row]
        for _ in side.only.losses:
            change = LR * 2 * (bias + w[0] * X[0, 0] + w[1] * X[0, 1] - TARGET[0, row])
            w, bias = w - change * X[0], bias - change
        largest.append(difference(p["weight"][row], w).max_abs)
        largest.append(abs(p["bias"][row] - bias))
    words = f"largest distance to the neurons alone {max(largest):.1e}"
    return bool(max(largest) < 1e-5), words


@figures.panels(("Output 1", "step", "weight"), ("Output 2", "step", "weight"))
def draw(side: Side, *axes: figures.Axes) -> None:
    for row, ax in enumerate(axes):
        for column, name in enumerate(("w₁", "w₂")):
            ax.plot([p["weight"][row, column] for p in side.only.path], label=name)
        ax.plot([p["bias"][row] for p in side.only.path], label="w₀")


EXPERIMENT = Experiment(
    title="A wide output is several neurons that do not know each other",
    course=("D3", "D2"),
    teaches=("perceptron.weighted_sum",),
    heading="Breiter Output",
    data=lambda rng: Data(x=X, target=TARGET),
    learners={
        "wide": trained(
            lambda nn: nn.Linear(2, 2), lambda nn: nn.MSELoss(reduction="sum"), lr=LR
        )
    },
    start={"weight": WEIGHT, "bias": BIAS},
    steps=60,
    claims={
        "the outputs start at 9 and 13, each its own sum": each_is_its_own_sum,
        "each row learns as if it were alone": each_learns_alone,
    },
    figures={"weights": draw},
    story="yᵢ = Σⱼ wᵢⱼ xⱼ: a second output is a second row of weights, and neither row "
    "appears in the other's gradient.",
)
