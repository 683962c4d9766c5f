"""Rounds in which everyone has a turn, so that a busy machine is busy for all."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

import numpy as np

Step = Callable[[], object]
WARM_UP = 5
"""So many steps are taken by each before anything is measured."""
TURN = 0.005
"""Seconds that a turn takes at least."""
MOST_STEPS = 2000
"""In one turn."""


def interleaved(
    steps: Mapping[str, Step], rounds: int, clock: Callable[[], float] = perf_counter
) -> dict[str, np.ndarray]:
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
    times: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    with _no_collection():
        counts = {name: _steps_in_a_turn(step, clock) for name, step in steps.items()}
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                steps[name]()
                times[name].append(_timed(steps[name], counts[name], clock))
    return {name: np.array(found) for name, found in times.items()}


def _steps_in_a_turn(step: Step, clock: Callable[[], float]) -> int:
    """How many steps fill a turn; warms up on the way."""
    _timed(step, WARM_UP, clock)
    each = _timed(step, WARM_UP, clock)
    return int(np.clip(TURN / max(each, 1e-9), 1, MOST_STEPS))


def _timed(step: Step, count: int, clock: Callable[[], float]) -> float:
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
