"""More data and more compute: the error falls along straight lines, log-log."""

from functools import partial

import numpy as np

from compare import plots
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, trained

VARIED = {"digits": (25, 50, 100, 200, 400, 800, 1437), "width": (2, 3, 4, 6, 8)}
"""What one learner after the other has more of; all others have 1437 and 64."""


def learner(width: int) -> MakeLearner:
    return trained(mlp(64, width, 10, activation="Tanh"), lr=0.1, momentum=0.9)


def power_law(side: Side, varied: str) -> tuple[np.ndarray, float, float, float]:
    """The mean test error for each n; exponent, factor and R² of its power law."""
    n = VARIED[varied]
    y = np.array([1 - digits.last(side, f"{varied}_{each}").mean() for each in n])
    exponent, shift = np.polyfit(np.log(n), np.log(y), 1)
    rest = np.log(y) - exponent * np.log(n) - shift
    r2 = 1 - rest.var() / np.log(y).var()
    return y, float(exponent), float(np.exp(shift)), float(r2)


def falls_as_a_power(varied: str, side: Side) -> tuple[bool, str]:
    y, exponent, _, r2 = power_law(side, varied)
    words = f"{y[0]:.1%} → {y[-1]:.1%}, error ∝ n^{exponent:.2f}, R² = {r2:.2f}"
    return exponent < -0.3 and r2 > 0.85, words


@figures.panels(
    ("", "digits to learn from, n", "test error in %"),
    ("", "hidden units, n", "test error in %"),
)
def draw(side: Side, *axes: plots.Axes) -> None:
    for ax, (varied, n) in zip(axes, VARIED.items(), strict=True):
        y, exponent, factor, _ = power_law(side, varied)
        ax.loglog(n, 100 * y, "o", ms=8)
        line = 100 * factor * np.array(n, float) ** exponent
        ax.loglog(n, line)
        ax.set_title(f"Error ∝ n^{exponent:.2f}")
        figures.set_ticks(ax.xaxis, n[::2])
        low, high = ax.get_ylim()
        ticks = [t for t in (2, 3, 5, 10, 20, 30, 50) if low <= t <= high]
        figures.set_ticks(ax.yaxis, ticks)


EXPERIMENT = Experiment(
    title="More data, more compute (wider nets): the error as a power law",
    course=("F4",),
    teaches=("metrics.accuracy",),
    heading="Lösungen",
    data={f"digits_{n}": partial(digits.first, n) for n in VARIED["digits"]}
    | {f"width_{n}": digits.draw for n in VARIED["width"]},
    learners={f"digits_{n}": learner(64) for n in VARIED["digits"]}
    | {f"width_{n}": learner(n) for n in VARIED["width"]},
    steps=300,
    batch_size=25,
    seeds=2,
    metrics={"accuracy": digits.accuracy},
    claims={
        f"the error falls as a power of the {name}": partial(falls_as_a_power, varied)
        for varied, name in (("digits", "number of digits"), ("width", "width"))
    },
    figures={"laws": draw},
    story="On log-log axes the test error falls along a straight line, in the number "
    "of examples as well as in the width, to which the compute of a step is "
    "proportional: in this range the same gain asks for the same factor more.",
)
