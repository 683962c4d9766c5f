"""What the digit lessons share: real handwriting, and what to ask of a reader of it."""

import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split

from compare.backend import to_numpy
from compare.experiment import Claim, Data
from compare.results import Side, Trial
from handmade import metrics as handmade_metrics
from handmade.nn import CrossEntropyLoss


@dataclass(frozen=True)
class Pictures:
    """Handwritten digits.

    Args:
        data: pixels in [0, 1], one row a picture, and the digits.
        side: how many pixels a picture is wide and high.
    """

    data: Data
    side: int

    @property
    def pixels(self) -> int:
        """How many pixels a picture has."""
        return self.side**2

    def draw(self, rng: object = None) -> Data:
        """The same digits in every run."""
        return self.data

    def first(self, count: int) -> Data:
        """Only the first `count` to learn from, of each digit about as many."""
        chosen = _alike(self.data.target, count)
        return Data(
            x=self.data.x[chosen],
            target=self.data.target[chosen],
            x_test=self.data.x_test,
            target_test=self.data.target_test,
        )


@lru_cache(maxsize=1)
def small() -> Pictures:
    """1797 digits of 8 × 8 pixels: 1437 to learn from, 360 to be tested on.

    The split is the same in every run and keeps the shares of the ten digits.
    """
    bunch: Any = load_digits()
    return Pictures(_split(bunch.data / 16, bunch.target, 360), 8)


@lru_cache(maxsize=1)
def mnist() -> Pictures:
    """MNIST, 28 × 28 pixels: the 60,000 digits to learn from, 10,000 to be tested on.

    Raises:
        ValueError: they are not on this machine and cannot be fetched.
    """
    print("fetching MNIST …", file=sys.stderr, flush=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of every try that fails
            bunch: Any = fetch_openml(
                "mnist_784", version=1, as_frame=False, parser="liac-arff"
            )
    except Exception as error:
        raise ValueError(
            f"MNIST is not on this machine and could not be fetched "
            f"({type(error).__name__}: {error}); without --data the lesson runs on the "
            f"digits that come with scikit-learn"
        ) from None
    x, target = bunch.data / 255, bunch.target.astype(int)
    cut = 60_000
    data = Data(
        x=x[:cut], target=target[:cut], x_test=x[cut:], target_test=target[cut:]
    )
    return Pictures(data, 28)


def digits(rng: object = None) -> Data:
    """The small digits."""
    return small().data


def accuracy(metrics: Any, output: Any, target: Any) -> float:
    """The share of digits that are read right."""
    return metrics.accuracy(metrics.argmax(output), target)


def cross_entropy(metrics: Any, output: Any, target: Any) -> float:
    """The mean surprise at the right digits."""
    logits = to_numpy(output).astype(float)
    return float(CrossEntropyLoss()(logits, to_numpy(target)))


def each(side: Side, name: str, metric: str) -> list[float]:
    """A metric's last value from every seed of the learner `name`."""
    return [trial.metrics[metric] for trial in side.named(name)]


def mean(side: Side, name: str, metric: str) -> float:
    """The same on average."""
    return float(np.mean(each(side, name, metric)))


def read_right(target: np.ndarray, output: np.ndarray) -> float:
    """The share of digits that an output (n, 10) reads right."""
    return float(np.mean(np.argmax(output, axis=-1) == target))


def read_right_by(trial: Trial) -> float:
    """The share of the test set that a trial reads right, if it kept no metric."""
    x, target = trial.data.test_set
    return read_right(target, trial.predict(x))


def at_least(share: float) -> Claim:
    """The claim that so many digits of the test set are read right."""

    def claim(side: Side) -> tuple[bool, str]:
        found = side.only.metrics["accuracy/test"]
        return found >= share, f"{found:.2%} of {len(side.only.data.test_set[1])}"

    return claim


def confusion(trial: Trial) -> np.ndarray:
    """How often each digit of the test set was taken for each."""
    x, target = trial.data.test_set
    answer = np.argmax(trial.predict(x), axis=-1)
    return handmade_metrics.confusion_matrix(answer, target, 10)


def _split(x: np.ndarray, target: np.ndarray, test_size: int) -> Data:
    split: Any = train_test_split(
        x, target, test_size=test_size, random_state=0, stratify=target
    )
    x, x_test, target, target_test = split
    return Data(x=x, target=target, x_test=x_test, target_test=target_test)


def _alike(target: np.ndarray, count: int) -> np.ndarray:
    """The indices of `count` examples: the first of each digit, then the second, …."""
    rank = np.zeros(len(target), int)
    for digit in np.unique(target):
        rank[target == digit] = np.arange(np.sum(target == digit))
    return np.sort(np.argsort(rank, kind="stable")[:count])
