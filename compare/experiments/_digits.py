"""What the digit lessons share: real handwriting, 8 × 8 pixels, from scikit-learn."""

from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from compare.experiment import Claim, Data
from compare.trained import Side
from handmade import metrics as handmade_metrics


@lru_cache(maxsize=1)
def digits(rng: object = None) -> Data:
    """1797 digits, pixels scaled to [0, 1]: 1437 to learn from, 360 to be tested on.

    The split is the same in every run and keeps the shares of the ten digits.
    """
    bunch: Any = load_digits()
    split: Any = train_test_split(
        bunch.data / 16,
        bunch.target,
        test_size=360,
        random_state=0,
        stratify=bunch.target,
    )
    x, x_test, target, target_test = split
    return Data(x=x, target=target, x_test=x_test, target_test=target_test)


def accuracy(metrics: Any, output: Any, target: Any) -> float:
    """The share of digits that are read right."""
    return metrics.accuracy(metrics.argmax(output), target)


def at_least(share: float) -> Claim:
    """The claim that so many digits of the test set are read right."""

    def claim(side: Side) -> tuple[bool, str]:
        found = side.only.metrics["accuracy/test"]
        return found >= share, f"{found:.2%} of 360"

    return claim


def confusion(side: Side) -> np.ndarray:
    """How often each digit of the test set was taken for each."""
    x, target = digits().test_set
    answer = np.argmax(side.only.predict(x), axis=-1)
    return handmade_metrics.confusion_matrix(answer, target, 10)
