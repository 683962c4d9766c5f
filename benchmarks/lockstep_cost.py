"""Measures what lockstep training costs beside both loops alone, in time and memory.

python -m benchmarks.lockstep_cost [--lesson NAME] [--dtype float64] [--rounds 9]
                                   [--check-every 32] [--memory STEPS]
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
from compare.run_config import RunConfig
from compare.trial_run import TrialRun

TURNS = 10
"""A lesson is trained in this many parts, the loops in turn: load hits all of them."""
KIB = 1024


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lesson", default="digits_mlp")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--check-every", type=int, default=RunConfig.check_every)
    parser.add_argument("--memory", type=int, metavar="STEPS")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            Backend(dtype=asked.dtype),
            logdir=Path(folder),
            check_every=asked.check_every,
        )
        loops = Loops(asked.lesson, config)
        if asked.memory:
            print(growth(loops, asked.memory))
        else:
            print(ratios(loops, asked.rounds))


class Loops:
    """A lesson's first learner, trained by one side alone or by both.

    Args:
        lesson: its name.
        config: backend, check interval and log folder.
    """

    def __init__(self, lesson: str, config: RunConfig) -> None:
        _, self.experiment = registry.load(lesson)
        self.lesson, self.config = lesson, config
        self.name = next(iter(self.experiment.learners))
        self.steps = self.experiment.steps

    def trial(self) -> TrialRun:
        """Both sides, before the first step."""
        return TrialRun(self.experiment, self.name, 0, self.config, self.steps)

    def alone(self, library: str) -> Iterator[None]:
        """One side: draws its batches and trains on them, and does nothing else."""
        trial = self.trial()
        side = trial.sides[library]
        while True:
            x, target = next(trial.loader)
            side.learner.step(side.give(x), side.give(target))
            yield

    def lockstep(self) -> Iterator[None]:
        """Both sides in lockstep, every step compared and logged."""
        trial = self.trial()
        with RunLogger.new(self.config.logdir, self.lesson) as logger:
            for step in trial.train():
                logger.log(step, "train", self.name, 0)
                yield


def ratios(loops: Loops, rounds: int) -> str:
    """CPU time of a step, and that of lockstep relative to both loops together."""
    found = np.array([_round(loops) for _ in range(rounds)]) / loops.steps * 1e6
    ours, theirs, both = np.median(found, axis=0)
    ratio = found[:, 2] / found[:, :2].sum(axis=1)
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    config = loops.config
    return (
        f"{loops.lesson}, {config.backend.dtype}, check every {config.check_every}, "
        f"{loops.steps} steps, {rounds} rounds: "
        f"handmade {ours:.0f} µs, torch {theirs:.0f} µs, lockstep {both:.0f} µs a step"
        f"\nratio {middle:.2f} (quartiles {low:.2f} to {high:.2f})"
    )


def _round(loops: Loops) -> list[float]:
    """The CPU seconds of each of the three loops for the whole lesson."""
    kinds: list[Callable[[], Iterator[None]]] = [
        lambda: loops.alone("handmade"),
        lambda: loops.alone("torch_ref"),
        loops.lockstep,
    ]
    running, seconds = [kind() for kind in kinds], [0.0] * len(kinds)
    turn = -(-loops.steps // TURNS)
    gc.collect()
    for _ in range(TURNS):
        for i, steps in enumerate(running):
            began = process_time()
            deque(islice(steps, turn), 0)
            seconds[i] += process_time() - began
    return seconds


def growth(loops: Loops, steps: int) -> str:
    """Memory of the process after a tenth of the steps and after all of them."""
    loops.steps = steps
    running = loops.lockstep()
    deque(islice(running, steps // 10), 0)
    before = _resident()
    deque(running, 0)
    after = _resident()
    (curves,) = loops.config.logdir.glob("*/*/curves.csv")
    with curves.open(encoding="utf-8") as lines:
        logged = sum(1 for _ in lines) - 1
    return (
        f"{loops.lesson}, {loops.config.backend.dtype}: {logged} of {steps} steps "
        f"logged; {before / KIB:.1f} MiB after {steps // 10} steps, "
        f"{after / KIB:.1f} MiB after all"
    )


def _resident() -> float:
    """The memory of this process in KiB."""
    gc.collect()
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return float(words[words.index("VmRSS:") + 1])


if __name__ == "__main__":
    main()
