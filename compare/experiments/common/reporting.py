"""How claims report numbers: seeds, budgets, means with their spread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from compare.results import Trial


def seeds(trials: Sequence[Trial]) -> str:
    """The consecutive seeds of these trials: "seeds 0 to 4"."""
    found = [trial.seed for trial in trials]
    first, last = min(found), max(found)
    return f"seed {first}" if first == last else f"seeds {first} to {last}"


def budget(trials: Sequence[Trial], batch: int | None = None) -> str:
    """The seeds and the training of each: "seeds 0 to 2, 150 steps of 64 examples"."""
    steps = max(len(trial.losses) for trial in trials)
    each = len(trials[0].data.x) if batch is None else batch
    plural = "s" * (each != 1)
    return f"{seeds(trials)}, {steps} steps of {each} example{plural}"


def final_loss(trial: Trial) -> float:
    """The mean loss of the last ten steps."""
    return float(np.mean(trial.losses[-10:]))


def steps_until(trial: Trial, level: float) -> float:
    """After how many steps the loss is at most `level`; ∞ if it never was."""
    losses = enumerate(trial.losses)
    return next((step for step, loss in losses if loss <= level), math.inf)


def percent(fractions: Any, digits: int = 1) -> str:
    """Mean, minimum and maximum of fractions: "95.1% (94.0 to 96.2)"."""
    low, high = 100 * np.min(fractions), 100 * np.max(fractions)
    mean = 100 * np.mean(fractions)
    return f"{mean:.{digits}f}% ({low:.{digits}f} to {high:.{digits}f})"


def median(values: Any, form: str = ".3f") -> str:
    """The median and the middle 80 %: "0.120 (0.095 … 0.150)"."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9], method="nearest")
    return f"{middle:{form}} ({low:{form}} … {high:{form}})"


def listed(
    found: Mapping[str, Any], form: str = "{}", of: Callable[[Any], Any] = lambda x: x
) -> str:
    """Names and formatted values: "relu ×0.50, tanh ×0.91" by the form "×{:.2f}"."""
    return ", ".join(f"{name} {form.format(of(x))}" for name, x in found.items())
