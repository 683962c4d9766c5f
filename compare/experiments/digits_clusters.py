"""Clustering: ten centres among the digits, found without a single label."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans

from compare.experiment import Experiment, Side
from compare.experiments.common import digits, figures, reporting
from handmade import metrics


def start() -> np.ndarray:
    """Ten means of ten digits each: from single digits six others have ties."""
    return digits.small().x[:100].reshape(10, 10, -1).mean(axis=1)


def purities(side: Side, name: str) -> np.ndarray:
    """The fraction of digits that are the most frequent one of their cluster."""
    trials = side.named(name)
    return np.array(
        [metrics.purity(t.predict(t.data.x), t.data.target) for t in trials]
    )


def tolerance(side: Side) -> float:
    """The relative difference that rounding explains."""
    return 16 * float(np.finfo(side.only.parameters["centres"].dtype).eps)


def as_sklearn(side: Side) -> tuple[bool, str]:
    trial, steps = side["from_means"], len(side["from_means"].losses)
    options: Any = {"init": start(), "n_init": 1, "max_iter": steps, "tol": 0}
    x, centres = trial.data.x, trial.parameters["centres"]
    ours = float(np.mean(np.sum((x - centres[trial.predict(x)]) ** 2, axis=1)))
    reference: Any = SklearnKMeans(10, **options).fit(x)
    theirs = float(reference.inertia_ / len(x))
    found = abs(ours - theirs) / theirs
    words = f"{ours:.6f} and {theirs:.6f}, relative difference {found:.1e}"
    return found <= tolerance(side), f"{words} after {steps} steps"


def never_rises(side: Side) -> tuple[bool, str]:
    rises = [np.max(np.diff(t.losses), initial=0) / t.losses[0] for t in side.trials]
    steps = sum(len(t.losses) - 1 for t in side.trials)
    words = f"largest growth {max(rises):.1e} in {steps} steps; "
    return bool(max(rises) <= tolerance(side)), words + reporting.seeds(side.trials)


def pure(side: Side) -> tuple[bool, str]:
    """Guessing would be right in a tenth."""
    found, budget = purities(side, "ten"), reporting.budget(side.named("ten"))
    return min(found) > 0.65, f"{reporting.percent(found)}; {budget}"


def purer_by_twenty(side: Side) -> tuple[bool, str]:
    ten, twenty = purities(side, "ten"), purities(side, "twenty")
    words = f"{reporting.percent(ten)} → {reporting.percent(twenty)}"
    return bool((twenty > ten).all()), f"{words}; {reporting.seeds(side.trials)}"


def draw(name: str, side: Side) -> figures.Figure:
    """The centres, sorted by the digit that each mostly stands for."""
    trial = side[name]
    centres, clusters = trial.parameters["centres"], trial.predict(trial.data.x)
    counts = metrics.confusion_matrix(trial.data.target, clusters, len(centres))[:, :10]
    order = np.argsort(counts.argmax(axis=1), kind="stable")
    fractions = counts.max(axis=1) / counts.sum(axis=1)
    names = [f"{counts[j].argmax()} ({fractions[j]:.0%})" for j in order]
    title = f"{len(centres)} centres, each with its most frequent digit and its share"
    return figures.gallery(centres[order], names, title)


EXPERIMENT = Experiment(
    title="Clustering: k-means on the digits, without labels",
    course=("F6",),
    teaches=("cluster.KMeans",),
    heading="(Un/Semi-)Supervised",
    data=digits.draw,
    learners={
        "ten": lambda library: library.cluster.KMeans(10, 64),
        "twenty": lambda library: library.cluster.KMeans(20, 64),
        "from_means": lambda library: library.cluster.KMeans(10, 64, centres=start()),
    },
    steps=20,
    seeds=5,
    claims={
        "the error is scikit-learn's from the same start": as_sklearn,
        "the error never rises": never_rises,
        "ten centres are at least 65 % pure": pure,
        "twenty centres are purer than ten": purer_by_twenty,
    },
    figures={name: partial(draw, name) for name in ("ten", "twenty")},
    story="Nobody says which picture shows which digit; the labels are only looked at "
    "afterwards, to see what the clusters are. Every centre moves to the mean of the "
    "pictures that are nearest to it: that is the gradient of the mean squared distance"
    " divided by its second derivative, the Newton step, so no learning rate is needed."
    " Digits that are written in two ways, the 1 above all, want two centres.",
)
