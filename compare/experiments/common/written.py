"""Written digits, and how to judge them: pixels, surprise, the nearest seen digit."""

from functools import lru_cache

import numpy as np

from compare.backend import to_numpy
from compare.experiment import Data
from compare.experiments.common import digits as _digits
from compare.results import Trial
from handmade.nn import GaussianKLLoss

WRITTEN = 500
"""How many digits are written to be judged."""
TAKES = 10
"""So many draws of each code are averaged where a bound is measured."""


def black_or_white(rng: object = None) -> Data:
    """The digits with every pixel black (1) or white (0); each is its own target."""
    digits = _digits.digits()
    x, x_test = (np.round(a) for a in (digits.x, digits.test_set[0]))
    return Data(x=x, target=x, x_test=x_test, target_test=x_test)


def chances(trial: Trial, z: np.ndarray) -> np.ndarray:
    """How likely each pixel is to be black, for these codes."""
    return to_numpy(trial.learner.decode(trial.give(z))).astype(float)


def written(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Digits of codes that are drawn from N(0, 1), and the chances of their pixels."""
    rng = np.random.default_rng(trial.seed)
    codes = trial.parameters["decoder.0.weight"].shape[1]
    chance = chances(trial, rng.normal(size=(WRITTEN, codes)))
    return np.asarray(rng.random(chance.shape) < chance, float), chance


def pixel_by_pixel() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of which every pixel is as often black as it is in seen digits."""
    chance = black_or_white().x.mean(axis=0)
    rng = np.random.default_rng(0)
    return np.asarray(rng.random((WRITTEN, 64)) < chance, float), chance


def surprise(x: np.ndarray, chance: np.ndarray) -> float:
    """−log p of a picture, in nats, on average; no pixel is surer than 999 to 1."""
    chance = np.clip(chance, 1e-3, 1 - 1e-3)
    each = np.where(x == 1, np.log(chance), np.log1p(-chance))
    return -float(each.sum(axis=-1).mean())


def bound(trial: Trial) -> float:
    """The negative ELBO of an unseen digit: what its code tells, and what that leaves.

    No −log p(x) is larger, whatever β the learner had.
    """
    x, rng = black_or_white().test_set[0], np.random.default_rng(trial.seed)
    code = to_numpy(trial.learner.encode(trial.give(x))).astype(float)
    mean, s = np.split(code, 2, axis=-1)
    left = [
        surprise(x, chances(trial, mean + np.exp(s / 2) * rng.normal(size=mean.shape)))
        for _ in range(TAKES)
    ]
    return float(np.mean(left) + GaussianKLLoss()(code, np.zeros_like(code)))


def differing(pictures: np.ndarray) -> np.ndarray:
    """In how many pixels each picture differs from each seen digit."""
    seen = black_or_white().x
    return pictures @ (1 - seen).T + (1 - pictures) @ seen.T


@lru_cache(maxsize=1)
def usual() -> int:
    """In so many pixels at most do 95 % of unseen digits differ from a seen one."""
    apart = differing(black_or_white().test_set[0]).min(axis=1)
    return int(np.quantile(apart, 0.95))


def digit_like(pictures: np.ndarray) -> float:
    """The share that is as near to a seen digit as unseen digits are."""
    return float(np.mean(differing(pictures).min(axis=1) <= usual()))
