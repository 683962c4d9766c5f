"""Running one lesson from beginning to end: train, log, judge, draw, sum up."""

import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import torch_ref
from compare import figures
from compare.arrays import Backend
from compare.experiment import Data, Experiment
from compare.lockstep import Diverged, Lockstep, Step, batches
from compare.record import Record
from compare.trained import Side, Trial
from compare.verdict import Verdict, worst
from handmade import metrics as handmade_metrics

METRIC_POINTS = 20
"""How often metrics are taken in a run."""
PATH_SIZE = 64
"""Learners with at most so many numbers keep the path that they went."""


@dataclass(frozen=True)
class Settings:
    """What the command line says about a run.

    Args:
        backend: arrays, device and dtype.
        steps: instead of the lesson's own number.
        seed: of everything that is drawn.
        logdir: the folder of all runs.
        threads: of NumPy and torch each.
    """

    backend: Backend = field(default_factory=Backend)
    steps: int | None = None
    seed: int = 0
    logdir: Path = Path("runs")
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")


@dataclass
class Result:
    """What a run came to.

    Args:
        lesson: its name.
        folder: where all of it lies.
        verdict: whether both sides agree.
        claims: by text: whether it holds on both sides, and the numbers.
        status: "finished", "diverged", "failed" or "interrupted".
        reason: why it did not finish, or "".
        seconds: how long it took.
        tags: the charts to look at.
    """

    lesson: str
    folder: Path
    verdict: Verdict
    claims: dict[str, tuple[bool, str]]
    status: str
    reason: str
    seconds: float
    tags: list[str]

    @property
    def ok(self) -> bool:
        """Whether both sides agree and every claim holds."""
        held = all(holds for holds, _ in self.claims.values())
        return self.status == "finished" and self.verdict.agrees and held


class Interrupted(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does."""


def run(
    lesson: str,
    experiment: Experiment,
    settings: Settings,
    progress: Callable[[Iterator[Step], str, int], Iterator[Step]] | None = None,
) -> Result:
    """Train both sides of a lesson in step and say whether they agree.

    Args:
        lesson: the name of its folder.
        experiment: what to train.
        settings: where and how.
        progress: may wrap the steps to show how far they are; gets their label and
            number.

    Raises:
        OSError: the log folder cannot be written to.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run is closed properly before.
    """
    with _threads(settings.threads), _sigterm():
        record = Record(settings.logdir, lesson)
        with record:
            return _Run(lesson, experiment, settings, record, progress).whole()


class _Run:
    """The parts of `run` that share its record."""

    def __init__(
        self,
        lesson: str,
        experiment: Experiment,
        settings: Settings,
        record: Record,
        progress: Any,
    ) -> None:
        self.lesson = lesson
        self.experiment = experiment
        self.settings = settings
        self.record = record
        self.progress = progress or (lambda steps, label, total: steps)
        self.steps = settings.steps or experiment.steps
        self.sides = Side("handmade"), Side("torch_ref")
        self.verdicts: dict[str, Verdict] = {}
        self.tags: list[str] = []
        self.began = time.perf_counter()

    def whole(self) -> Result:
        trials = [self._tag(name, seed) for name, seed in self._trials()]
        self.record.write_summary(
            **_about(self.experiment, self.settings, self.steps, trials)
        )
        status, reason, claims = "interrupted", "stopped from outside", {}
        try:
            for name, seed in self._trials():
                self._trial(name, seed)
            claims = self._claims()
            self._figures()
            status, reason = "finished", ""
        except Diverged as error:
            status, reason = "diverged", str(error)
        except Exception as error:
            status, reason = "failed", f"{type(error).__name__}: {error}"
            raise
        finally:
            result = self._result(status, reason, claims)
            self._write(result)
        return result

    def _trials(self) -> Iterator[tuple[str, int]]:
        first = self.settings.seed
        for seed in range(first, first + self.experiment.seeds):
            for name in self.experiment.learners:
                yield name, seed

    def _tag(self, name: str, seed: int) -> str:
        """The tag of a trial: "train" alone, else named by what tells it apart."""
        tag = name if len(self.experiment.learners) > 1 else "train"
        return f"{tag}_seed{seed}" if self.experiment.seeds > 1 else tag

    def _trial(self, name: str, seed: int) -> None:
        backend, tag = self.settings.backend, self._tag(name, seed)
        rng = np.random.default_rng(seed)
        data = self.experiment.data(rng)
        make = self.experiment.learners[name]
        lockstep = Lockstep(make, backend, seed, self.experiment.start)
        pair = (
            Trial(name, seed, data, lockstep.handmade, backend.handmade),
            Trial(name, seed, data, lockstep.torch_ref, backend.torch),
        )
        for side, trial in zip(self.sides, pair, strict=True):
            side.trials.append(trial)
        self.tags.append(f"loss/{tag}")
        every = max(1, self.steps // METRIC_POINTS)
        small = sum(p.size for p in pair[0].parameters.values()) <= PATH_SIZE
        try:
            _remember(pair, small)
            drawn = islice(batches(data, self.experiment.batch_size, rng), self.steps)
            steps = (lockstep.step(x, target) for x, target in drawn)
            for step in self.progress(steps, f"{self.lesson} {tag}", self.steps):
                pair[0].losses.append(step.handmade)
                pair[1].losses.append(step.torch_ref)
                self.record.step(name, seed, tag, step, lockstep.worst_free)
                _remember(pair, small)
                if step.number % every == 0 or step.number == self.steps - 1:
                    self._metrics(pair, tag, step.number)
        finally:
            size = self.experiment.batch_size or len(data.x)
            self.verdicts[tag] = lockstep.verdict(size)

    def _metrics(self, pair: tuple[Trial, Trial], tag: str, step: int) -> None:
        """Take every metric on both sides, each with its own library's arrays."""
        libraries = handmade_metrics, torch_ref.metrics
        for trial, side, library in zip(pair, self.sides, libraries, strict=True):
            for name, metric in self.experiment.metrics.items():
                for part, x, target in _parts(trial.data):
                    output = trial.learner.predict(trial.give(x))
                    trial.metrics[f"{name}/{part}"] = metric(
                        library, output, trial.give(target)
                    )
            suffix = "" if tag == "train" else f"/{tag}"
            values = {f"{key}{suffix}": v for key, v in trial.metrics.items()}
            if values:
                self.record.events[side.library].scalars(step, values)

    def _claims(self) -> dict[str, tuple[bool, str]]:
        """Each claim on both sides: it must hold on both."""
        claims = {}
        for text, claim in self.experiment.claims.items():
            findings = {side.library: claim(side) for side in self.sides}
            words = {finding[1] for finding in findings.values()}
            claims[text] = (
                all(bool(finding[0]) for finding in findings.values()),
                words.pop()
                if len(words) == 1
                else "; ".join(f"{s}: {f[1]}" for s, f in findings.items()),
            )
        return claims

    def _figures(self) -> None:
        self.record.figure("curves", figures.loss_curves(*self.sides))
        for name, draw in self.experiment.figures.items():
            self.record.figure(name, draw(self.sides[0]))

    def _result(
        self, status: str, reason: str, claims: dict[str, tuple[bool, str]]
    ) -> Result:
        verdict = worst(list(self.verdicts.values()) or [Verdict("equal", "no step")])
        return Result(
            self.lesson,
            self.record.folder,
            verdict,
            claims,
            status,
            reason,
            time.perf_counter() - self.began,
            self.tags,
        )

    def _write(self, result: Result) -> None:
        """The text verdict for TensorBoard, and the summary."""
        seconds = round(result.seconds, 3)
        steps = sum(len(trial.losses) for trial in self.sides[0].trials)
        self.record.events["compare"].text(0, "verdict", _markdown(result))
        self.record.write_summary(
            status=result.status,
            reason=result.reason,
            ok=result.ok,
            verdict={k: asdict(v) for k, v in self.verdicts.items()},
            claims={
                text: {"holds": holds, "found": found}
                for text, (holds, found) in result.claims.items()
            },
            metrics={
                side.library: {
                    self._tag(trial.name, trial.seed): trial.metrics
                    for trial in side.trials
                }
                for side in self.sides
            },
            timings={"seconds": seconds, "steps": steps},
        )


def _remember(pair: tuple[Trial, Trial], small: bool) -> None:
    if small:
        for trial in pair:
            trial.path.append({n: a.copy() for n, a in trial.parameters.items()})


def _parts(data: Data) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "train", data.x, data.target
    if data.x_test is not None:
        yield "test", *data.test_set


def _about(
    experiment: Experiment, settings: Settings, steps: int, trials: list[str]
) -> dict[str, Any]:
    """What has to be known to run the same again."""
    return {
        "title": experiment.title,
        "course": list(experiment.course),
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(settings.backend),
        "seed": settings.seed,
        "seeds": experiment.seeds,
        "steps": steps,
        "trials": trials,
        "threads": settings.threads,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "torch", "tensorboard")},
        },
        "machine": platform.machine(),
    }


def _markdown(result: Result) -> str:
    rows = "\n".join(
        f"| {'holds' if holds else '**fails**'} | {text} | {found} |"
        for text, (holds, found) in result.claims.items()
    )
    return (
        f"**{result.verdict.kind}** — {result.verdict.words}\n\n"
        f"status: {result.status} {result.reason}\n\n"
        f"| | claim | found |\n|---|---|---|\n{rows}\n"
    )


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Hold both libraries to `number` threads: two pools in one process fight."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _sigterm() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does, where signals can be caught."""

    def stop(*_: Any) -> None:
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
