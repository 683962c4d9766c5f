"""More data and more compute: the error falls along straight lines, log-log."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.results import Side

SIZES = (25, 50, 100, 200, 400, 800, 1437)
WIDTHS = (2, 3, 4, 6, 8)
WIDEST = 64


def learner(width: int) -> MakeLearner:
    """64-width-10 with tanh."""
    return backprop(
        model=lambda nn: nn.Sequential(
            nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10)
        ),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    )


def errors(side: Side, name: str) -> float:
    """The mean share of test digits read wrong, over the seeds."""
    return 1 - _digits.mean(side, name, "accuracy/test")


def by_size(side: Side) -> np.ndarray:
    """The error for each number of digits to learn from."""
    return np.array([errors(side, f"digits_{n}") for n in SIZES])


def by_width(side: Side) -> np.ndarray:
    """The error for each width of the hidden layer."""
    return np.array([errors(side, f"width_{n}") for n in WIDTHS])


def fitted(x: tuple[int, ...], y: np.ndarray) -> tuple[float, float, float]:
    """Exponent, factor and R² of y = factor · x^exponent, by least squares of logs."""
    logs = np.log(y)
    exponent, shift = np.polyfit(np.log(x), logs, 1)
    rest = logs - exponent * np.log(x) - shift
    return float(exponent), float(np.exp(shift)), float(1 - rest.var() / logs.var())


def falls_with_data(side: Side) -> tuple[bool, str]:
    """A power law in the number of digits."""
    return _power_law(SIZES, by_size(side))


def falls_with_width(side: Side) -> tuple[bool, str]:
    """A power law in the number of hidden units."""
    return _power_law(WIDTHS, by_width(side))


def _power_law(x: tuple[int, ...], y: np.ndarray) -> tuple[bool, str]:
    exponent, _, r2 = fitted(x, y)
    words = f"{y[0]:.1%} → {y[-1]:.1%}, error ∝ n^{exponent:.2f}, R² = {r2:.2f}"
    return exponent < -0.3 and r2 > 0.85, words


def draw(side: Side) -> Figure:
    """Both laws with their fitted lines."""
    figure, axes = plots.canvas(2)
    laws = (
        ("digits to learn from", SIZES, by_size(side)),
        ("hidden units", WIDTHS, by_width(side)),
    )
    for ax, (name, x, y) in zip(axes, laws, strict=True):
        exponent, factor, _ = fitted(x, y)
        ax.loglog(x, 100 * y, "o", ms=8, color=plots.BLUE)
        line = 100 * factor * np.array(x, float) ** exponent
        ax.loglog(x, line, color=plots.ORANGE, label=f"∝ n^{exponent:.2f}")
        plots.label(ax, "", name, "test error in %")
        ax.legend(fontsize=13)
        ax.set_xticks(x[::2], [str(n) for n in x[::2]])
        low, high = ax.get_ylim()
        ticks = [t for t in (2, 3, 5, 10, 20, 30, 50) if low <= t <= high]
        ax.set_yticks(ticks, [str(t) for t in ticks])
        ax.minorticks_off()
    return figure


_digits_of = {f"digits_{n}": partial(_digits.small().first, n) for n in SIZES}

EXPERIMENT = Experiment(
    title="More data, more compute (wider nets): the error as a power law",
    course=("F4",),
    heading="Lösungen",
    data={name: (lambda rng, draw=draw: draw()) for name, draw in _digits_of.items()}
    | {f"width_{n}": _digits.small().draw for n in WIDTHS},
    learners={f"digits_{n}": learner(WIDEST) for n in SIZES}
    | {f"width_{n}": learner(n) for n in WIDTHS},
    steps=300,
    batch_size=25,
    seeds=2,
    metrics={"accuracy": _digits.accuracy},
    claims={
        "the error falls as a power of the number of digits": falls_with_data,
        "the error falls as a power of the width": falls_with_width,
    },
    figures={"laws": draw},
    story="On log-log axes the test error falls along a straight line, in the number "
    "of examples as well as in the width, to which the compute of a step is "
    "proportional: in this range the same gain asks for the same factor more.",
)
