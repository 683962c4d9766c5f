"""A batch is many examples in one operation."""

import numpy as np

from compare.experiment import Data, Experiment, Side
from compare.experiments.common import figures, trained
from compare.tolerance import difference


def three_inputs(rng: np.random.Generator) -> Data:
    """32 examples of two linear functions of three inputs, with noise."""
    x = rng.normal(size=(32, 3))
    true = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])
    return Data(x=x, target=x @ true.T + 0.1 * rng.normal(size=(32, 2)))


def outputs_one_by_one(side: Side) -> tuple[bool, str]:
    x = side.only.data.x
    alone = np.vstack([side.only.predict(x[i : i + 1]) for i in range(len(x))])
    return _close(side.only.predict(x), alone)


def gradient_is_the_mean(side: Side) -> tuple[bool, str]:
    trial, before, alone = side.only, side.only.path[-2], []
    for x, target in zip(trial.data.x, trial.data.target, strict=True):
        error = before["weight"] @ x + before["bias"] - target
        alone.append(np.outer(2 * error / len(error), x))
    return _close(trial.gradients["weight"], np.mean(alone, axis=0))


def _close(got: np.ndarray, want: np.ndarray) -> tuple[bool, str]:
    found = difference(got, want)
    words = f"largest difference {found.max_abs:.1e}"
    return found.finite and found.max_abs < 1e-5, words


@figures.panels(("Gradients of the first output", "∂L/∂w₁₁", "∂L/∂w₁₂"))
def draw(side: Side, ax: figures.Axes) -> None:
    trial, start = side.only, side.only.path[0]
    errors = trial.data.x @ start["weight"].T + start["bias"] - trial.data.target
    each = errors[:, :1] * trial.data.x
    ax.plot(each[:, 0], each[:, 1], "o", label="one example each", zorder=3)
    ax.plot(*each.mean(axis=0)[:2], "*", ms=22, label="the batch: their mean")


EXPERIMENT = Experiment(
    title="One operation for a whole batch equals many single ones",
    course=("D4", "D2"),
    teaches=("training.fit",),
    heading="Breiter Input / Batch",
    data=three_inputs,
    learners={"batch": trained(lambda nn: nn.Linear(3, 2), "MSELoss", lr=0.3)},
    steps=60,
    claims={
        "Y = X Wᵀ + b equals one example at a time": outputs_one_by_one,
        "the batch's gradient is the mean of single ones": gradient_is_the_mean,
    },
    figures={"gradients": draw},
    story="The rows of a batch never meet in the forward pass; they meet once, in the "
    "sum over examples that makes the gradient of the weights.",
)
