"""Which rows and columns of a CSV file are learned from."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from compare.experiment import Data
from compare.suggest import suggest
from compare.tables.columns import DATES, Frame, convert, read, recognise
from compare.tables.task import Classification, Regression, standardizer

FEWEST_ROWS = 20
HELD_OUT = 0.2
"""The fraction of rows that is never trained on."""
MOST_CLASSES = 20
"""Whole numbers of more different values than this are not classes."""
MOST_CATEGORIES = 50
"""Text of more different values than this, or than half the rows, is not a category."""
INDEX = r"(?i).*id|.*index|(lfd\. ?)?(nr|no)\.?|row|#|unnamed: 0"
"""How a first column that only numbers the rows is named."""


@dataclass(frozen=True, kw_only=True)
class Encoded(Data):
    """Rows as a network takes them, and the encoder, fitted to the training part."""

    encoder: Any


class Table:
    """The inputs in a CSV file, and the task of predicting one of its columns.

    `notes` says in words how the file was read.
    """

    def __init__(
        self, path: Path, target: str, drop: Sequence[str], missing: str
    ) -> None:
        fields, separator, encoding = read(path)
        lists = ([text] if text in fields else text.split(",") for text in drop)
        dropped = [name.strip() for names in lists for name in names]
        _require_columns(path, fields, [target, *dropped])
        if target in dropped:
            raise ValueError(f"{target!r} is the target; it cannot be dropped")
        fields = fields.drop(columns=dropped)
        self.kinds = recognise(fields, separator)
        values = convert(path, fields, self.kinds)
        names = _input_names(path, values, target)
        rows, gaps = _known_rows(path, values[[*names, target]], target, missing)
        self.inputs = rows[names]
        self.task = _task(path, rows[target], fields.loc[rows.index, target])
        kinds = [(name, self.kinds[name]) for name in names]
        self.categories = {n: [*kind] for n, kind in kinds if isinstance(kind, tuple)}
        listed = {
            "Numbers with a decimal comma": [n for n, kind in kinds if kind == ","],
            "Dates, counted in days": [n for n, kind in kinds if kind in DATES],
            "Categories, one-hot": [*self.categories],
            "Left out as empty or an index": [*fields.columns.difference(rows.columns)],
        }
        self.notes = [
            f"The file is {encoding}, its columns separated by {separator!r}."
        ]
        self.notes += [f"{what}: {_listed(n)}." for what, n in listed.items() if n]
        self.notes += gaps

    @property
    def width(self) -> int:
        """How many inputs the network has."""
        return self._encoder().fit_transform(self.inputs).shape[1]

    @property
    def held_out(self) -> int:
        """How many rows are never trained on: at least one of each class."""
        return max(int(np.ceil(HELD_OUT * len(self.inputs))), self.task.outputs)

    def draw(self, rng: np.random.Generator) -> Encoded:
        """Split at random, each class by its frequency; encode by the training part."""
        target = self.task.target
        split: Any = train_test_split(
            self.inputs,
            target,
            test_size=self.held_out,
            random_state=int(rng.integers(2**31)),
            stratify=target if target.ndim == 1 else None,
        )
        train, test, y, y_test = split
        encoder = self._encoder().fit(train)
        x = {"x": encoder.transform(train), "x_test": encoder.transform(test)}
        return Encoded(**x, target=y, target_test=y_test, encoder=encoder)

    def _encoder(self) -> Any:
        """Numbers standardised, text one-hot, missing values filled."""
        categories: Any = [*self.categories.values()]
        one_hot = OneHotEncoder(
            categories=categories, drop="if_binary", sparse_output=False
        )
        text = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot)
        number = make_pipeline(SimpleImputer(keep_empty_features=True), standardizer())
        names = [name for name in self.inputs if name not in self.categories]
        return make_column_transformer((text, [*self.categories]), (number, names))

    def read_inputs(self, path: Path) -> tuple[Frame, Frame]:
        """Other rows with the same inputs: their fields as text, and the inputs."""
        fields, *_ = read(path)
        _require_columns(path, fields, self.inputs)
        return fields, convert(path, fields[[*self.inputs]], self.kinds)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _require_columns(path: Path, fields: Frame, names: Iterable[str]) -> None:
    for name in names:
        if name not in fields:
            near = suggest(name, fields, most=3)
            hint = "did you mean" if near else "its first line names"
            listed = _listed(near or fields)
            raise ValueError(f"{path} has no column {name!r}; {hint} {listed}")


def _input_names(path: Path, values: Frame, target: str) -> list[str]:
    """All columns but the target, empty ones, and a first one that numbers the rows."""
    first, numbers = values.columns[0], np.arange(len(values))
    counts = any((values[first] == numbers + start).all() for start in (0, 1))
    index = {first} if counts and re.fullmatch(INDEX, first) else set()
    inputs = values.drop(columns=[*{target} | index]).dropna(axis="columns", how="all")
    if inputs.empty:
        raise ValueError(f"{path} has no column but the target {target!r}")
    texts = inputs.select_dtypes(object)
    most = np.minimum(MOST_CATEGORIES, texts.count() / 2)
    if len(many := texts.columns[texts.nunique() > most]):
        raise ValueError(
            f"{path}: inputs must be numbers, dates or categories, got text of many "
            f"different values; leave it out by --drop {','.join(many)}"
        )
    return [*inputs]


def _known_rows(
    path: Path, values: Frame, target: str, missing: str
) -> tuple[Frame, list[str]]:
    """Leave out rows with missing values or, for "mean", those without a target."""
    kept = values.dropna(subset=[target] if missing == "mean" else None)
    gaps = values.isna().sum()
    listed = ", ".join(f"{gaps[name]} in {name!r}" for name in values if gaps[name])
    hint = "--missing mean fills the inputs instead"
    if missing == "mean":
        hint = "inputs are filled by the mean, or by the most frequent category"
    lost = f"{len(values) - len(kept)} of {len(values)} rows are left out"
    notes = [f"Missing values: {listed}; {lost}; {hint}."] if listed else []
    if len(kept) < FEWEST_ROWS:
        few = f"{path} has {len(kept)} rows of data, expected at least {FEWEST_ROWS}"
        raise ValueError(". ".join([few, *notes]))
    return kept, notes


def _task(path: Path, values: Any, texts: Any) -> Classification | Regression:
    """Text is taken as classes, and so are few whole numbers without a point."""
    counts = values.value_counts()
    if len(counts) == 1:
        raise ValueError(
            f"{path}: the target {values.name!r} is {texts.iloc[0]!r} in every row; "
            f"expected different values"
        )
    if len(counts) <= MOST_CLASSES and texts.str.fullmatch(r"[+-]?\d+").all():
        values = values.astype(int)
    if values.dtype == float:
        return Regression(values)
    if counts.min() < 2:
        rare = texts[values.drop_duplicates(keep=False).index[0]]
        raise ValueError(
            f"{path}: class {rare!r} of {values.name!r} has only one row; each class "
            f"needs two, one to learn from and one held out"
        )
    return Classification(values)
