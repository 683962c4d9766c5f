"""The slide's "simplified Newton" loop, which is gradient descent, and Newton's own."""

import math

import numpy as np

from compare import plots
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import figures
from compare.experiments.common.reporting import steps_until

TOLERANCE = 0.01  # the slide's `while error(x) > 0.01`
STARTS = {"Square": np.array([2.0]), "Valley": np.array([4.0, 1.0])}


def descent(surface: str, lr: float | None = None) -> MakeLearner:
    """A point on this surface; without lr it takes the Newton step."""
    return lambda library: library.descent.Descent(
        getattr(library.surfaces, surface)(), STARTS[surface], lr=lr
    )


def counted_by_hand(side: Side) -> tuple[bool, str]:
    """For x² every step multiplies x by 1 − 2·lr, so the count has a closed form."""
    want = math.ceil(math.log(math.sqrt(TOLERANCE) / 2) / math.log(1 - 2 * 0.1))
    got = steps_until(side["descent_1d"], TOLERANCE)
    return got == want, f"{got} steps, {want} by the formula"


def newton_needs_one(side: Side) -> tuple[bool, str]:
    square, valley = (steps_until(side[f"newton_{n}d"], TOLERANCE) for n in (1, 2))
    return square == valley == 1, f"{square} step for x², {valley} for x² + 10y²"


def descent_needs_more(side: Side) -> tuple[bool, str]:
    needed = steps_until(side["descent_2d"], TOLERANCE)
    return needed > 10, f"{needed} steps for x² + 10y²"


@figures.panels(("x²", "x", "x²"), ("x² + 10y²", "x", "y"))
def draw(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    x = np.linspace(-2.2, 2.2, 200)
    left.plot(x, x**2, color=plots.GREY, ls="-", zorder=0)
    u, v, points = plots.grid((-5.0, 5.0), (-1.6, 1.6))
    heights = side["descent_2d"].predict(points).reshape(u.shape)
    right.contourf(u, v, np.sqrt(heights), levels=20, cmap="Greys", alpha=0.6)
    for name, style in zip(("descent", "newton"), plots.CURVES, strict=False):
        style = style | {"marker": "o", "markersize": 4}
        x = np.array([p["point"][0] for p in side[f"{name}_1d"].path])
        left.plot(x, x**2, label=name, **style)
        path = np.array([p["point"] for p in side[f"{name}_2d"].path])
        right.plot(*path.T, **style)


EXPERIMENT = Experiment(
    title="Gradient descent (the slide's simplified Newton) and the true Newton step",
    course=("A1", "A2"),
    teaches=("descent.Descent", "descent.newton_step"),
    heading="Newton Verfahren (vereinfacht) / Newton Verfahren in ℝⁿ",
    learners={
        "descent_1d": descent("Square", lr=0.1),
        "newton_1d": descent("Square"),
        "descent_2d": descent("Valley", lr=0.08),
        "newton_2d": descent("Valley"),
    },
    steps=60,
    claims={
        "x² takes as many steps as the closed form says": counted_by_hand,
        "the true Newton step needs one": newton_needs_one,
        "in a long valley descent needs more than ten": descent_needs_more,
    },
    figures={"paths": draw},
    story="A fixed factor takes small steps where the slope is small. Newton divides "
    "by the curvature instead, which on a parabola is exactly the distance left.",
)
