"""The minimum of x², found blind, at random, and by the derivative."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, backprop
from compare.experiments.common import words as _words
from compare.experiments.common.budget import PER_STEP
from compare.experiments.common.libraries import LIBRARIES, give
from compare.results import Side

START, STEP, SEEDS = 2.0, 0.4, 11
Walk = tuple[np.ndarray, np.ndarray]
"""Every x at which a search looked, and x² there."""


def square(nn: Any) -> Any:
    """w·1 as a model of nothing: its squared error to 0 is w²."""
    return nn.Linear(1, 1, bias=False)


def blind(library: str) -> Walk:
    """The course's search without a derivative."""
    search, start = LIBRARIES[library].search, give(library, START)
    return _walk(search.blind_descent(lambda x: x * x, start, step=STEP))


def at_random(library: str) -> list[Walk]:
    """Random descent, once from each seed."""
    wing, walks = LIBRARIES[library], []
    for seed in range(SEEDS):
        wing.manual_seed(seed)
        search: Callable[..., Any] = wing.search.random_descent
        walks.append(_walk(search(lambda x: x * x, give(library, START), scale=STEP)))
    return walks


def as_by_hand(side: Side) -> tuple[bool, str]:
    """Right is higher: back to the left, on, on, on, and on to the very bottom."""
    points, _ = blind(side.library)
    want = [2.0, 2.4, 1.6, 1.2, 0.8, 0.4, 0.0]
    words = ", ".join(f"{x:.1f}" for x in points)
    same = len(points) == len(want) and bool(np.allclose(points, want, atol=1e-5))
    return same, f"x = {words}"


def none_needs_many(side: Side) -> tuple[bool, str]:
    """In one dimension all three arrive, at about the same cost."""
    descent = side["gradient"].losses
    steps = next((i for i, e in enumerate(descent) if e < 0.01), math.inf)
    looks = np.array([len(points) for points, _ in at_random(side.library)])
    blindly = len(blind(side.library)[0])
    words = (
        f"evaluations until x² < 0.01: blind {blindly}, random "
        f"{_words.middle(looks, '.0f')} of the seeds 0 to {SEEDS - 1}, gradient "
        f"descent {PER_STEP * steps} ({steps} steps at {PER_STEP})"
    )
    most = max(blindly, float(np.median(looks)))
    return most <= 2 * PER_STEP * steps < math.inf, words


def keeps_what_is_better(side: Side) -> tuple[bool, str]:
    """The loss of the blind learner never grows, from any seed."""
    losses = (trial.losses for trial in side.named("random"))
    grown = [np.max(np.diff(each), initial=0.0) for each in losses]
    words = f"the largest growth is {max(grown):.1f}"
    return bool(max(grown) <= 0), f"{words}; {_words.budget(side.named('random'))}"


def draw(side: Side) -> Figure:
    """Where each search looked, one look after the other."""
    figure, (left, right) = plots.canvas(2)
    (points, errors), (others, their_errors) = (
        blind("handmade"),
        at_random("handmade")[0],
    )
    path = np.array([p["weight"][0, 0] for p in side["gradient"].path])
    curve = np.linspace(-1.0, 2.6, 200)
    left.plot(curve, curve**2, color="grey", zorder=0)
    left.plot(points, errors, "o-", color="#1f4e79", label="blind", ms=9, alpha=0.8)
    left.plot(others, their_errors, "x", color="#c0392b", label="random", ms=9, mew=2)
    left.plot(path, path**2, ".", color="#e0a030", label="gradient")
    plots.label(left, "every look at x²", "x", "error")
    floor = np.maximum(errors, 1e-3)  # a logarithm has no place for the exact 0
    right.semilogy(floor, "o-", color="#1f4e79", label="blind")
    right.semilogy(their_errors, "x-", color="#c0392b", label="random")
    steps = np.arange(len(path))
    right.semilogy(PER_STEP * steps, path**2, ".-", color="#e0a030", label="gradient")
    right.axhline(0.01, color="grey", linewidth=1)
    right.set_ylim(8e-4, 10)
    right.set_xlim(-1, 40)
    plots.label(right, "what it costs", "evaluations", "error")
    for ax in (left, right):
        ax.legend(fontsize=12)
    return figure


def _walk(trace: Any) -> Walk:
    points = np.array([float(to_numpy(p)) for p in trace.points])
    return points, np.array(trace.errors)


EXPERIMENT = Experiment(
    title="The minimum of x² without a derivative: left or right?",
    course=("A4", "A5", "A3"),
    heading="Verfahren ohne Ableitung: Pseudo-Ableitung",
    data=lambda rng: Data(x=np.ones((1, 1)), target=np.zeros((1, 1))),
    learners={
        "gradient": backprop(
            model=square,
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
        ),
        "random": lambda library: library.search.RandomDescent(
            square(library.nn), library.nn.MSELoss(), scale=STEP
        ),
    },
    start={"weight": START},
    steps=40,
    seeds=3,
    claims={
        "the blind steps are those worked by hand": as_by_hand,
        "random descent never makes it worse": keeps_what_is_better,
        "in one dimension a derivative saves little": none_needs_many,
    },
    figures={"looks": draw},
    story="Step to one side. If the value grows, turn round and go twice as far back; "
    "if it shrinks, go on: whether it grew stands for the sign of the derivative. If "
    "both sides are higher, the lowest point lies between, and the step is halved, "
    "which the slide leaves open. An evaluation is one look at x²; a step of gradient "
    "descent is counted as three.",
)
