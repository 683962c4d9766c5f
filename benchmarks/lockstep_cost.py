"""Measures the cost of lockstep training beside both loops alone, in time and memory.

python -m benchmarks.lockstep_cost [--lesson NAME] [--dtype float64] [--rounds 9]
python -m benchmarks.lockstep_cost --memory STEPS
"""

import argparse
import gc
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from compare import registry
from compare.backend import Backend
from compare.logger import RunLogger
from compare.pair import Pair

TURNS = 10
"""In so many parts a lesson is walked, each loop after the other: a busy machine is
busy for all."""
KIB = 1024


def main() -> None:
    """Say what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lesson", default="digits_mlp")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", type=int, metavar="STEPS")
    said = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        walk = Walk(said.lesson, Backend(dtype=said.dtype), Path(folder))
        if said.memory:
            print(grown(walk, said.memory))
        else:
            print(ratios(walk, said.rounds))


class Walk:
    """A lesson's first learner, to be trained by one side alone or by both.

    Args:
        lesson: its name.
        backend: arrays and dtype.
        folder: where runs are logged.
    """

    def __init__(self, lesson: str, backend: Backend, folder: Path) -> None:
        _, self.experiment = registry.load(lesson)
        self.lesson, self.backend, self.folder = lesson, backend, folder
        self.name = next(iter(self.experiment.learners))
        self.steps = self.experiment.steps

    def pair(self) -> Pair:
        """Both sides, before the first step."""
        return Pair(self.experiment, self.name, 0, self.backend, self.steps)

    def alone(self, library: str) -> Iterator[None]:
        """One side: draws its batches and learns from them, and does nothing else."""
        pair = self.pair()
        trial = pair.trials[library]
        while True:
            x, target = next(pair.batches)
            trial.learner.step(trial.give(x), trial.give(target))
            yield

    def logged(self) -> Iterator[None]:
        """Both sides in step, every step judged and logged."""
        pair = self.pair()
        with RunLogger.new(self.folder, self.lesson) as record:
            for step in pair.walk():
                worst = pair.lockstep.worst_free
                record.step(self.name, 0, "train", step, worst)
                yield


def ratios(walk: Walk, rounds: int) -> str:
    """Seconds of processor time a step, and lockstep's share of both loops' sum."""
    found = np.array([_round(walk) for _ in range(rounds)]) / walk.steps * 1e6
    ours, theirs, both = np.median(found, axis=0)
    ratio = found[:, 2] / found[:, :2].sum(axis=1)
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    return (
        f"{walk.lesson}, {walk.backend.dtype}, {walk.steps} steps, {rounds} rounds: "
        f"handmade {ours:.0f} µs, torch {theirs:.0f} µs, lockstep {both:.0f} µs a step"
        f"\nratio {middle:.2f} (quartiles {low:.2f} to {high:.2f})"
    )


def _round(walk: Walk) -> list[float]:
    """The seconds that each of the three loops needs for the whole lesson."""
    loops: list[Callable[[], Iterator[None]]] = [
        lambda: walk.alone("handmade"),
        lambda: walk.alone("torch_ref"),
        walk.logged,
    ]
    walks, seconds = [loop() for loop in loops], [0.0] * len(loops)
    turn = -(-walk.steps // TURNS)
    gc.collect()
    for _ in range(TURNS):
        for i, steps in enumerate(walks):
            began = process_time()
            deque(islice(steps, turn), 0)
            seconds[i] += process_time() - began
    return seconds


def grown(walk: Walk, steps: int) -> str:
    """How much larger the process gets between a tenth of the steps and all of them."""
    walk.steps = steps
    walked = walk.logged()
    deque(islice(walked, steps // 10), 0)
    before = _resident()
    deque(walked, 0)
    after = _resident()
    (curves,) = walk.folder.glob("*/*/curves.csv")
    with curves.open(encoding="utf-8") as lines:
        logged = sum(1 for _ in lines) - 1
    return (
        f"{walk.lesson}, {walk.backend.dtype}: {logged} of {steps} steps logged; "
        f"{before / KIB:.1f} MiB after {steps // 10} steps, {after / KIB:.1f} MiB "
        f"after all"
    )


def _resident() -> float:
    """The process's memory in KiB."""
    gc.collect()
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return float(words[words.index("VmRSS:") + 1])


if __name__ == "__main__":
    main()
