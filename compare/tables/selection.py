"""Which columns and rows of a table are learned from, and what is predicted."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FEWEST_ROWS = 20
MOST_CLASSES = 20
"""Whole numbers of more different values than this are not classes."""
MOST_CATEGORIES = 50
"""Text of more different values than this, or than half the rows, is not a category."""
INDEX = r"(?i).*id|.*index|(lfd\. ?)?(nr|no)\.?|row|#|unnamed: 0"
"""How a first column that only numbers the rows is named."""


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Args:
        name: of its column.
        values: class indices (n,), int64, or numbers (n,), float64.
        classes: their names, in the order of the indices; [] for numbers.
        why: the rule that decided between the two, in words.
    """

    name: str
    values: np.ndarray
    classes: list[str]
    why: str


def choose_inputs(
    path: Path, values: pd.DataFrame, target: str
) -> tuple[pd.DataFrame, list[str]]:
    """Leave out columns that only number the rows, or are empty.

    Returns:
        The inputs and the target; and what was left out, in words.

    Raises:
        ValueError: no input is left, or one is text that differs from row to row.
    """
    inputs, notes = values.drop(columns=target), []
    first, numbers = values.columns[0], np.arange(len(values))
    counts = any((values[first] == numbers + n).all() for n in (0, 1))
    if first in inputs and counts and re.fullmatch(INDEX, first):
        inputs = inputs.drop(columns=first)
        notes.append(f"{first!r} only numbers the rows and is left out.")
    if len(empty := inputs.columns[inputs.isna().all()]):
        inputs = inputs.drop(columns=empty)
        notes.append(f"Empty columns are left out: {', '.join(empty)}.")
    if inputs.empty:
        raise ValueError(f"{path} has no column but the target {target!r}")
    texts = inputs.select_dtypes(object)
    most = np.minimum(MOST_CATEGORIES, texts.count() / 2)
    if len(many := texts.columns[texts.nunique() > most]):
        raise ValueError(
            f"{path}: inputs must be numbers, dates or categories, got text of many "
            f"different values in {', '.join(map(repr, many))}; leave it out by "
            f"--drop {','.join(many)}"
        )
    if len(texts.columns):
        notes.append(f"Categories, one-hot: {', '.join(texts)}.")
    return inputs.assign(**{target: values[target]}), notes


def without_missing(
    path: Path, values: pd.DataFrame, target: str, missing: str
) -> tuple[pd.DataFrame, list[str]]:
    """Leave out rows with missing values, or, for "mean", those without a target.

    Raises:
        ValueError: too few are left.
    """
    kept = values.dropna(subset=[target] if missing == "mean" else None)
    gaps: dict[Any, int] = values.isna().sum().to_dict()
    notes = []
    if any(gaps.values()):
        listed = ", ".join(f"{gaps[name]} in {name}" for name in values if gaps[name])
        hint = "--missing mean fills the inputs instead"
        if missing == "mean":
            hint = "inputs are filled by the mean, or by the most frequent category"
        lost = f"{len(values) - len(kept)} of {len(values)} rows are left out"
        notes.append(f"Missing values: {listed}; {lost}; {hint}.")
    if len(kept) < FEWEST_ROWS:
        words = f"{path} has {len(kept)} rows of data, expected at least {FEWEST_ROWS}"
        raise ValueError(". ".join([words, *notes]))
    return kept, notes


def make_target(path: Path, values: pd.Series, texts: pd.Series) -> Target:
    """Text is taken as classes, and so are few whole numbers without a decimal point.

    Args:
        path: of the file, for messages.
        values: float64 or text.
        texts: how they are written in the file.

    Raises:
        ValueError: all are the same, or a class has only one row.
    """
    name, count = str(values.name), values.nunique()
    if count == 1:
        raise ValueError(
            f"{path}: the target {name!r} is {texts.iloc[0]!r} in every row; expected "
            f"different values"
        )
    whole = values.dtype != object and texts.str.fullmatch(r"[+-]?\d+").all()
    if whole and count <= MOST_CLASSES:
        values, why = values.astype(int), f"whole numbers, at most {MOST_CLASSES}"
    elif whole:
        return Target(name, values.to_numpy(), [], f"{count} different whole numbers")
    elif values.dtype != object:
        return Target(name, values.to_numpy(), [], "numbers that are not all whole")
    else:
        why = "text"
    names, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"{path}: class {str(names[counts.argmin()])!r} of {name!r} has only one "
            f"row; each class needs two, one to learn from and one held out"
        )
    return Target(name, indices.astype(np.int64), [*map(str, names)], why)
