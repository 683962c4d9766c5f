"""The conditions of a measurement: threads, dtype, device, clock."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from time import perf_counter, process_time

import torch
from threadpoolctl import threadpool_limits

from compare.backend import Backend, tf32
from compare.bench.timing import Clock, cuda_clock

CLOCKS = {"wall": perf_counter, "cpu": process_time}
XLA_SINGLE_THREAD = "--xla_cpu_multi_thread_eigen=false"


@dataclass(frozen=True)
class Options:
    """The conditions of a measurement.

    The clock is "wall", or "cpu" for this process's CPU time, which other programs
    disturb less; on CUDA it is the device's own events. With `tf32` CUDA may round the
    factors of float32 products to TF32.

    Raises:
        ValueError: a value is out of range, or there is no CUDA device.
    """

    threads: int = 1
    dtype: str = "float32"
    rounds: int = 25
    clock: str = "wall"
    device: str = "cpu"
    tf32: bool = False

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

    def start_clock(self) -> Clock:
        """A clock that runs from now on."""
        return cuda_clock() if self.device == "cuda" else CLOCKS[self.clock]

    def __str__(self) -> str:
        shown = asdict(self)
        if self.device == "cuda":
            shown |= {"clock": "events", "tf32": "on" if self.tf32 else "off"}
        else:
            del shown["device"], shown["tf32"]
        return ", ".join(f"{name} {value}" for name, value in shown.items())


@contextmanager
def applied(options: Options) -> Iterator[None]:
    """Limit every library to the threads, and set TF32 on CUDA."""
    flags = os.environ.get("XLA_FLAGS", "")
    if options.threads == 1 and XLA_SINGLE_THREAD not in flags:  # before JAX computes
        os.environ["XLA_FLAGS"] = f"{flags} {XLA_SINGLE_THREAD}".strip()
    before = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    precision = tf32(options.tf32) if options.device == "cuda" else nullcontext()
    try:
        with threadpool_limits(options.threads), precision:
            yield
    finally:
        torch.set_num_threads(before)
