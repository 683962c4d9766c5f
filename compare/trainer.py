"""Run one lesson: train both implementations, log, compare, check, draw, sum up."""

import platform
import time
import traceback
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare import checkpoint, plots, report
from compare.data import Data, DataLoader
from compare.experiment import Experiment
from compare.lockstep import Lockstep, NonFinite, Step
from compare.logger import RunLogger
from compare.results import ParameterHistory, Side, Trial
from compare.run_config import (
    Interrupted,
    RunConfig,
    process_settings,
    sigterm_interrupts,
)
from compare.verdict import Verdict, worst

SAVE_SECONDS = 1.0
"""Seconds between two checkpoints, at least."""
SAVE_SHARE = 20
"""Training goes on this many times as long as saving took before the next checkpoint:
what is saved grows with the run, its share of the time does not."""
METRIC_POINTS = 20
"""How often metrics are taken in a run."""
Progress = Callable[[Iterator[Step], str, int], Iterator[Step]]
"""Wraps the steps to show them; gets their label and number."""
Checks = dict[str, tuple[bool, str]]
"""By the text of each check: whether it holds on both sides, and the numbers."""


class LessonError(ValueError):
    """A check or a figure of the lesson itself fails; the message says where."""


@dataclass
class Result:
    """The result of a run.

    Args:
        lesson: its name.
        folder: the run directory.
        verdict: whether both implementations agree.
        claims: by text: whether the check holds on both sides, and the numbers.
        status: "finished", "diverged", "failed" or "interrupted".
        reason: why it did not finish, or "".
        seconds: how long it took.
        tags: TensorBoard tags of the loss curves.
        story: what to notice.
        nothing_learned: why the comparison of some learner proves nothing, or "".
    """

    lesson: str
    folder: Path
    verdict: Verdict
    claims: Checks
    status: str
    reason: str
    seconds: float
    tags: list[str]
    story: str = ""
    nothing_learned: str = ""

    @property
    def ok(self) -> bool:
        """Whether the run finished, both sides agree and every check holds."""
        held = all(holds for holds, _ in self.claims.values())
        agrees = self.verdict.agrees and not self.nothing_learned
        return self.status == "finished" and agrees and held

    def _repr_html_(self) -> str:
        return report.as_html(self)


def run(
    lesson: str,
    experiment: Experiment,
    config: RunConfig,
    progress: Progress | None = None,
    resumed: Path | None = None,
    source: str = "",
) -> Result:
    """Train both implementations of a lesson in lockstep and compare them.

    Args:
        lesson: the name of its folder.
        experiment: what to train.
        config: where and how.
        progress: may wrap the steps to show them.
        resumed: directory of an interrupted run, to be continued.
        source: where to find the lesson again: its name, or its file.

    Raises:
        OSError: the log folder cannot be written to.
        BadCheckpoint: there is no intact checkpoint of this version to continue from.
        LessonError: the lesson's own checks or figures fail.
        ValueError: the lesson has no such data, or cannot take as many steps.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run is closed properly before.
    """
    experiment = experiment.on(config.data)
    config.steps_of(experiment)  # refused before anything is written
    saved = None if resumed is None else checkpoint.load(resumed / checkpoint.NAME)
    if saved is not None and "trials" not in saved:
        raise checkpoint.BadCheckpoint(
            f"{resumed} was saved by an older version; start the run again"
        )
    with process_settings(config), sigterm_interrupts():
        if resumed is None or saved is None:
            logger = RunLogger.new(config.logdir, lesson)
        else:
            logger = RunLogger.resume(resumed, saved["sizes"])
        with logger:
            logger.summary["source"] = source or lesson
            return _Run(lesson, experiment, config, logger, progress).result(saved)


class _Run:
    """All trials of one run: each learner from each seed."""

    def __init__(
        self,
        lesson: str,
        experiment: Experiment,
        config: RunConfig,
        logger: RunLogger,
        progress: Progress | None,
    ) -> None:
        self.lesson = lesson
        self.experiment = replace(experiment, seeds=1) if config.fast else experiment
        self.config = config
        self.logger = logger
        self.progress = progress or (lambda steps, label, total: steps)
        self.steps = config.steps_of(experiment)
        self.trials: list[TrialRun] = []
        self.began = time.perf_counter()
        self.next_save = 0.0

    def result(self, saved: dict[str, Any] | None) -> Result:
        """Train, check and draw; whatever stops that is written down."""
        self.logger.write_summary(**self._metadata(), status="running")
        status, reason, checks = "interrupted", "stopped from outside", {}
        try:
            self._restore(saved or {"trials": []})
            self._train()
            checks = {} if self.config.fast else self._checks()
            self._figures()
            status, reason = "finished", ""
        except NonFinite as error:
            status, reason = "diverged", str(error)
        except Exception as error:
            status, reason = "failed", f"{type(error).__name__}: {error}"
            raise
        finally:
            result = self._result(status, reason, checks)
            self._write(result)
        return result

    def _train(self) -> None:
        """Take all remaining steps of all trials."""
        for number, (name, seed) in enumerate(self._names()):
            is_new = number == len(self.trials)
            trial = self._add_trial(name, seed) if is_new else self.trials[number]
            label = self._label(name, seed)
            self._save()
            left = self.steps - trial.done
            for step in self.progress(trial.train(), f"{self.lesson} {label}", left):
                self.logger.log(step, label, name, seed)
                for library, metrics in trial.measure(step.number).items():
                    self.logger.metrics(library, label, step.number, metrics)
                if time.perf_counter() > self.next_save:
                    self._save()
        self._save()

    def _names(self) -> Iterator[tuple[str, int]]:
        first = self.config.seed
        for seed in range(first, first + self.experiment.seeds):
            for name in self.experiment.learners:
                yield name, seed

    def _label(self, name: str, seed: int) -> str:
        """What tells a trial from the others; "train" where there is only one."""
        words = [name] if len(self.experiment.learners) > 1 else []
        words += [f"seed {seed}"] if self.experiment.seeds > 1 else []
        return " ".join(words) or "train"

    def _add_trial(self, name: str, seed: int) -> "TrialRun":
        self.trials.append(
            TrialRun(self.experiment, name, seed, self.config, self.steps)
        )
        return self.trials[-1]

    def _restore(self, saved: dict[str, Any]) -> None:
        for state in saved["trials"]:
            self._add_trial(state["name"], state["seed"]).load_state(state)

    def _save(self) -> None:
        """Write a checkpoint of everything up to the last logged step."""
        began = time.perf_counter()
        trials = [trial.state() for trial in self.trials]
        state = {"trials": trials, "sizes": self.logger.sizes()}
        checkpoint.save(self.logger.folder / checkpoint.NAME, state)
        now = time.perf_counter()
        self.next_save = now + max(SAVE_SECONDS, SAVE_SHARE * (now - began))

    def _sides(self) -> tuple[Side, Side]:
        """All trials so far, by implementation."""
        ours, theirs = (
            Side(library, [trial.sides[library] for trial in self.trials])
            for library in ("handmade", "torch_ref")
        )
        return ours, theirs

    def _checks(self) -> Checks:
        """Each check of the lesson; it must hold on both sides."""
        checks = {}
        for text, check in self.experiment.claims.items():
            found = {}
            for side in self._sides():
                with _lesson_errors(f"the claim {text!r}"):
                    holds, numbers = check(side)
                    found[side.library] = bool(holds), str(numbers)
            words = {numbers for _, numbers in found.values()}
            differing = "; ".join(f"{side}: {n}" for side, (_, n) in found.items())
            checks[text] = (
                all(holds for holds, _ in found.values()),
                words.pop() if len(words) == 1 else differing,
            )
        return checks

    def _figures(self) -> None:
        ours, theirs = self._sides()
        self.logger.figure("curves", plots.loss_curves(ours, theirs))
        for name, draw in self.experiment.figures.items():
            with _lesson_errors(f"the figure {name!r}"):
                self.logger.figure(name, draw(ours))

    def _result(self, status: str, reason: str, checks: Checks) -> Result:
        verdicts = {trial: trial.lockstep.verdict() for trial in self.trials}
        expected = self.experiment.expect_no_learning
        dead = [
            verdict.words
            for trial, verdict in verdicts.items()
            if not verdict.learned and trial.name not in expected
        ]
        return Result(
            self.lesson,
            self.logger.folder,
            worst([*verdicts.values()] or [Verdict("equal", "no step was compared")]),
            checks,
            status,
            reason,
            time.perf_counter() - self.began,
            [f"loss/{self._label(trial.name, trial.seed)}" for trial in self.trials],
            self.experiment.story,
            dead[0] if dead and status == "finished" else "",
        )

    def _write(self, result: Result) -> None:
        """Write the text verdict for TensorBoard and the summary."""
        trials = {self._label(trial.name, trial.seed): trial for trial in self.trials}
        self.logger.text("verdict", _markdown(result))
        self.logger.write_summary(
            status=result.status,
            reason=result.reason,
            ok=result.ok,
            verdict={
                label: asdict(trial.lockstep.verdict())
                for label, trial in trials.items()
            },
            claims={
                text: {"holds": holds, "found": found}
                for text, (holds, found) in result.claims.items()
            },
            metrics={
                library: {n: t.sides[library].metrics for n, t in trials.items()}
                for library in ("handmade", "torch_ref")
            },
            timings={
                "seconds": round(result.seconds, 3),
                "steps": sum(trial.done for trial in self.trials),
            },
        )

    def _metadata(self) -> dict[str, Any]:
        """What has to be known to run the same again."""
        config, experiment = self.config, self.experiment
        return {
            "title": experiment.title,
            "story": experiment.story,
            "course": list(experiment.course),
            "began": datetime.now(UTC).isoformat(timespec="seconds"),
            **asdict(config.backend),
            "seed": config.seed,
            "seeds": experiment.seeds,
            "steps": self.steps,
            "trials": [self._label(name, seed) for name, seed in self._names()],
            "threads": config.threads,
            "fast": config.fast,
            "data": config.data,
            "ranks": config.ranks,
            "check_every": config.check_every,
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("numpy", "torch", "tensorboard")},
            },
            "machine": platform.machine(),
        }


class TrialRun:
    """One learner, trained from one seed on both sides.

    Args:
        experiment: the lesson.
        name: of the learner.
        seed: of weights, data and batches.
        config: backend and check interval.
        steps: how many to take in all.
    """

    def __init__(
        self,
        experiment: Experiment,
        name: str,
        seed: int,
        config: RunConfig,
        steps: int,
    ) -> None:
        self.experiment, self.name, self.seed = experiment, name, seed
        self.steps, backend = steps, config.backend
        rng = np.random.default_rng([seed, 1])  # initial weights have another stream
        data = experiment.data_of(name)(rng)
        make, start = experiment.learners[name], experiment.start
        self.lockstep = Lockstep(make, backend, seed, start, config.check_every)
        self.loader = DataLoader(data, experiment.batch_size, rng)
        sides = (
            ("handmade", self.lockstep.handmade, backend.handmade),
            ("torch_ref", self.lockstep.torch_ref, backend.torch),
        )
        self.sides = {
            library: Trial(name, seed, data, learner, convert)
            for library, learner, convert in sides
        }
        for trial in self.sides.values():
            trial.path = ParameterHistory(trial.parameters, steps)

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return self.lockstep.steps

    def train(self) -> Iterator[Step]:
        """Take the remaining steps, one after the other.

        Raises:
            NonFinite: a loss or gradient is NaN or infinite.
        """
        while self.done < self.steps:
            step = self.lockstep.step(*next(self.loader))
            for library, trial in self.sides.items():
                trial.losses.append(getattr(step, library))
                if trial.path.is_due(self.done):
                    trial.path.append(trial.parameters)
            yield step

    def measure(self, step: int) -> dict[str, dict[str, float]]:
        """Every metric by implementation, if it is time for them, else nothing."""
        every = max(1, self.steps // METRIC_POINTS)
        due = step % every == 0 or step == self.steps - 1
        if not (due and self.experiment.metrics):
            return {}
        for library, trial in self.sides.items():
            metrics = {"handmade": handmade, "torch_ref": torch_ref}[library].metrics
            for name, metric in self.experiment.metrics.items():
                for part, x, target in _splits(trial.data):
                    output = trial.learner.predict(trial.give(x))
                    value = metric(metrics, output, trial.give(target))
                    trial.note(f"{name}/{part}", step, value)
        return {library: trial.metrics for library, trial in self.sides.items()}

    def state(self) -> dict[str, Any]:
        """Everything that later steps and the checks depend on."""
        return {
            "name": self.name,
            "seed": self.seed,
            "lockstep": self.lockstep.state(),
            "loader": self.loader.state(),
            "sides": {
                library: {
                    "losses": np.array(trial.losses),
                    "path": trial.path.arrays(),
                    "history": trial.history,
                }
                for library, trial in self.sides.items()
            },
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self.lockstep.load_state(state["lockstep"])
        self.loader.load_state(state["loader"])
        for library, saved in state["sides"].items():
            trial = self.sides[library]
            trial.losses = array("d", saved["losses"])
            trial.history = {
                name: [(step, value) for step, value in points]
                for name, points in saved["history"].items()
            }
            trial.path.load(saved["path"])


def _splits(data: Data) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "train", data.x, data.target
    if data.x_test is not None:
        yield "test", *data.test_set


@contextmanager
def _lesson_errors(what: str) -> Iterator[None]:
    """Say of an error in a lesson's own function where it is."""
    try:
        yield
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise LessonError(
            f"{what} failed: {type(error).__name__}: {error} "
            f"({frame.filename}, line {frame.lineno})"
        ) from error


def _markdown(result: Result) -> str:
    rows = "\n".join(
        f"| {'holds' if holds else '**fails**'} | {text} | {found} |"
        for text, (holds, found) in result.claims.items()
    )
    return (
        f"**{result.verdict.kind}**: {result.verdict.words}\n\n"
        f"status: {result.status} {result.reason}\n\n"
        f"{result.story}\n\n"
        f"| | Check | Result |\n|---|---|---|\n{rows}\n"
    )


__all__ = ["Interrupted", "LessonError", "Result", "RunConfig", "TrialRun", "run"]
