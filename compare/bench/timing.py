"""Interleaved rounds: each step has a turn in every round, so all share a busy time."""

import gc
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch

Step = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)
Clock = Callable[[], float]
"""Returns seconds."""
# Each step is warmed up twice, until so many steps or seconds have passed.
WARM_UP_STEPS, WARM_UP_SECONDS = 5, 0.05
# A turn takes at least so long, in at most so many steps.
TURN_SECONDS, MAX_TURN_STEPS = 0.005, 2000


def interleaved(
    steps: Mapping[Name, Step], rounds: int, clock: Clock = perf_counter
) -> dict[Name, np.ndarray]:
    """Seconds per step, by name, one number for each round.

    In every round each step has a turn of several repetitions; the order rotates. The
    first repetition of a turn, with cold caches, does not count.

    Raises:
        ValueError: there is no round or no step.
    """
    if rounds < 1 or not steps:
        raise ValueError(f"timing needs a step and a round, got {rounds} rounds")
    seconds: dict[Name, list[float]] = {name: [] for name in steps}
    names = list(steps)
    with _without_garbage_collection():
        counts = {name: _steps_per_turn(step, clock) for name, step in steps.items()}
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                steps[name]()
                start = clock()
                for _ in range(counts[name]):
                    steps[name]()
                seconds[name].append((clock() - start) / counts[name])
    return {name: np.array(found) for name, found in seconds.items()}


def _steps_per_turn(step: Step, clock: Clock) -> int:
    """Warm up twice; the second time tells how many steps fill a turn."""
    each = 0.0
    for _ in range(2):
        start, passed, count = clock(), 0.0, 0
        while count < WARM_UP_STEPS and passed <= WARM_UP_SECONDS:
            step()
            count += 1
            passed = clock() - start
        each = passed / count
    return int(np.clip(TURN_SECONDS / max(each, 1e-9), 1, MAX_TURN_STEPS))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def cuda_clock() -> Clock:
    """A clock of the CUDA device, which starts at 0.

    Each reading waits until the device has finished its work and uses the time of an
    event, so the host's own time does not count. The time between two events is a
    float32, so it is summed from reading to reading.
    """

    def record() -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def now() -> float:
        nonlocal last, passed
        event = record()
        event.synchronize()
        passed += last.elapsed_time(event) / 1e3
        last = event
        return passed

    last, passed = record(), 0.0
    return now
