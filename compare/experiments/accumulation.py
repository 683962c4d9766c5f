"""Gradient accumulation: micro-batches make one batch, if their means are weighted."""

from functools import lru_cache

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Experiment, Side, with_micro_batches
from compare.experiments.common import digits, figures, mlp, reporting, trained
from compare.experiments.common.libraries import give, untrained
from compare.tolerance import difference

BATCH, MICRO_BATCHES, SEEDS = 64, 5, 5
SMALLER = (32, 24, 16, 8, 4, 2, 1)
"""Sizes of the smaller one of two micro-batches that make a batch of 64."""
NET = mlp(64, 32, 10, activation="Tanh")
STILL = trained(NET, lr=0.0)
"""Its step changes nothing and leaves the gradient to be looked at."""


def gradient(library: str, seed: int, rows: slice) -> np.ndarray:
    """The gradient of the mean loss of these rows of a batch, as one vector."""
    learner, data = untrained(library, STILL, seed), digits.small()
    batch = np.random.default_rng(seed).permutation(len(data.x))[:BATCH][rows]
    learner.step(give(library, data.x[batch]), give(library, data.target[batch]))
    return np.concatenate([to_numpy(g).ravel() for g in learner.gradients().values()])


@lru_cache
def errors(library: str) -> dict[str, np.ndarray]:
    """The relative error of two ways to join two micro-batches (seeds, sizes)."""
    weighted, plain = np.zeros((2, SEEDS, len(SMALLER)))
    for seed in range(SEEDS):
        whole = gradient(library, seed, slice(BATCH))
        for i, n in enumerate(SMALLER):
            small = gradient(library, seed, slice(n))
            large = gradient(library, seed, slice(n, BATCH))
            summed = n * small + (BATCH - n) * large
            weighted[seed, i] = difference(summed / BATCH, whole).relative
            plain[seed, i] = difference((small + large) / 2, whole).relative
    return {"summed, divided once": weighted, "mean of the means": plain}


def trains_as_the_batch(side: Side) -> tuple[bool, str]:
    batch, parts = (np.array(side[n].losses) for n in ("batch", "accumulated"))
    found = np.abs(batch - parts).max()
    dtype = side["batch"].parameters["0.weight"].dtype.name
    tolerance = {"float64": 1e-12, "float32": 1e-4}[dtype]
    sizes = [len(a) for a in np.array_split(np.zeros(BATCH), MICRO_BATCHES)]
    return bool(found <= tolerance), (
        f"largest difference of the losses {found:.0e} (bound {tolerance:.0e}) in "
        f"{len(batch)} steps; micro-batches of {', '.join(map(str, sizes))}"
    )


def weighted_is_exact(side: Side) -> tuple[bool, str]:
    largest = errors(side.library)["summed, divided once"].max()
    return largest <= 1e-12, f"largest relative difference {largest:.0e}; {SEEDS} seeds"


def mean_of_means_is_not(side: Side) -> tuple[bool, str]:
    found = errors(side.library)["mean of the means"]
    words = [
        f"{BATCH - n} + {n}: {reporting.percent(e)}"
        for n, e in zip(SMALLER[1:], found[:, 1:].T, strict=True)
    ]
    return bool((found[:, 1:] > 0.01).all()), f"{'; '.join(words)}; {SEEDS} seeds"


def equal_means_are_exact(side: Side) -> tuple[bool, str]:
    largest = errors(side.library)["mean of the means"][:, 0].max()
    return largest <= 1e-12, f"largest relative difference {largest:.0e}; {SEEDS} seeds"


@figures.panels(
    (
        f"A batch of {BATCH} in two parts, {SEEDS} seeds",
        "examples in the smaller part",
        "relative error of the gradient",
    )
)
def draw(side: Side, ax: figures.Axes) -> None:
    for (name, found), style in zip(
        errors(side.library).items(), plots.CURVES, strict=False
    ):
        ax.plot(SMALLER, np.median(found, axis=0), marker="o", label=name, **style)
    ax.set_xscale("log", base=2)
    plots.log_scale(ax)
    figures.set_ticks(ax.xaxis, SMALLER)


EXPERIMENT = Experiment(
    title="Gradient accumulation: many micro-batches, one step",
    course=("D4", "A6"),
    teaches=("accumulation.AccumulatingLearner",),
    heading="Breiter Input / Batch",
    data=digits.draw,
    learners={
        "batch": trained(NET, lr=0.5),
        "accumulated": with_micro_batches(trained(NET, lr=0.5), MICRO_BATCHES),
    },
    steps=200,
    batch_size=BATCH,
    metrics={"accuracy": digits.accuracy},
    claims={
        "accumulated gradients train as the whole batch does": trains_as_the_batch,
        "summed and divided once, the gradient is that of the batch": weighted_is_exact,
        "the mean of unequal means is another gradient": mean_of_means_is_not,
        "the mean of equal means is right": equal_means_are_exact,
    },
    figures={"errors": draw},
    story="A batch that does not fit into memory is taken in parts: each backward pass "
    "adds to the gradient, and one update follows. The mean loss of a part must count "
    "by its number of examples. In a plain mean of the means a last, short part "
    "counts as much as a full one: its examples then weigh too much.",
)
