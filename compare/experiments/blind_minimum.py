"""The minimum of x², found blind, at random, and by the derivative."""

import math
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, Side
from compare.experiments.common import figures, reporting, trained
from compare.experiments.common.budgets import PER_STEP
from compare.experiments.common.libraries import LIBRARIES, give

START, SCALE, SEEDS = 2.0, 0.4, 11


def square(nn: Any) -> Any:
    return nn.Linear(1, 1, bias=False)  # w · 1: its squared error to 0 is w²


def search(library: str, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Where random descent, or blind descent without a seed, evaluates x²; values."""
    module, start = LIBRARIES[library], give(library, START)
    if seed is None:
        trace = module.search.blind_descent(lambda x: x * x, start, step=SCALE)
    else:
        module.manual_seed(seed)
        trace = module.search.random_descent(lambda x: x * x, start, scale=SCALE)
    points = [float(to_numpy(point)) for point in trace.points]
    return np.array(points), np.array(trace.errors)


def as_by_hand(side: Side) -> tuple[bool, str]:
    """Right is higher: back to the left, on, on, on, and on to the very bottom."""
    points = [f"{x:.1f}" for x in search(side.library)[0]]
    words = "2.0, 2.4, 1.6, 1.2, 0.8, 0.4, 0.0"
    return ", ".join(points) == words, f"x = {', '.join(points)}"


def never_worse(side: Side) -> tuple[bool, str]:
    trials = side.named("random")
    grown = max(np.max(np.diff(trial.losses), initial=0.0) for trial in trials)
    budget = reporting.budget(trials)
    return bool(grown <= 0), f"the largest growth is {grown:.1f}; {budget}"


def derivative_saves_little(side: Side) -> tuple[bool, str]:
    steps = reporting.steps_until(side["gradient"], 0.01)
    blind, *random = (len(search(side.library, s)[0]) for s in (None, *range(SEEDS)))
    most = max(blind, float(np.median(random)))
    return most <= 2 * PER_STEP * steps < math.inf, (
        f"evaluations until x² < 0.01: blind {blind}, random "
        f"{reporting.median(random, '.0f')} of the seeds 0 to {SEEDS - 1}, gradient "
        f"descent {PER_STEP * steps} ({steps} steps at {PER_STEP})"
    )


@figures.panels(
    ("Every evaluation of x²", "x", "x²"),
    ("Evaluations needed", "evaluations", "x²"),
)
def draw(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    curve = np.linspace(-1.0, 2.6, 200)
    left.plot(curve, curve**2, color=plots.GREY, ls="-", zorder=0)
    path = np.array([p["weight"][0, 0] for p in side["gradient"].path])
    for name, style, color, (x, errors), cost in (
        ("blind", "o-", plots.BLUE, search("handmade"), 1),
        ("random", "x--", plots.RED, search("handmade", seed=0), 1),
        ("gradient", ".-.", plots.ORANGE, (path, path**2), PER_STEP),
    ):
        left.plot(x, errors, style[0], color=color, ms=9, alpha=0.8)
        right.plot(cost * np.arange(len(x)), errors, style, color=color, label=name)
    right.axhline(0.01, color=plots.GREY, ls="-", linewidth=1)
    right.set_yscale("symlog", linthresh=1e-3)
    right.set(xlim=(-1, 40), ylim=(-4e-4, 10))


EXPERIMENT = Experiment(
    title="The minimum of x² without a derivative: left or right?",
    course=("A4", "A5", "A3"),
    teaches=("search.blind_step", "search.random_descent"),
    heading="Verfahren ohne Ableitung: Pseudo-Ableitung",
    data=lambda rng: Data(x=np.ones((1, 1)), target=np.zeros((1, 1))),
    learners={
        "gradient": trained(square, "MSELoss", lr=0.1),
        "random": lambda library: library.search.RandomDescent(
            square(library.nn), library.nn.MSELoss(), scale=SCALE
        ),
    },
    start={"weight": START},
    steps=40,
    seeds=3,
    claims={
        "the blind steps are those worked by hand": as_by_hand,
        "random descent never makes it worse": never_worse,
        "in one dimension a derivative saves little": derivative_saves_little,
    },
    figures={"looks": draw},
    story="Step to one side. If the value grows, turn round and go twice as far back; "
    "if it shrinks, go on: whether it grew stands for the sign of the derivative. If "
    "both sides are higher, the lowest point lies between, and the step is halved, "
    "which the slide leaves open. An evaluation is one look at x²; a step of gradient "
    "descent is counted as three.",
)
