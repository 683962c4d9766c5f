"""How it is measured: by which clock, in what, and with how many threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from time import perf_counter, process_time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from compare import cuda
from compare.backend import TF32_EPS, Backend
from compare.bench.timing import Clock

CLOCKS = {"wall": perf_counter, "cpu": process_time}
"""Of the host, by name. On a device its own events are the clock."""
XLA_ALONE = "--xla_cpu_multi_thread_eigen=false"
"""Keeps JAX's compiler to one thread for a computation."""


@dataclass(frozen=True)
class How:
    """What all works are measured with.

    Args:
        threads: of every library.
        dtype: what is computed in, "float32" or "float64".
        rounds: how often each has its turn.
        clock: "wall", or "cpu" for the processor's time that this process got, which
            other programs disturb less.
        device: "cpu" or "cuda".
        tf32: whether CUDA may round float32 to TF32 in products.

    Raises:
        ValueError: one of them makes no sense, or there is no CUDA device.
    """

    threads: int = 1
    dtype: str = "float32"
    rounds: int = 25
    clock: str = "wall"
    device: str = "cpu"
    tf32: bool = False

    def __post_init__(self) -> None:
        if self.threads < 1 or self.rounds < 1:
            raise ValueError(
                f"threads and rounds must be at least 1, got {self.threads} and "
                f"{self.rounds}"
            )
        Backend("torch", self.device, self.dtype, tf32=self.tf32)  # refuses the rest
        if self.clock not in CLOCKS:
            raise ValueError(f"clock must be {' or '.join(CLOCKS)}, got {self.clock!r}")
        if self.clock == "cpu" and (self.threads > 1 or self.device == "cuda"):
            raise ValueError(
                "clock cpu adds up all threads and sees no device; it needs threads 1 "
                f"and device cpu, got {self.threads} and {self.device}"
            )

    @property
    def eps(self) -> float:
        """The dtype's distance from 1 to the next number."""
        return float(np.finfo(self.dtype).eps)

    @property
    def coarse(self) -> float:
        """How far a product may be rounded beside that: not at all, but by TF32."""
        return TF32_EPS if self.tf32 else 0.0

    def started(self) -> Clock:
        """The clock: on a device a new one, as its events count from their first."""
        return cuda.clock() if self.device == "cuda" else CLOCKS[self.clock]

    def words(self) -> dict[str, object]:
        """The settings for people: a device has its own clock, and TF32."""
        said = asdict(self)
        if self.device == "cuda":
            return {**said, "clock": "events", "tf32": "on" if self.tf32 else "off"}
        return {name: said[name] for name in ("threads", "dtype", "rounds", "clock")}


@contextmanager
def held(how: How) -> Iterator[None]:
    """Hold every library to the threads, and products on CUDA to their exactness."""
    flags = os.environ.get("XLA_FLAGS", "")
    if how.threads == 1 and XLA_ALONE not in flags:  # read when JAX computes first
        os.environ["XLA_FLAGS"] = f"{flags} {XLA_ALONE}".strip()
    before = torch.get_num_threads()
    torch.set_num_threads(how.threads)
    exactness = cuda.tf32(how.tf32) if how.device == "cuda" else nullcontext()
    try:
        with threadpool_limits(how.threads), exactness:
            yield
    finally:
        torch.set_num_threads(before)
