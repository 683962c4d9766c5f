"""Running one lesson from beginning to end: train, log, judge, draw, sum up."""

import os
import platform
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from compare import checkpoint, page, plots
from compare.backend import Backend, tf32
from compare.experiment import Claim, Experiment
from compare.judging import Diverged
from compare.logger import RunLogger
from compare.pair import Pair, Progress
from compare.results import Side
from compare.verdict import Verdict, worst

SAVE_SECONDS = 1.0
"""How much time may pass between two checkpoints."""
SAVE_SHARE = 20
"""So many times as long as it took to save, training goes on before the next time."""
FAST_STEPS = 10
"""How many steps a fast run takes at most."""
THREADS_EACH = 4
"""More threads than this for each processor are refused: they only fight."""


@dataclass(frozen=True)
class RunConfig:
    """What the command line says about a run.

    Args:
        backend: arrays, device and dtype.
        steps: instead of the lesson's own number.
        seed: of everything that is drawn.
        logdir: the folder of all runs.
        threads: of NumPy and torch each.
        fast: whether only the agreement matters: few steps, one seed, and no claim is
            judged.
        data: the name of other data than the lesson's own.
        ranks: how many processes share every batch.
    """

    backend: Backend = field(default_factory=Backend)
    steps: int | None = None
    seed: int = 0
    logdir: Path = Path("runs")
    threads: int = 1
    fast: bool = False
    data: str = ""
    ranks: int = 1

    def steps_of(self, experiment: Experiment) -> int:
        """How many steps each learner takes.

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

    def __post_init__(self) -> None:
        for name in ("steps", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        most = THREADS_EACH * (os.cpu_count() or 1)
        if self.threads > most:
            raise ValueError(f"threads must be at most {most}, got {self.threads}")
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
        story: what to notice.
    """

    lesson: str
    folder: Path
    verdict: Verdict
    claims: dict[str, tuple[bool, str]]
    status: str
    reason: str
    seconds: float
    tags: list[str]
    story: str = ""

    @property
    def ok(self) -> bool:
        """Whether both sides agree and every claim holds."""
        held = all(holds for holds, _ in self.claims.values())
        return self.status == "finished" and self.verdict.agrees and held

    def _repr_html_(self) -> str:
        return page.of(self)


class LessonError(ValueError):
    """A claim or a figure of the lesson itself fails; the message says where."""


class Interrupted(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does."""


def run(
    lesson: str,
    experiment: Experiment,
    settings: RunConfig,
    progress: Progress | None = None,
    resumed: Path | None = None,
    source: str = "",
) -> Result:
    """Train both sides of a lesson in step and say whether they agree.

    Args:
        lesson: the name of its folder.
        experiment: what to train.
        settings: where and how.
        progress: may wrap the steps to show how far they are; gets their label and
            number.
        resumed: the folder of a run that was cut short, to be gone on with.
        source: where to find the lesson again: its name, or the file it is in.

    Raises:
        OSError: the log folder cannot be written to.
        BadCheckpoint: there is nothing intact to go on from.
        LessonError: the lesson's own claims or figures fail.
        ValueError: the lesson is not made for the data asked for, there are none, or
            it cannot take as many steps.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run is closed properly before.
    """
    experiment = experiment.on(settings.data)
    settings.steps_of(experiment)  # refused before anything is written
    saved = None if resumed is None else checkpoint.load(resumed / checkpoint.NAME)
    with held(settings), _sigterm():
        if resumed is None or saved is None:
            record = RunLogger.new(settings.logdir, lesson)
        else:
            record = RunLogger.again(resumed, saved["sizes"])
        with record:
            record.summary["source"] = source or lesson
            return _Run(lesson, experiment, settings, record, progress).whole(saved)


class _Run:
    """The parts of `run` that share its record."""

    def __init__(
        self,
        lesson: str,
        experiment: Experiment,
        settings: RunConfig,
        record: RunLogger,
        progress: Progress | None,
    ) -> None:
        self.lesson = lesson
        self.experiment = replace(experiment, seeds=1) if settings.fast else experiment
        self.settings = settings
        self.record = record
        self.progress = progress or (lambda steps, label, total: steps)
        self.steps = settings.steps_of(experiment)
        self.pairs: list[Pair] = []
        self.began = time.perf_counter()
        self.save_after = 0.0

    def whole(self, saved: dict[str, Any] | None) -> Result:
        tags = [self._tag(name, seed) for name, seed in self._trials()]
        about = _about(self.experiment, self.settings, self.steps, tags)
        self.record.write_summary(**about, status="running")
        status, reason, claims = "interrupted", "stopped from outside", {}
        try:
            self._restore(saved or {"pairs": []})
            self._train()
            claims = {} if self.settings.fast else self._claims()
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

    @property
    def sides(self) -> tuple[Side, Side]:
        """All trials so far, by library."""
        ours, theirs = (
            Side(library, [pair.trials[library] for pair in self.pairs])
            for library in ("handmade", "torch_ref")
        )
        return ours, theirs

    def _trials(self) -> Iterator[tuple[str, int]]:
        first = self.settings.seed
        for seed in range(first, first + self.experiment.seeds):
            for name in self.experiment.learners:
                yield name, seed

    def _tag(self, name: str, seed: int) -> str:
        """The tag of a trial: "train" alone, else named by what tells it apart."""
        tag = name if len(self.experiment.learners) > 1 else "train"
        return f"{tag}_seed{seed}" if self.experiment.seeds > 1 else tag

    def _pair(self, name: str, seed: int) -> Pair:
        backend = self.settings.backend
        alone = self.settings.ranks == 1
        pair = Pair(self.experiment, name, seed, backend, self.steps, alone)
        self.pairs.append(pair)
        return pair

    def _restore(self, saved: dict[str, Any]) -> None:
        for state in saved["pairs"]:
            self._pair(state["name"], state["seed"]).load_state(state)

    def _train(self) -> None:
        """Take all steps that are left of all trials."""
        for number, (name, seed) in enumerate(self._trials()):
            known = number < len(self.pairs)
            pair = self.pairs[number] if known else self._pair(name, seed)
            tag = self._tag(name, seed)
            self._save()
            steps = self.progress(
                pair.walk(), f"{self.lesson} {tag}", self.steps - pair.done
            )
            for step in steps:
                worst = pair.lockstep.worst_free
                self.record.step(name, seed, tag, step, worst)
                for library, metrics in pair.measure(step.number).items():
                    self.record.metrics(library, tag, step.number, metrics)
                if pair.settled and time.perf_counter() > self.save_after:
                    self._save()
        self._save()

    def _save(self) -> None:
        """Write a checkpoint of everything up to the last logged step.

        What is saved grows with the run; the share of time that it takes does not.
        """
        began = time.perf_counter()
        state = {
            "pairs": [pair.state() for pair in self.pairs],
            "sizes": self.record.sizes(),
        }
        checkpoint.save(self.record.folder / checkpoint.NAME, state)
        now = time.perf_counter()
        self.save_after = now + max(SAVE_SECONDS, SAVE_SHARE * (now - began))

    def _claims(self) -> dict[str, tuple[bool, str]]:
        """Each claim on both sides: it must hold on both."""
        claims = {}
        for text, claim in self.experiment.claims.items():
            found = {s.library: _asked(text, claim, s) for s in self.sides}
            words = {said for _, said in found.values()}
            apart = "; ".join(
                f"{library}: {said}" for library, (_, said) in found.items()
            )
            claims[text] = (
                all(holds for holds, _ in found.values()),
                words.pop() if len(words) == 1 else apart,
            )
        return claims

    def _figures(self) -> None:
        self.record.figure("curves", plots.loss_curves(*self.sides))
        for name, draw in self.experiment.figures.items():
            with _lessons_own(f"the figure {name!r}"):
                self.record.figure(name, draw(self.sides[0]))

    def _result(
        self, status: str, reason: str, claims: dict[str, tuple[bool, str]]
    ) -> Result:
        verdicts = [pair.verdict for pair in self.pairs]
        return Result(
            self.lesson,
            self.record.folder,
            worst(verdicts or [Verdict("equal", "no step was compared")]),
            claims,
            status,
            reason,
            time.perf_counter() - self.began,
            [f"loss/{self._tag(pair.name, pair.seed)}" for pair in self.pairs],
            self.experiment.story,
        )

    def _write(self, result: Result) -> None:
        """The text verdict for TensorBoard, and the summary."""
        tagged = {self._tag(pair.name, pair.seed): pair for pair in self.pairs}
        self.record.events["compare"].text(0, "verdict", _markdown(result))
        self.record.write_summary(
            status=result.status,
            reason=result.reason,
            ok=result.ok,
            verdict={tag: asdict(pair.verdict) for tag, pair in tagged.items()},
            claims={
                text: {"holds": holds, "found": found}
                for text, (holds, found) in result.claims.items()
            },
            metrics={
                library: {tag: p.trials[library].metrics for tag, p in tagged.items()}
                for library in ("handmade", "torch_ref")
            },
            timings={
                "seconds": round(result.seconds, 3),
                "steps": sum(pair.done for pair in self.pairs),
            },
        )


def _asked(text: str, claim: Claim, side: Side) -> tuple[bool, str]:
    """What a claim says of one side."""
    with _lessons_own(f"the claim {text!r}"):
        holds, words = claim(side)
        return bool(holds), str(words)


@contextmanager
def _lessons_own(what: str) -> Iterator[None]:
    """Say of an error in a lesson's own function where it is."""
    try:
        yield
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise LessonError(
            f"{what} failed: {type(error).__name__}: {error} "
            f"({frame.filename}, line {frame.lineno})"
        ) from error


def _about(
    experiment: Experiment, settings: RunConfig, steps: int, trials: list[str]
) -> dict[str, Any]:
    """What has to be known to run the same again."""
    return {
        "title": experiment.title,
        "story": experiment.story,
        "course": list(experiment.course),
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(settings.backend),
        "seed": settings.seed,
        "seeds": experiment.seeds,
        "steps": steps,
        "trials": trials,
        "threads": settings.threads,
        "fast": settings.fast,
        "data": settings.data,
        "ranks": settings.ranks,
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
        f"{result.story}\n\n"
        f"| | claim | found |\n|---|---|---|\n{rows}\n"
    )


@contextmanager
def held(settings: RunConfig) -> Iterator[None]:
    """Hold both libraries to the settings of a run that count for a whole process."""
    cuda = settings.backend.device == "cuda"
    exactness = tf32(settings.backend.tf32) if cuda else nullcontext()
    with _threads(settings.threads), exactness:
        yield


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
