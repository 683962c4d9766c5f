"""More data and more compute: the error falls along straight lines, log-log."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Claim, DrawData, Experiment, MakeLearner, backprop
from compare.experiments.common import digits, figures
from compare.results import Side

VARIED = {"digits": (25, 50, 100, 200, 400, 800, 1437), "width": (2, 3, 4, 6, 8)}
"""What one learner after the other has more of; all others have 1437 and 64."""


def learner(width: int) -> MakeLearner:
    """64-width-10 with tanh."""
    return backprop(
        model=lambda nn: nn.Sequential(
            nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10)
        ),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    )


def first_digits(count: int) -> DrawData:
    """Only so many digits to learn from."""
    return lambda rng: digits.small().first(count)


def errors(side: Side, varied: str) -> np.ndarray:
    """The fraction of test digits read wrong for each n, the mean over the seeds."""
    names = [f"{varied}_{n}" for n in VARIED[varied]]
    return np.array([1 - digits.mean(side, name) for name in names])


def power_law(x: tuple[int, ...], y: np.ndarray) -> tuple[float, float, float]:
    """Exponent, factor and R² of y = factor · x^exponent, by least squares of logs."""
    logs = np.log(y)
    exponent, shift = np.polyfit(np.log(x), logs, 1)
    rest = logs - exponent * np.log(x) - shift
    return float(exponent), float(np.exp(shift)), float(1 - rest.var() / logs.var())


def falls_as_a_power(varied: str) -> Claim:
    """The claim that the error is a power of the number of digits, or of the width."""

    def claim(side: Side) -> tuple[bool, str]:
        y = errors(side, varied)
        exponent, _, r2 = power_law(VARIED[varied], y)
        words = f"{y[0]:.1%} → {y[-1]:.1%}, error ∝ n^{exponent:.2f}, R² = {r2:.2f}"
        return exponent < -0.3 and r2 > 0.85, words

    return claim


def draw(side: Side) -> Figure:
    figure, axes = plots.canvas(2)
    names = ("digits to learn from", "hidden units")
    for ax, name, (varied, x) in zip(axes, names, VARIED.items(), strict=True):
        y = errors(side, varied)
        exponent, factor, _ = power_law(x, y)
        ax.loglog(x, 100 * y, "o", ms=8, color=plots.BLUE)
        line = 100 * factor * np.array(x, float) ** exponent
        ax.loglog(x, line, color=plots.ORANGE, label=f"∝ n^{exponent:.2f}")
        plots.label(ax, "", name, "test error in %")
        ax.legend(fontsize=13)
        figures.set_ticks(ax.xaxis, x[::2])
        low, high = ax.get_ylim()
        ticks = [t for t in (2, 3, 5, 10, 20, 30, 50) if low <= t <= high]
        figures.set_ticks(ax.yaxis, ticks)
    return figure


EXPERIMENT = Experiment(
    title="More data, more compute (wider nets): the error as a power law",
    course=("F4",),
    heading="Lösungen",
    data={f"digits_{n}": first_digits(n) for n in VARIED["digits"]}
    | {f"width_{n}": digits.small().draw for n in VARIED["width"]},
    learners={f"digits_{n}": learner(64) for n in VARIED["digits"]}
    | {f"width_{n}": learner(n) for n in VARIED["width"]},
    steps=300,
    batch_size=25,
    seeds=2,
    metrics={"accuracy": digits.accuracy},
    claims={
        "the error falls as a power of the number of digits": falls_as_a_power(
            "digits"
        ),
        "the error falls as a power of the width": falls_as_a_power("width"),
    },
    figures={"laws": draw},
    story="On log-log axes the test error falls along a straight line, in the number "
    "of examples as well as in the width, to which the compute of a step is "
    "proportional: in this range the same gain asks for the same factor more.",
)
