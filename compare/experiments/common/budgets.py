"""Gradient descent and random search with the same budget of forward passes."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from compare import plots
from compare.experiment import MakeLearner, Side
from compare.experiments.common import reporting, trained

PER_STEP = 3
"""Forward passes that a step costs. Of gradient descent: one, and the backward pass
counts as two, since it multiplies by each matrix twice, for its weights and for its
inputs. Of a search: one of the old weights, and one for each of two tries."""
STYLES = dict(zip(("gradient", "random", "annealing"), plots.CURVES, strict=False))
"""Colour and line of each learner."""


def learners(
    model: Any, loss: str, lr: float, scale: float, temperature: float
) -> dict[str, MakeLearner]:
    """Gradient descent; random descent and annealing, with changes of this scale."""

    def search(method: str, **options: Any) -> MakeLearner:
        options |= {"scale": scale, "tries": PER_STEP - 1}
        return lambda library: getattr(library.search, method)(
            model(library.nn), getattr(library.nn, loss)(), **options
        )

    return {
        "gradient": trained(model, loss, lr=lr),
        "random": search("RandomDescent"),
        "annealing": search("Annealing", temperature=temperature, cooling=0.97),
    }


def losses(side: Side, name: str) -> np.ndarray:
    """The loss of every seed (row) before every step (column)."""
    return np.array([trial.losses for trial in side.named(name)])


def passes_until(side: Side, name: str, level: float) -> np.ndarray:
    """For each seed, the forward passes until the loss is at most `level`, or ∞."""
    steps = [reporting.steps_until(trial, level) for trial in side.named(name)]
    return PER_STEP * np.array(steps)


def passes(side: Side) -> int:
    """The forward passes of each learner."""
    return PER_STEP * len(side.only.losses)


def draw_losses(side: Side, ax: Axes) -> None:
    """The median loss against forward passes, and the middle 80 % of the seeds."""
    for name, style in STYLES.items():
        low, middle, high = np.quantile(losses(side, name), [0.1, 0.5, 0.9], axis=0)
        costs = PER_STEP * np.arange(len(middle))
        ax.fill_between(costs, low, high, color=style["color"], alpha=0.2)
        ax.semilogy(costs, middle, label=name, **style)
