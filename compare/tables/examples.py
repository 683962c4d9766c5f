"""The examples of a table: encoded, standardised, split at random."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from compare.experiment import Data
from compare.tables.selection import Target

HELD_OUT = 0.2
"""The fraction of rows that is never trained on."""


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
        return len(self._encoder().fit(self.inputs).get_feature_names_out())

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
        encoder: Any = self._encoder().fit(train)
        x, x_test = encoder.transform(train), encoder.transform(test)
        return Data(x=x, target=target, x_test=x_test, target_test=target_test)

    def _encoder(self) -> ColumnTransformer:
        """Numbers standardised, text one-hot, missing values filled."""
        texts = self.inputs.select_dtypes(object)
        categories: Any = [np.unique(texts[name].dropna()) for name in texts]
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
