"""Which arrays `--array auto` takes: by how much a lesson multiplies at a time."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

import handmade
from compare.experiment import Data, Experiment
from compare.trainer import RunConfig

TORCH_FROM = 50_000_000
"""Multiply-adds of a matrix product from which torch arrays are taken.

A call costs NumPy less than half of what it costs torch, so NumPy leads while calls
rule; once products do, that lead is gone. Measured on 2026-11-28 on an Intel Xeon (AMX,
two processors) with NumPy 2.4.6 and torch 2.13.0 by `python -m compare bench --scaling
--dtype …`: torch arrays first kept up with NumPy at 21 million (width) and 83 million
(batch) in float32, at 12 million (batch) or not at all (width) in float64, in deep thin
nets never, and led by little. So NumPy gets the doubtful cases. Another processor may
have another crossing; the same command shows it.
"""
NAMES = {"numpy": "NumPy", "torch": "torch"}
"""For people."""


class Chosen(NamedTuple):
    """What `auto` came to.

    Args:
        array: "numpy" or "torch".
        why: in words.
    """

    array: str
    why: str


def chosen(
    experiment: Experiment, seed: int = 0, *, device: str = "cpu", traced: bool = False
) -> Chosen:
    """The arrays for the hand-written side of a lesson.

    Args:
        experiment: the lesson, on its data.
        seed: of the run, from which data are drawn.
        device: "cpu" or "cuda".
        traced: whether the step is compiled, or recorded as a graph.
    """
    if device == "cuda":
        return Chosen("torch", "torch: NumPy arrays do not live on cuda")
    if traced:
        return Chosen("torch", "torch: NumPy arrays have no compiler")
    amount = mean_product(experiment, seed)
    array = "torch" if amount >= TORCH_FROM else "numpy"
    return Chosen(
        array,
        f"{NAMES[array]}, for about {_words(amount)} multiply-adds a matrix product "
        f"(torch from {_words(TORCH_FROM)} on)",
    )


def settled(experiment: Experiment, settings: RunConfig) -> tuple[RunConfig, str]:
    """The settings with the arrays that suit a lesson, and why it was these."""
    backend = settings.backend
    traced = backend.compile or backend.graph
    try:
        lesson = experiment.on(settings.data)
        found = chosen(lesson, settings.seed, device=backend.device, traced=traced)
    except Exception:  # of the lesson's own; where its run meets it, it is said
        found = Chosen("numpy", "NumPy: the lesson could not be looked at before")
    took = replace(settings, backend=replace(backend, array=found.array))
    return took, found.why


def mean_product(experiment: Experiment, seed: int = 0) -> float:
    """Multiply-adds of a matrix product, on average over all learners; an upper bound.

    Each of the examples in a batch meets each number of each weight once and, if the
    weight is a kernel, at each place of the picture: strides and pooling are ignored.
    A learner whose parameters are no matrices has vectors of its own: one product each.
    """
    found: list[float] = []
    drawn: dict[int, Data] = {}  # learners often share what draws them
    for name, make in experiment.learners.items():
        draw = experiment.data_of(name)
        if id(draw) not in drawn:
            drawn[id(draw)] = draw(np.random.default_rng([seed, 1]))
        data = drawn[id(draw)]
        examples = experiment.batch_size or len(data.x)
        handmade.manual_seed(seed)
        arrays = make(handmade).parameters().values()
        found += [examples * _uses(array, data) for array in arrays if array.ndim >= 2]
    return float(np.mean(found)) if found else 0.0


def _uses(weight: Any, data: Data) -> int:
    """How many multiplications each example takes with a weight."""
    places = data.x.shape[2:] if weight.ndim > 2 else ()
    return int(np.size(weight) * np.prod(places, dtype=int))


def _words(amount: float) -> str:
    """A number in words that can be read: 3 thousand, 50 million."""
    for size, word in ((1e6, " million"), (1e3, " thousand")):
        if amount >= size:
            return f"{amount / size:.3g}{word}"
    return f"{amount:.0f}"
