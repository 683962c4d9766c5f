"""A straight line through noisy points, some of them far off: MSE and L1."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Data, Experiment, MakeLearner, backprop
from compare.results import Side

SLOPE, INTERCEPT = 2.0, 1.0


def noisy_line(rng: np.random.Generator) -> Data:
    """60 points about y = 2x + 1, every tenth of them 5 too high."""
    x = rng.uniform(-1, 1, (60, 1))
    y = SLOPE * x + INTERCEPT + 0.1 * rng.normal(size=x.shape)
    y[::10] += 5
    return Data(x=x, target=y)


def line(loss: str, lr: float) -> MakeLearner:
    """`Linear(1, 1)` with this loss."""
    return backprop(
        model=lambda nn: nn.Linear(1, 1),
        loss=lambda nn: getattr(nn, loss)(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=lr),
    )


def fitted(side: Side, name: str) -> np.ndarray:
    """Intercept and slope that the learner `name` found."""
    p = side[name].parameters
    return np.array([p["bias"][0], p["weight"][0, 0]])


def is_least_squares(side: Side) -> tuple[bool, str]:
    data = side.only.data
    with_ones = np.hstack([np.ones_like(data.x), data.x])
    best = np.linalg.lstsq(with_ones, data.target[:, 0], rcond=None)[0]
    got = fitted(side, "mse")
    words = [f"y = {b:.3f} x + {a:.3f}" for a, b in (got, best)]
    return bool(np.abs(got - best).max() < 1e-4), ", exact ".join(words)


def l1_resists_outliers(side: Side) -> tuple[bool, str]:
    truth = np.array([INTERCEPT, SLOPE])
    mse, l1 = (np.abs(fitted(side, name) - truth).max() for name in ("mse", "l1"))
    return bool(l1 < 0.1 < mse), f"off by {l1:.2f} (L1), {mse:.2f} (MSE)"


def draw(side: Side) -> Figure:
    figure, (ax,) = plots.canvas()
    data = side.only.data
    ax.plot(data.x[:, 0], data.target[:, 0], "o", color="grey", label="examples")
    ends = np.array([[-1.0], [1.0]])
    for name in ("mse", "l1"):
        ax.plot(ends, side[name].predict(ends), linewidth=2.5, label=name.upper())
    ax.plot(ends, SLOPE * ends + INTERCEPT, "k--", label="the truth")
    plots.label(ax, "a line through points with outliers", "x", "y")
    plots.below(figure, ax, columns=4)
    return figure


EXPERIMENT = Experiment(
    title="A straight line by MSE and by L1, with outliers",
    course=("E1", "A3"),
    heading="Fehler",
    data=noisy_line,
    learners={"mse": line("MSELoss", 0.2), "l1": line("L1Loss", 0.02)},
    steps=400,
    claims={
        "MSE finds the least-squares line": is_least_squares,
        "L1 is hardly moved by the outliers": l1_resists_outliers,
    },
    figures={"lines": draw},
    story="Squaring makes one point that is 5 off count as much as 2500 points that "
    "are 0.1 off; the absolute difference counts it as 50.",
)
