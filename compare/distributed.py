"""Data-parallel lessons under torchrun: each process gets a share of every batch.

The processes ("ranks") average their gradients, so all take the same step. Rank 0 also
compares and logs; the others only train.
"""

import gc
import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import torch
from torch import distributed as dist

import handmade
from compare.experiment import Experiment, MakeLearner, with_gradient_learner
from compare.lockstep import NonFinite, Step
from compare.run_config import Interrupted, RunConfig, process_settings
from compare.trainer import Progress, Result, run
from compare.trial_run import TrialRun
from handmade.distributed import DataParallelLearner
from torch_ref.distributed import Communicator

TIMEOUT = timedelta(seconds=60)
"""How long a rank waits for the others."""
COMMAND = "torchrun --nproc-per-node 2 -m compare run NAME --distributed"
SET_BY_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
CONNECTION_WORDS = ("gloo", "nccl", "peer", "timed out", "timeout", "socket", "store")
"""One of them is in torch's message where a connection failed."""


class RankLost(Interrupted):
    """Another rank has ended or does not answer."""


class Ranks(Communicator):
    """The communicator of torchrun's processes, which also sees which have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Any] = [None] * self.size
        dist.all_gather_object(self.processes, (platform.node(), os.getpid()))

    def ended(self) -> str:
        """Which ranks on this machine have ended, in words, or ""; within a second."""
        for _ in range(100):
            found = [
                str(rank)
                for rank, (machine, process) in enumerate(self.processes)
                if machine == platform.node() and _has_ended(process)
            ]
            if found:
                return f"rank {', '.join(found)} has ended"
            sleep(0.01)
        return ""


def _has_ended(process: int) -> bool:
    """Whether a process is no more, or is a zombie, where the system says so."""
    try:
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in "ZX"


@contextmanager
def ranks(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started: over gloo, on "cuda" over nccl.

    Raises:
        ValueError: torchrun did not start this process, or there are too few devices.
        RankLost: another process has ended before all had joined.
    """
    if missing := [name for name in SET_BY_TORCHRUN if name not in os.environ]:
        names = ", ".join(missing)
        raise ValueError(
            f"--distributed must be started by torchrun, which sets {names}: {COMMAND}"
        )
    if device == "cuda":
        number, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if number >= count:
            raise ValueError(
                f"rank {number} of this machine has no CUDA device of its own: there "
                f"are {count}; start at most as many ranks on it"
            )
        torch.cuda.set_device(number)
    with _connection_errors():
        dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        yield Ranks()
    finally:
        gc.collect()  # a DDP model that outlives its process group may abort
        dist.destroy_process_group()


def spread(
    lesson: str, experiment: Experiment, communicator: Communicator, config: RunConfig
) -> Experiment:
    """The same lesson with data-parallel learners, with the run's micro-batches.

    Raises:
        ValueError: a learner has no gradients to average, its loss is not the mean of
            the losses of equal shares, or a batch has no equal shares.
    """
    more = {"communicator": communicator, "micro_batches": config.accumulate or 1}
    try:
        _require_equal_shares(experiment, communicator.size, config.seed)
        learners = {
            name: _data_parallel(name, make, more)
            for name, make in experiment.learners.items()
        }
    except ValueError as error:
        if communicator.rank > 0:
            # Rank 0 reports the error; torchrun then ends all others.
            with suppress(RuntimeError):
                dist.barrier()
        raise ValueError(f"{lesson}: {error}") from None
    other_data = {
        name: lambda make=make: spread(lesson, make(), communicator, config)
        for name, make in experiment.other_data.items()
    }
    return replace(experiment, learners=learners, other_data=other_data)


def _require_equal_shares(experiment: Experiment, size: int, seed: int) -> None:
    for name in experiment.learners:
        if (count := experiment.batch_size) is None:
            rng = np.random.default_rng([seed, 1])
            count = len(experiment.data_of(name)(rng).x)
        if count % size:
            raise ValueError(
                f"a batch of {count} examples has no equal shares for {size} ranks; "
                f"start a number of ranks that divides it"
            )


def _data_parallel(name: str, make: MakeLearner, more: dict[str, Any]) -> MakeLearner:
    """The learner, made with each library's `DataParallelLearner`."""

    def made(library: Any) -> Any:
        make_parallel = library.distributed.DataParallelLearner
        learner = partial(make_parallel, **more)
        return make(with_gradient_learner(library, learner))

    learner: Any = made(handmade)
    if not isinstance(learner, DataParallelLearner):
        raise ValueError(
            f"--distributed averages gradients, but the learner {name!r} is a "
            f"{type(learner).__name__}; it takes those that `backprop` makes"
        )
    return made


def run_spread(
    communicator: Ranks,
    lesson: str,
    experiment: Experiment,
    settings: RunConfig,
    progress: Progress | None = None,
    source: str = "",
) -> Result | None:
    """Train a lesson that `spread` has made: `compare.trainer.run` on rank 0.

    The others take the same steps, log nothing and return None.

    Raises:
        RankLost: another rank has ended or hangs; what was logged is kept.
    """

    def watched(steps: Iterator[Step], label: str, total: int) -> Iterator[Step]:
        with _connection_errors(communicator):
            yield from progress(steps, label, total) if progress else steps

    with _connection_errors(communicator):
        if communicator.rank == 0:
            before = signal.getsignal(signal.SIGTERM)
            _ignore_sigterm()  # before and after `run`, which has its own handler
            result = run(lesson, experiment, settings, watched, source=source)
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, before)
            return result
        _train_only(experiment.on(settings.data), settings)
    return None


def _train_only(experiment: Experiment, config: RunConfig) -> None:
    steps = config.steps_of(experiment)
    seeds = 1 if config.fast else experiment.seeds
    with process_settings(config), suppress(NonFinite):  # as on rank 0
        for seed in range(config.seed, config.seed + seeds):
            for name in experiment.learners:
                for _ in TrialRun(experiment, name, seed, config, steps).train():
                    pass


def _ignore_sigterm() -> None:
    """Torchrun sends it once a process has ended; the last message must come first."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _connection_errors(communicator: Ranks | None = None) -> Iterator[None]:
    """Turn a failed connection, or SIGTERM by torchrun, into `RankLost`."""
    who = f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']}"
    try:
        yield
    except Interrupted as error:
        _ignore_sigterm()
        if isinstance(error, RankLost):
            raise
        why = communicator.ended() if communicator else ""
        why = why or "torchrun ends all ranks once one has ended"
        raise RankLost(f"{who} stops: {why}") from None
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        if not any(word in reason.lower() for word in CONNECTION_WORDS):
            raise
        _ignore_sigterm()
        why = communicator.ended() if communicator else ""
        why = why or f"another rank did not answer within {TIMEOUT.seconds} s"
        raise RankLost(f"{who} stops: {why} ({reason})") from error
