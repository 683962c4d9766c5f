"""Clustering: ten centres among the digits, found without a single label."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.cluster import KMeans as SklearnKMeans

from compare import plots
from compare.experiment import Experiment, MakeLearner
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.results import Side, Trial
from handmade import metrics

STEPS = 20


def start() -> np.ndarray:
    """Ten means of ten digits each.

    No digits themselves: six others would be equally far from two of them, and
    scikit-learn lets rounding decide where we take the first centre.
    """
    return _digits.digits().x[:100].reshape(10, 10, -1).mean(axis=1)


def learner(k: int) -> MakeLearner:
    """So many centres, chosen by k-means++ in the first step."""
    return lambda library: library.cluster.KMeans(k, 64)


def from_means(library: Any) -> Any:
    """Ten centres where scikit-learn's start, too."""
    return library.cluster.KMeans(10, 64, centres=start())


def purity(trial: Trial) -> float:
    """The share of digits that are the most frequent one of their cluster."""
    return metrics.purity(trial.predict(trial.data.x), trial.data.target)


def error(trial: Trial) -> float:
    """The mean squared distance from the nearest centre."""
    x = trial.data.x
    nearest = trial.parameters["centres"][trial.predict(x)]
    return float(np.mean(np.sum((x - nearest) ** 2, axis=1)))


def as_sklearn(side: Side) -> tuple[bool, str]:
    """Scikit-learn comes from the same start to the same error."""
    trial = side["from_means"]
    centres, x = trial.parameters["centres"], trial.data.x
    make: Any = SklearnKMeans  # its types know neither arrays nor numbers
    judge = make(10, init=start(), n_init=1, max_iter=len(trial.losses), tol=0)
    ours, theirs = error(trial), float(judge.fit(x).inertia_ / len(x))
    gap = abs(ours - theirs) / theirs
    bound = 16 * float(np.finfo(centres.dtype).eps)
    words = f"{ours:.6f} and {theirs:.6f}, relative difference {gap:.1e}"
    return gap <= bound, f"{words} after {len(trial.losses)} steps"


def never_rises(side: Side) -> tuple[bool, str]:
    """No Lloyd step makes the error larger."""
    rises = [np.max(np.diff(t.losses), initial=0) / t.losses[0] for t in side.trials]
    eps = float(np.finfo(side.only.parameters["centres"].dtype).eps)
    steps = sum(len(t.losses) - 1 for t in side.trials)
    return bool(max(rises) <= 16 * eps), (
        f"largest growth {max(rises):.1e} in {steps} steps; {_words.seeds(side.trials)}"
    )


def pure(side: Side) -> tuple[bool, str]:
    """Ten centres tell most digits apart; guessing would be right in a tenth."""
    found = [purity(trial) for trial in side.named("ten")]
    budget = _words.budget(side.named("ten"))
    return min(found) > 0.65, f"{_words.percent(found)}; {budget}"


def purer_by_twenty(side: Side) -> tuple[bool, str]:
    """A digit that is written in two ways needs two centres."""
    ten, twenty = ([purity(t) for t in side.named(name)] for name in ("ten", "twenty"))
    words = f"{_words.percent(ten)} → {_words.percent(twenty)}"
    holds = all(b > a for a, b in zip(ten, twenty, strict=True))
    return holds, f"{words}; {_words.seeds(side.named('ten'))}"


def draw(name: str) -> Any:
    """The centres, sorted by the digit that each mostly stands for."""

    def centres(side: Side) -> Figure:
        trial = side[name]
        clusters, target = trial.predict(trial.data.x), trial.data.target
        k = len(trial.parameters["centres"])
        counts = np.zeros((k, 10), int)
        np.add.at(counts, (clusters, target), 1)
        order = np.argsort(counts.argmax(axis=1), kind="stable")
        shares = counts.max(axis=1) / counts.sum(axis=1)
        names = [f"{counts[j].argmax()} ({shares[j]:.0%})" for j in order]
        title = f"{k} centres found without labels: mostly which digit"
        return plots.gallery(trial.parameters["centres"][order], names, title)

    return centres


EXPERIMENT = Experiment(
    title="Clustering: k-means on the digits, without labels",
    course=("F6",),
    heading="(Un/Semi-)Supervised",
    data=_digits.digits,
    learners={
        "ten": learner(10),
        "twenty": learner(20),
        "from_means": from_means,
    },
    steps=STEPS,
    seeds=5,
    claims={
        "the error is scikit-learn's from the same start": as_sklearn,
        "the error never rises": never_rises,
        "ten centres are at least 65 % pure": pure,
        "twenty centres are purer than ten": purer_by_twenty,
    },
    figures={"ten": draw("ten"), "twenty": draw("twenty")},
    story="Nobody says which picture shows which digit; the labels are only looked at "
    "afterwards, to see what the clusters are. Every centre moves to the mean of the "
    "pictures that are nearest to it: that is the gradient of the mean squared distance"
    " divided by its second derivative, the Newton step, so no learning rate is needed."
    " Digits that are written in two ways, the 1 above all, want two centres.",
)
