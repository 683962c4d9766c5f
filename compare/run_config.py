"""How a run is carried out: what the command line says beside the lesson."""

import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from compare.backend import Backend, eager_optimizers, tf32
from compare.defaults import CHECK_EVERY, require_units
from compare.experiment import Experiment, with_lr, with_micro_batches

FAST_STEPS = 10
"""Steps of a fast run, at most."""
THREADS_PER_CPU = 4
"""More threads for each processor are refused: they only compete."""


@dataclass(frozen=True)
class RunConfig:
    """How a run is carried out.

    Args:
        backend: array library, device and dtype.
        steps: at least 1, instead of the lesson's own number.
        seed: of everything that is drawn, at least 0.
        logdir: the folder of all runs.
        threads: of NumPy and of torch, at least 1.
        fast: few steps from one seed, and no checks.
        data: name of other data than the lesson's own.
        ranks: number of processes that share every batch.
        check_every: the one-step check runs at least this often.
        lr: learning rate instead of the lesson's own, finite and at least 0.
        batch_size: examples in a step instead of the lesson's own, at least 1.
        hidden: units of each hidden layer instead of the lesson's own.
        accumulate: micro-batches that each batch is taken in, at least 1.
        watch: log norms of weights and gradients, updates and dead ReLUs.

    Raises:
        ValueError: a number is out of its range, or a compiled step shall be watched.
    """

    backend: Backend = field(default_factory=Backend)
    steps: int | None = None
    seed: int = 0
    logdir: Path = Path("runs")
    threads: int = 1
    fast: bool = False
    data: str = ""
    ranks: int = 1
    check_every: int = CHECK_EVERY
    lr: float | None = None
    batch_size: int | None = None
    hidden: list[int] | None = None
    accumulate: int | None = None
    watch: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "threads", "check_every", "batch_size", "accumulate"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        most = THREADS_PER_CPU * (os.cpu_count() or 1)
        if self.threads > most:
            raise ValueError(f"threads must be at most {most}, got {self.threads}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        require_units(self.hidden or ())
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr >= 0):
            raise ValueError(f"lr must be a finite number, at least 0, got {self.lr}")
        compiled = self.backend.compile or self.backend.graph
        if self.watch and (compiled or self.backend.array == "jax"):
            raise ValueError(
                "--watch cannot be combined with --compile, --graph or --array jax: in "
                "a compiled step no layer can be looked at"
            )

    def adapted(self, experiment: Experiment) -> Experiment:
        """The lesson with the data, layers, learning rate and batches of this run.

        Raises:
            ValueError: it has no such data, or no hidden layers; later, where a learner
                is made: it has no learning rate that can be set, takes no
                micro-batches, or has fewer examples.
        """
        experiment = experiment.on(self.data)
        if self.hidden:
            experiment = experiment.wide(self.hidden)
        if (lr := self.lr) is not None:
            learners = {n: with_lr(m, lr) for n, m in experiment.learners.items()}
            experiment = replace(experiment, learners=learners)
        if (k := self.accumulate) is not None:
            makers = experiment.learners.items()
            learners = {n: with_micro_batches(m, k) for n, m in makers}
            experiment = replace(experiment, learners=learners)
        if self.batch_size is not None:
            experiment = replace(experiment, batch_size=self.batch_size)
        return experiment

    def steps_of(self, experiment: Experiment) -> int:
        """The number of steps that each learner of a lesson takes.

        Raises:
            ValueError: the lesson cannot take as many.
        """
        steps = self.steps or experiment.steps
        if self.fast:
            steps = min(steps, FAST_STEPS)
        if experiment.longest is not None and steps > experiment.longest:
            raise ValueError(
                f"the lesson {experiment.title!r} can take at most "
                f"{experiment.longest} steps, for which its schedule is planned, "
                f"got {steps}"
            )
        return steps


class Interrupted(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does."""


@contextmanager
def process_settings(config: RunConfig) -> Iterator[None]:
    """Apply what counts for a whole process: threads, the compiler, TF32 on CUDA.

    Two thread pools that both use every processor slow each other down.
    """
    cuda = config.backend.device == "cuda"
    before = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        with (
            threadpool_limits(config.threads),
            tf32(config.backend.tf32) if cuda else nullcontext(),
            nullcontext() if config.backend.compile else eager_optimizers(),
        ):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM raise `Interrupted` once, where signals can be caught.

    A second one must not end what closes the run: a pool of processes sends it as soon
    as the first of them has ended.
    """

    def stop(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Interrupted("SIGTERM")

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
