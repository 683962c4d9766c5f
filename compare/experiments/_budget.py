"""What the lessons on blind search share: learners whose steps cost the same."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

import handmade
import torch_ref
from compare.arrays import Backend
from compare.experiment import MakeLearner, backprop
from compare.trained import Side

PER_STEP = 3
"""Forward passes that a step costs. Of gradient descent: one, and the backward pass
counts as two, since it multiplies by each matrix twice, for its weights and for its
inputs. Of a search: one of the old weights, and one for each of two tries."""
TRIES = PER_STEP - 1
LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
COLORS = {"gradient": "#1f4e79", "random": "#c0392b", "annealing": "#e0a030"}
DIMENSIONS = (2, 4, 8, 16, 32, 64)
REPEATS = 9
Make = Callable[[Any], Any]
"""From the library's `nn` to a module."""


def learners(
    *, model: Make, loss: Make, lr: float, scale: float, temperature: float
) -> dict[str, MakeLearner]:
    """Gradient descent, random descent and annealing of one model.

    Args:
        model: from the library's `nn`.
        loss: from the library's `nn`.
        lr: of gradient descent.
        scale: of a random change of each weight.
        temperature: the first one.
    """
    options = {"scale": scale, "tries": TRIES}
    hot = {"temperature": temperature, "cooling": 0.97}
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
            model(library.nn), loss(library.nn), **options, **hot
        ),
    }


def losses(side: Side, name: str) -> np.ndarray:
    """The loss of every seed (row) before every step (column)."""
    return np.array([trial.losses for trial in side.named(name)])


def needed(side: Side, name: str, level: float) -> np.ndarray:
    """For each seed, the forward passes until the loss is at most `level`, or ∞."""
    below = losses(side, name) <= level
    first = np.where(below.any(axis=1), below.argmax(axis=1), math.inf)
    return PER_STEP * first


def spread(values: np.ndarray, form: str = ".3f") -> str:
    """Median and the middle 80 %, in words."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9], method="nearest")
    return f"{middle:{form}} ({low:{form}} … {high:{form}})"


def draw_losses(ax: Axes, side: Side, names: Sequence[str]) -> None:
    """The median loss against forward passes, and the middle 80 % of the seeds."""
    for name in names:
        rows = losses(side, name)
        low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0)
        passes = PER_STEP * np.arange(rows.shape[1])
        ax.fill_between(passes, low, high, color=COLORS[name], alpha=0.25)
        ax.semilogy(passes, middle, color=COLORS[name], linewidth=2, label=name)
    ax.legend(fontsize=12)


@lru_cache(maxsize=8)
def searched(library: str) -> np.ndarray:
    """Evaluations that random descent needs from Σxⱼ² = 1 to 0.01, (d, repeats).

    The scale of its steps is 0.3 / d, near the best for every d.
    """
    wing, backend = LIBRARIES[library], Backend()
    give = backend.torch if library == "torch_ref" else backend.handmade
    counts: list[int] = []
    for d in DIMENSIONS:
        start = give(np.full(d, 1 / math.sqrt(d)))
        for seed in range(REPEATS):
            wing.manual_seed(seed)
            trace = wing.search.random_descent(
                lambda x: (x * x).sum(), start, scale=0.3 / d
            )
            counts.append(len(trace.points))
    return np.reshape(counts, (len(DIMENSIONS), REPEATS))


def descended() -> int:
    """What gradient descent needs for the same, whatever d: 3 for each of its steps.

    A step of 0.1 multiplies each coordinate by 0.8.
    """
    steps = math.ceil(math.log(0.1) / math.log(0.8))
    return PER_STEP * steps


def exponent(library: str) -> float:
    """The p of evaluations ∝ dᵖ, by least squares through the logarithms of medians."""
    medians = np.median(searched(library), axis=1)
    return float(np.polyfit(np.log(DIMENSIONS), np.log(medians), 1)[0])


def times_more(side: Side) -> tuple[bool, str]:
    """Each further weight makes blind search dearer, and gradient descent not."""
    ratios = np.median(searched(side.library), axis=1) / descended()
    power = exponent(side.library)
    at = ", ".join(f"d = {d}: {r:.1f}" for d, r in zip(DIMENSIONS, ratios, strict=True))
    return bool(0.8 < power < 1.3 and ratios[-1] > 10), (
        f"times as many evaluations as gradient descent's {descended()}: {at}; like "
        f"d^{power:.2f} (median of {REPEATS} seeds)"
    )


def draw_growth(ax: Axes) -> None:
    """Evaluations against the number of weights, both axes logarithmic."""
    counts = searched("handmade")
    low, middle, high = np.quantile(counts, [0.1, 0.5, 0.9], axis=1)
    ax.fill_between(DIMENSIONS, low, high, color=COLORS["random"], alpha=0.25)
    power = exponent("handmade")
    ax.loglog(
        DIMENSIONS, middle, "o-", color=COLORS["random"], label=f"random, d^{power:.2f}"
    )
    ax.axhline(descended(), color=COLORS["gradient"], linewidth=2, label="gradient")
    ax.set_xticks(DIMENSIONS, [str(d) for d in DIMENSIONS])
    ax.minorticks_off()
    ax.legend(fontsize=12)
