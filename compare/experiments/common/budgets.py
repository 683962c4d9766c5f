"""Gradient descent and random search with the same budget of forward passes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from compare.experiment import MakeLearner, backprop
from compare.results import Side

PER_STEP = 3
"""Forward passes that a step costs. Of gradient descent: one, and the backward pass
counts as two, since it multiplies by each matrix twice, for its weights and for its
inputs. Of a search: one of the old weights, and one for each of two tries."""
COLORS = {"gradient": "#1f4e79", "random": "#c0392b", "annealing": "#e0a030"}
NAMES = tuple(COLORS)


def learners(
    *,
    model: Callable[[Any], Any],
    loss: Callable[[Any], Any],
    lr: float,
    scale: float,
    temperature: float,
) -> dict[str, MakeLearner]:
    """Gradient descent, random descent and annealing of one model.

    Args:
        model: from the library's `nn` to a module.
        loss: from the library's `nn` to a loss.
        lr: of gradient descent.
        scale: of a random change of each weight.
        temperature: of annealing at the start.
    """
    options = {"scale": scale, "tries": PER_STEP - 1}
    schedule = {"temperature": temperature, "cooling": 0.97}
    return {
        "gradient": backprop(
            model=model,
            loss=loss,
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=lr),
        ),
        "random": lambda library: library.search.RandomDescent(
            model(library.nn), loss(library.nn), **options
        ),
        "annealing": lambda library: library.search.Annealing(
            model(library.nn), loss(library.nn), **options, **schedule
        ),
    }


def losses(side: Side, name: str) -> np.ndarray:
    """The loss of every seed (row) before every step (column)."""
    return np.array([trial.losses for trial in side.named(name)])


def passes_until(side: Side, name: str, level: float) -> np.ndarray:
    """For each seed, the forward passes until the loss is at most `level`, or ∞."""
    below = losses(side, name) <= level
    first = np.where(below.any(axis=1), below.argmax(axis=1), math.inf)
    return PER_STEP * first


def passes(side: Side) -> int:
    """The forward passes of each learner."""
    return PER_STEP * len(side.only.losses)


def draw_losses(ax: Axes, side: Side) -> None:
    """The median loss against forward passes, and the middle 80 % of the seeds."""
    for name in NAMES:
        rows = losses(side, name)
        low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0)
        costs = PER_STEP * np.arange(rows.shape[1])
        ax.fill_between(costs, low, high, color=COLORS[name], alpha=0.25)
        ax.semilogy(costs, middle, color=COLORS[name], linewidth=2, label=name)
    ax.legend(fontsize=12)
