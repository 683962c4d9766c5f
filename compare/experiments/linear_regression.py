"""A straight line through noisy points, some of them far off: MSE and L1."""

import numpy as np

from compare import plots
from compare.experiment import Data, Experiment, Side
from compare.experiments.common import figures, gates, trained

TRUTH = np.array([1.0, 2.0])  # intercept and slope


def noisy_line(rng: np.random.Generator) -> Data:
    """60 points about y = 2x + 1, every tenth of them 5 too high."""
    x = rng.uniform(-1, 1, (60, 1))
    y = TRUTH[1] * x + TRUTH[0] + 0.1 * rng.normal(size=x.shape)
    y[::10] += 5
    return Data(x=x, target=y)


def is_least_squares(side: Side) -> tuple[bool, str]:
    got, best = gates.fit(side["mse"])
    words = [f"y = {b:.3f} x + {a:.3f}" for a, b in (got, best)]
    return bool(np.abs(got - best).max() < 1e-4), ", exact ".join(words)


def l1_resists_outliers(side: Side) -> tuple[bool, str]:
    found = [gates.fit(side[name])[0] for name in ("mse", "l1")]
    mse, l1 = np.abs(np.array(found) - TRUTH).max(axis=1)
    return bool(l1 < 0.1 < mse), f"off by {l1:.2f} (L1), {mse:.2f} (MSE)"


@figures.panels(("A line through points with outliers", "x", "y"))
def draw(side: Side, ax: figures.Axes) -> None:
    data, ends = side.only.data, np.array([[-1.0], [1.0]])
    ax.plot(data.x[:, 0], data.target[:, 0], "o", color=plots.GREY, label="examples")
    for name in ("mse", "l1"):
        ax.plot(ends, side[name].predict(ends), linewidth=3, label=name.upper())
    ax.plot(ends, TRUTH[1] * ends + TRUTH[0], "k:", label="y = 2x + 1")


EXPERIMENT = Experiment(
    title="A straight line by MSE and by L1, with outliers",
    course=("E1", "A3"),
    teaches=("nn.L1Loss",),
    heading="Fehler",
    data=noisy_line,
    learners={
        "mse": trained(lambda nn: nn.Linear(1, 1), "MSELoss", lr=0.2),
        "l1": trained(lambda nn: nn.Linear(1, 1), "L1Loss", lr=0.02),
    },
    steps=400,
    claims={
        "MSE finds the least-squares line": is_least_squares,
        "L1 is hardly moved by the outliers": l1_resists_outliers,
    },
    figures={"lines": draw},
    story="Squaring makes one point that is 5 off count as much as 2500 points that "
    "are 0.1 off; the absolute difference counts it as 50.",
)
