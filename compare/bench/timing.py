"""Rounds in which everyone has a turn, so that a busy machine is busy for all."""

import gc
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import numpy as np

Step = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)
Clock = Callable[[], float]
"""Gives seconds."""
WARM_UP = 5
"""So many steps are taken by each, twice, before anything is measured."""
PATIENCE = 0.05
"""Seconds after which a warm-up has enough steps, however few they are."""
TURN = 0.005
"""Seconds that a turn takes at least."""
MOST_STEPS = 2000
"""In one turn."""


def interleaved(
    steps: Mapping[Name, Step], rounds: int, clock: Clock = perf_counter
) -> dict[Name, np.ndarray]:
    """The seconds that one step takes, by name, in each of the rounds.

    In every round each one has a turn of several steps; who begins changes from round
    to round. The first step of a turn, whose data lie in no cache, is not counted.

    Args:
        steps: what is measured.
        rounds: how many, at least 1.
        clock: gives seconds.

    Raises:
        ValueError: there are no rounds, or nothing is to be measured.
    """
    if rounds < 1 or not steps:
        raise ValueError(f"bench: needs a step and a round, got {rounds} rounds")
    times: dict[Name, list[float]] = {name: [] for name in steps}
    names = list(steps)
    with _no_collection():
        counts = {name: _steps_in_a_turn(step, clock) for name, step in steps.items()}
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                steps[name]()
                times[name].append(_timed(steps[name], counts[name], clock))
    return {name: np.array(found) for name, found in times.items()}


def _steps_in_a_turn(step: Step, clock: Clock) -> int:
    """How many steps fill a turn; warms up on the way."""
    _warmed_up(step, clock)
    each = _warmed_up(step, clock)
    return int(np.clip(TURN / max(each, 1e-9), 1, MOST_STEPS))


def _warmed_up(step: Step, clock: Clock) -> float:
    """Seconds a step, over a few; a slow one needs no company."""
    began, passed, count = clock(), 0.0, 0
    while count < WARM_UP and passed <= PATIENCE:
        step()
        count += 1
        passed = clock() - began
    return passed / count


def _timed(step: Step, count: int, clock: Clock) -> float:
    """Seconds a step."""
    began = clock()
    for _ in range(count):
        step()
    return (clock() - began) / count


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from collecting garbage in the middle of somebody's turn."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
