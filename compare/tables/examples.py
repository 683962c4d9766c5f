"""The examples of a table: chosen, encoded, standardised, split at random."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from compare.experiment import Data

HELD_OUT = 0.2
"""The fraction of rows that is never trained on."""
FEWEST_ROWS = 20
MOST_CLASSES = 20
"""Whole numbers of more different values than this are not classes."""
MOST_CATEGORIES = 50
"""Text of more different values than this, or than half the rows, is not a category."""


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


@dataclass(frozen=True)
class Examples:
    """The rows of a table: inputs, as float64 or text, and the target."""

    inputs: pd.DataFrame
    target: Target

    @cached_property
    def scale(self) -> Pipeline:
        """Standardises the numbers to be predicted, and goes back."""
        return _standardize().fit(self.target.values[:, None])

    @property
    def held_out(self) -> int:
        """How many rows are never trained on: at least one of each class."""
        fraction = int(np.ceil(HELD_OUT * len(self.inputs)))
        return max(fraction, len(self.target.classes))

    @property
    def width(self) -> int:
        """How many inputs the network has."""
        return self._encoder().fit_transform(self.inputs).shape[1]

    def draw(self, rng: np.random.Generator) -> Data:
        """Split at random, each class by its frequency; encode by the training part."""
        values = self.target.values
        classes = bool(self.target.classes)
        split: Any = train_test_split(
            self.inputs,
            values if classes else self.scale.transform(values[:, None]),
            test_size=self.held_out,
            random_state=int(rng.integers(2**31)),
            stratify=values if classes else None,
        )
        train, test, target, target_test = split
        encoder = self._encoder().fit(train)
        x, x_test = encoder.transform(train), encoder.transform(test)
        return Data(x=x, target=target, x_test=x_test, target_test=target_test)

    def _encoder(self) -> ColumnTransformer:
        """Numbers standardised, text one-hot, missing values filled."""
        texts = self.inputs.select_dtypes(object)
        categories = [np.unique(texts[name].dropna()) for name in texts]
        one_hot = OneHotEncoder(
            categories=categories, drop="if_binary", sparse_output=False
        )
        numbers = [name for name in self.inputs if name not in texts]
        fill = SimpleImputer(keep_empty_features=True)
        most_frequent = SimpleImputer(strategy="most_frequent")
        return ColumnTransformer(
            [
                ("text", make_pipeline(most_frequent, one_hot), list(texts)),
                ("numbers", make_pipeline(fill, _standardize()), numbers),
            ]
        )


def _standardize() -> Pipeline:
    """To mean 0 and deviation 1; divided first, so that no square overflows."""
    return make_pipeline(MaxAbsScaler(), StandardScaler())


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
    if first in inputs and any((values[first] == numbers + n).all() for n in (0, 1)):
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
    """Leave out rows with missing values, or only those without a target.

    Raises:
        ValueError: too few are left.
    """
    kept = values.dropna(subset=[target] if missing == "mean" else None)
    lost = f"{len(values) - len(kept)} of {len(values)} rows are left out"
    gaps = values.isna().sum()
    listed = ", ".join(f"{count} in {name}" for name, count in gaps.items() if count)
    notes = [f"Missing values ({listed}): {lost}"] if listed else []
    if len(kept) < FEWEST_ROWS:
        raise ValueError(
            f"{path} has {len(kept)} rows of data, at least {FEWEST_ROWS} are needed"
            + (f"; {notes[0]}" if notes else "")
        )
    filled = "the others are filled by the mean, or the most frequent category."
    more = filled if missing == "mean" else "--missing mean fills them instead."
    return kept, [f"{note}; {more}" for note in notes]


def make_target(path: Path, values: pd.Series, texts: pd.Series) -> Target:
    """Classes or numbers.

    Text is taken as classes, and so are whole numbers, written without a decimal
    point, of at most 20 different values. All other numbers are predicted as such.

    Args:
        path: of the file, for messages.
        values: float64 or text.
        texts: how they are written in the file.

    Raises:
        ValueError: all are the same, or a class has only one row.
    """
    name, count = str(values.name), values.nunique()
    whole = values.dtype != object and texts.str.fullmatch(r"[+-]?\d+").all()
    if values.dtype != object and not (whole and count <= MOST_CLASSES):
        why = "numbers with a decimal point or comma"
        if whole:
            why = f"whole numbers of {count} values, more than {MOST_CLASSES}"
        if count == 1:
            raise ValueError(
                f"{path}: the target {name!r} is constant, {values.iloc[0]:g} in "
                f"every row; expected different values"
            )
        return Target(name, values.to_numpy(), [], why)
    classes, indices, counts = np.unique(
        values.astype(int) if whole else values, return_inverse=True, return_counts=True
    )
    if len(classes) == 1:
        raise ValueError(
            f"{path}: the target {name!r} has only one class, {str(classes[0])!r}; "
            f"expected at least two"
        )
    if counts.min() < 2:
        raise ValueError(
            f"{path}: class {str(classes[counts.argmin()])!r} of {name!r} has only one "
            f"row; each class needs two, one to learn from and one held out"
        )
    why = f"whole numbers of at most {MOST_CLASSES} values" if whole else "text"
    return Target(name, indices.astype(np.int64), [*map(str, classes)], why)
