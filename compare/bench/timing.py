"""How steps are timed: the conditions, and interleaved rounds."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter, process_time
from timeit import Timer
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from compare.backend import Backend, tf32

Step = Callable[[], object]
Clock = Callable[[], float]  # returns seconds
CLOCKS = {"wall": perf_counter, "cpu": process_time}
WARM_UP_STEPS = 3
# A turn takes at least so long, in at most so many steps.
TURN_SECONDS, MAX_TURN_STEPS = 0.005, 2000


@dataclass(frozen=True)
class Options:
    """The conditions of a measurement; ValueError if one cannot be met."""

    threads: int = 1
    dtype: str = "float32"
    rounds: int = 25
    clock: str = "wall"  # "cpu": this process's CPU time; on CUDA its own events count
    device: str = "cpu"
    tf32: bool = False  # whether CUDA may round the factors of float32 products

    def __post_init__(self) -> None:
        for name in ("threads", "rounds"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        Backend("torch", self.device, self.dtype, tf32=self.tf32)  # checks these three
        if self.clock not in CLOCKS:
            raise ValueError(f"clock must be {' or '.join(CLOCKS)}, got {self.clock!r}")
        if self.clock == "cpu" and (self.threads > 1 or self.device == "cuda"):
            raise ValueError(
                "clock cpu adds up all threads and sees no device; it needs threads 1 "
                f"and device cpu, got {self.threads} and {self.device}"
            )

    def __str__(self) -> str:
        words = f"threads {self.threads}, dtype {self.dtype}, rounds {self.rounds}"
        if self.device == "cpu":
            return f"{words}, clock {self.clock}"
        return (
            f"{words}, clock events, device cuda, tf32 {'on' if self.tf32 else 'off'}"
        )

    def start_clock(self) -> Clock:
        """A clock that runs from now on."""
        return cuda_clock() if self.device == "cuda" else CLOCKS[self.clock]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Limit every library to the threads, and set TF32 on CUDA."""
        if self.threads == 1:  # JAX reads this before it computes
            os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        precision = tf32(self.tf32) if self.device == "cuda" else nullcontext()
        try:
            with threadpool_limits(self.threads), precision:
                yield
        finally:
            torch.set_num_threads(before)


def interleaved(
    steps: Mapping[Any, Step], rounds: int, clock: Clock = perf_counter
) -> dict[Any, np.ndarray]:
    """Seconds per step, by name, one number for each round.

    In every round each step has a turn of several repetitions; the order rotates. One
    more before it, with cold caches, does not count.
    """
    timers = {name: Timer(step, timer=clock) for name, step in steps.items()}
    counts: dict[Any, int] = {}
    for name, timer in timers.items():  # warm up; how many steps fill a turn?
        each = min(timer.repeat(2, WARM_UP_STEPS)) / WARM_UP_STEPS
        counts[name] = int(np.clip(TURN_SECONDS / max(each, 1e-9), 1, MAX_TURN_STEPS))
    seconds: dict[Any, list[float]] = {name: [] for name in steps}
    order = deque(steps)
    for _ in range(rounds):
        for name in order:
            steps[name]()
            turn = timers[name].timeit(counts[name])  # without garbage collection
            seconds[name].append(turn / counts[name])
        order.rotate(-1)
    return {name: np.array(found) for name, found in seconds.items()}


def cuda_clock() -> Clock:
    """A clock by CUDA's events: a reading waits until the device has done its work.

    The time between two events is a float32, so it is summed from reading to reading.
    """
    seconds, last = 0.0, None

    def now() -> float:
        nonlocal seconds, last
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        event.synchronize()
        if last is not None:
            seconds += last.elapsed_time(event) / 1e3
        last = event
        return seconds

    return now
