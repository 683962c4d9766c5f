"""How lessons say what they measured: seeds, budgets, and numbers with their spread."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compare.results import Trial


def seeds(trials: Sequence[Trial]) -> str:
    """The seeds of these trials, which follow each other: "seeds 0 to 4"."""
    found = [trial.seed for trial in trials]
    first, last = min(found), max(found)
    return f"seed {first}" if first == last else f"seeds {first} to {last}"


def budget(trials: Sequence[Trial], batch: int | None = None) -> str:
    """The seeds and what each was given: "seeds 0 to 2, 150 steps of 64 examples"."""
    steps = max(len(trial.losses) for trial in trials)
    each = len(trials[0].data.x) if batch is None else batch
    plural = "s" * (each != 1)
    return f"{seeds(trials)}, {steps} steps of {each} example{plural}"


def percent(shares: Any, digits: int = 1) -> str:
    """The mean of shares, and the least and the largest: "95.1% (94.0 to 96.2)"."""
    low, mean, high = 100 * np.array([np.min(shares), np.mean(shares), np.max(shares)])
    return f"{mean:.{digits}f}% ({low:.{digits}f} to {high:.{digits}f})"


def middle(values: Any, form: str = ".3f") -> str:
    """The median and the middle 80 %: "0.120 (0.095 … 0.150)"."""
    low, median, high = np.quantile(values, [0.1, 0.5, 0.9], method="nearest")
    return f"{median:{form}} ({low:{form}} … {high:{form}})"
