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
from itertools import islice
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
LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
CHECKPOINT_FORMAT = 3
"""Version of what `checkpoint.save` is given."""
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
    def failures(self) -> list[str]:
        """Why the lesson fails even where both sides agree: a line for each reason."""
        failed = [
            f"{text} ({found})"
            for text, (holds, found) in self.claims.items()
            if not holds
        ]
        return [self.nothing_learned, *failed] if self.nothing_learned else failed

    @property
    def ok(self) -> bool:
        """Whether the run finished, both sides agree and every check holds."""
        finished = self.status == "finished"
        return finished and self.verdict.agrees and not self.failures

    def _repr_html_(self) -> str:
        return report.as_html(self)


def run(
    lesson: str,
    experiment: Experiment,
    config: RunConfig,
    progress: Progress | None = None,
    resumed: Path | None = None,
    source: str = "",
    say: Callable[[str], None] = lambda words: None,
) -> Result:
    """Train both implementations of a lesson in lockstep and compare them.

    Args:
        lesson: the name of its folder.
        experiment: what to train.
        config: where and how.
        progress: may wrap the steps to show them.
        resumed: directory of an interrupted run, to be continued.
        source: where to find the lesson again: its name, or its file.
        say: is told from which step a resumed run continues.

    Raises:
        OSError: the log folder cannot be written to.
        BadCheckpoint: there is no intact checkpoint of this version to continue from.
        LessonError: the lesson's own checks or figures fail.
        ValueError: the lesson has no such data, or cannot take as many steps.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run is closed properly before.
    """
    experiment = experiment.on(config.data)
    config.steps_of(experiment)  # refused before anything is written
    saved = {} if resumed is None else _saved(resumed)
    with process_settings(config), sigterm_interrupts():
        if resumed is None:
            logger = RunLogger.new(config.logdir, lesson)
        else:
            logger = RunLogger.resume(resumed, saved["sizes"])
        with logger:
            logger.summary["source"] = source or lesson
            run = _Run(lesson, experiment, config, logger, progress, say)
            return run.result(saved.get("trials", []))


def _saved(folder: Path) -> dict[str, Any]:
    """The checkpoint of a run."""
    saved = checkpoint.load(folder / checkpoint.NAME)
    if saved.get("format") != CHECKPOINT_FORMAT:
        raise checkpoint.BadCheckpoint(
            f"{folder} was saved by an older version; start the run again"
        )
    return saved


class _Run:
    """All trials of one run: each learner from each seed."""

    def __init__(
        self,
        lesson: str,
        experiment: Experiment,
        config: RunConfig,
        logger: RunLogger,
        progress: Progress | None,
        say: Callable[[str], None],
    ) -> None:
        self.lesson = lesson
        self.experiment = replace(experiment, seeds=1) if config.fast else experiment
        self.config, self.logger, self.say = config, logger, say
        self.progress = progress or (lambda steps, label, total: steps)
        self.steps = config.steps_of(experiment)
        self.labels = self._labels()
        self.trials: list[TrialRun] = []
        self.began = time.perf_counter()
        self.next_save = 0.0

    def _labels(self) -> dict[tuple[str, int], str]:
        """What tells each learner and seed from the others; "train" for a single one."""
        several_learners = len(self.experiment.learners) > 1
        several_seeds = self.experiment.seeds > 1
        labels = {}
        for seed in range(self.config.seed, self.config.seed + self.experiment.seeds):
            for name in self.experiment.learners:
                words = [name] * several_learners + [f"seed {seed}"] * several_seeds
                labels[name, seed] = " ".join(words) or "train"
        return labels

    def result(self, saved: list[dict[str, Any]]) -> Result:
        """Train, check and draw; whatever stops that is written down.

        Args:
            saved: the states of the trials that were begun before.
        """
        self.logger.write_summary(**self._metadata(), status="running")
        status, reason, checks = "interrupted", "stopped from outside", {}
        try:
            self._restore(saved)
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
        for number, key in enumerate(self.labels):
            is_new = number == len(self.trials)
            trial = self._add_trial(*key) if is_new else self.trials[number]
            label, left = trial.label, self.steps - trial.done
            self._save()
            for step in self.progress(trial.train(), f"{self.lesson} {label}", left):
                self.logger.log(step, label, trial.name, trial.seed)
                for library, metrics in trial.measure(step.number).items():
                    self.logger.metrics(library, label, step.number, metrics)
                if time.perf_counter() > self.next_save:
                    self._save()
        self._save()

    def _add_trial(self, name: str, seed: int) -> "TrialRun":
        label = self.labels[name, seed]
        trial = TrialRun(self.experiment, name, seed, self.config, self.steps, label)
        self.trials.append(trial)
        return trial

    def _restore(self, saved: list[dict[str, Any]]) -> None:
        """Continue the trials from where their states were saved."""
        for key, state in zip(self.labels, saved, strict=False):
            self._add_trial(*key).load_state(state)
        if self.trials:
            done, which = self.trials[-1].done, self.trials[-1].label
            where = "" if which == "train" else f" of {which}"
            words = f"resumed after step {done} of {self.steps}{where}"
            self.say(f"{self.lesson}: {words}")

    def _save(self) -> None:
        """Write a checkpoint of everything up to the last logged step."""
        began = time.perf_counter()
        state = {
            "format": CHECKPOINT_FORMAT,
            "trials": [trial.state() for trial in self.trials],
            "sizes": self.logger.sizes(),
        }
        checkpoint.save(self.logger.folder / checkpoint.NAME, state)
        now = time.perf_counter()
        self.next_save = now + max(SAVE_SECONDS, SAVE_SHARE * (now - began))

    def _sides(self) -> tuple[Side, Side]:
        """All trials so far, by implementation."""
        ours, theirs = (
            Side(library, [trial.sides[library] for trial in self.trials])
            for library in LIBRARIES
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
        verdicts = [(trial.name, trial.lockstep.verdict()) for trial in self.trials]
        expected = self.experiment.expect_no_learning
        unexpected = [
            v.words for n, v in verdicts if not v.learned and n not in expected
        ]
        none = Verdict("equal", "no step was compared")
        return Result(
            self.lesson,
            self.logger.folder,
            worst([verdict for _, verdict in verdicts] or [none]),
            checks,
            status,
            reason,
            time.perf_counter() - self.began,
            [f"loss/{trial.label}" for trial in self.trials],
            self.experiment.story,
            unexpected[0] if unexpected and status == "finished" else "",
        )

    def _write(self, result: Result) -> None:
        """Write the text verdict for TensorBoard and the summary."""
        trials = {trial.label: trial for trial in self.trials}
        self.logger.text("verdict", _markdown(result))
        self.logger.write_summary(
            status=result.status,
            reason=result.reason,
            ok=result.ok,
            verdict={n: asdict(t.lockstep.verdict()) for n, t in trials.items()},
            claims={
                text: {"holds": holds, "found": found}
                for text, (holds, found) in result.claims.items()
            },
            metrics={
                library: {n: t.sides[library].metrics for n, t in trials.items()}
                for library in LIBRARIES
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
            "trials": [*self.labels.values()],
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
        label: tells it from the others of a run.
    """

    def __init__(
        self,
        experiment: Experiment,
        name: str,
        seed: int,
        config: RunConfig,
        steps: int,
        label: str = "train",
    ) -> None:
        self.experiment, self.name, self.seed = experiment, name, seed
        self.steps, self.label, backend = steps, label, config.backend
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
        for batch in islice(self.loader, self.steps - self.done):
            step = self.lockstep.step(*batch)
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
            metrics = LIBRARIES[library].metrics
            for name, metric in self.experiment.metrics.items():
                for part, x, target in _splits(trial.data):
                    output = trial.learner.predict(trial.give(x))
                    value = metric(metrics, output, trial.give(target))
                    trial.note(f"{name}/{part}", step, value)
        return {library: trial.metrics for library, trial in self.sides.items()}

    def state(self) -> dict[str, Any]:
        """Everything that later steps and the checks depend on."""
        return {
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
