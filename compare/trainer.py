"""Run one lesson: train both implementations, log, compare, check, draw, sum up."""

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compare import checkpoint, evaluation, plots
from compare.evaluation import Checks, LessonError
from compare.experiment import Experiment
from compare.lockstep import NonFinite, Step
from compare.logger import RunLogger
from compare.report import notebook, page
from compare.results import Side
from compare.run_config import (
    Interrupted,
    RunConfig,
    process_settings,
    sigterm_interrupts,
)
from compare.run_folder import read_curves
from compare.trial_run import LIBRARIES, TrialRun
from compare.verdict import Verdict, worst

SAVE_SECONDS = 1.0
"""Seconds between two checkpoints, at least."""
SAVE_SHARE = 20
"""Training goes on this many times as long as saving took before the next checkpoint:
what is saved grows with the run, its share of the time does not."""
CHECKPOINT_FORMAT = 6
"""Version of what a checkpoint holds."""
OPTIONS = (
    *("seed", "threads", "fast", "data", "ranks", "check_every"),
    *("lr", "batch_size", "hidden", "accumulate", "watch"),
)
"""Of a run's configuration, what its summary names beside the backend."""
UNCOMPARED = {"title", "story", "course", "began", "versions", "machine"}
"""What may be another where a run is resumed."""
Progress = Callable[[Iterator[Step], str, int], Iterator[Step]]
"""Wraps the steps to show them; gets their label and number."""


@dataclass
class Result:
    """The result of a run."""

    lesson: str
    folder: Path
    verdict: Verdict  # the worst of all trials
    claims: Checks
    status: str  # "finished", "diverged", "failed" or "interrupted"
    reason: str  # why it did not finish, or ""
    seconds: float
    tags: list[str]  # of the loss curves in TensorBoard
    story: str = ""
    nothing_learned: str = ""  # why the comparison of a learner proves nothing, or ""

    @property
    def failures(self) -> list[str]:
        """What fails beside the comparison itself, in words."""
        checks = self.claims.items()
        failed = [f"{text} ({found})" for text, (holds, found) in checks if not holds]
        return [self.nothing_learned, *failed] if self.nothing_learned else failed

    @property
    def ok(self) -> bool:
        """Whether the run finished, both sides agree and every check holds."""
        finished = self.status == "finished"
        return finished and self.verdict.agrees and not self.failures

    def _repr_html_(self) -> str:
        return notebook.as_html(self)


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
    experiment = config.adapted(experiment)
    steps = config.steps_of(experiment)  # refused before anything is written
    if config.fast:
        experiment = replace(experiment, seeds=1)
    given = (lesson, source or lesson, experiment, config, steps)
    with process_settings(config), sigterm_interrupts():
        run = _Run(*given, progress, say)
        if resumed is None:
            logger = RunLogger.new(config.logdir, lesson)
        else:  # all is restored before any file is cut
            logger = RunLogger(resumed, run.restore(resumed))
        with logger:
            return run.result(logger)


@dataclass
class _Run:
    """All trials of one run: each learner from each seed."""

    lesson: str
    source: str
    experiment: Experiment
    config: RunConfig
    steps: int
    progress: Progress | None
    say: Callable[[str], None]
    logger: RunLogger = field(init=False)
    trials: list[TrialRun] = field(default_factory=list)
    next_save: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    @cached_property
    def labels(self) -> dict[tuple[str, int], str]:
        """What tells learner and seed of each trial; "train" if there is only one."""
        seeds, learners = self.experiment.seeds, self.experiment.learners
        labels = {}
        for seed in range(self.config.seed, self.config.seed + seeds):
            for name in learners:
                words = [name] * (len(learners) > 1) + [f"seed {seed}"] * (seeds > 1)
                labels[name, seed] = " ".join(words) or "train"
        return labels

    def result(self, logger: RunLogger) -> Result:
        """Train, check and draw; whatever stops that is written down."""
        self.logger = logger
        status, reason, checks = "interrupted", "stopped from outside", {}
        try:
            logger.write_summary(**self.metadata, status="running")
            self._save()  # a lesson may be killed while it draws its data
            self._train()
            ours, theirs = self._sides()
            if not self.config.fast:
                checks = evaluation.checks(self.experiment, [ours, theirs])
            self._draw(ours, theirs)
            status, reason = "finished", ""
        except NonFinite as error:
            status, reason = "diverged", str(error)
            trial = self.trials[-1]
            which = trial.label, trial.name, trial.seed
            self.logger.log_non_finite(error.losses, error.step, *which)
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
            self._save()
            for step in self._shown(trial):
                self.logger.log(step, trial.label, trial.name, trial.seed)
                self._log_watched(trial, step.number)
                for library, metrics in trial.measure(step.number).items():
                    self.logger.metrics(library, trial.label, step.number, metrics)
                if time.perf_counter() > self.next_save:
                    self._save()
        self._save()

    def _log_watched(self, trial: TrialRun, step: int) -> None:
        """Log what is watched in every step; the distributions in some."""
        due = step % self.config.check_every == 0 or step == self.steps - 1
        for library, watch in trial.watches.items():
            found = trial.sides[library].watched = watch.step()
            for name, numbers in found.items():
                tags = {f"watch/{kind}/{name}": n for kind, n in numbers.items()}
                self.logger.metrics(library, trial.label, step, tags)
            if due and found:
                arrays = {"weights": watch.weights, "gradients": watch.gradients}
                for kind, named in arrays.items():
                    tags = {f"{kind}/{name}": a for name, a in named.items()}
                    self.logger.histograms(library, trial.label, step, tags)

    def _shown(self, trial: TrialRun) -> Iterator[Step]:
        """The remaining steps of a trial, with their progress."""
        label, left = f"{self.lesson} {trial.label}", self.steps - trial.done
        steps = trial.train()
        return self.progress(steps, label, left) if self.progress else steps

    def _add_trial(self, name: str, seed: int) -> TrialRun:
        label = self.labels[name, seed]
        trial = TrialRun(self.experiment, name, seed, self.config, self.steps, label)
        self.trials.append(trial)
        return trial

    def restore(self, folder: Path) -> dict[str, int]:
        """Continue from where a run was saved; returns the sizes of its files then."""
        saved = checkpoint.load(path := folder / checkpoint.NAME)
        if not isinstance(saved, dict) or saved.get("format") != CHECKPOINT_FORMAT:
            raise checkpoint.BadCheckpoint(
                f"{path} was saved by an older version; start the run again"
            )
        try:
            self._compare_metadata(path, saved["run"])
            for key, state in zip(self.labels, saved["trials"], strict=False):
                self._add_trial(*key).load_state(state)
            sizes = {str(name): int(size) for name, size in saved["sizes"].items()}
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            words = f"{path} does not fit the lesson ({type(error).__name__}: {error})"
            raise checkpoint.BadCheckpoint(words) from error
        trial = self.trials[-1] if self.trials else None
        which = f" of {trial.label}" if trial and trial.label != "train" else ""
        done = trial.done if trial else 0
        self.say(f"{self.lesson}: resumed after step {done} of {self.steps}{which}")
        return sizes

    def _compare_metadata(self, path: Path, saved: dict[str, Any]) -> None:
        """Refuse the checkpoint of another run; warn of other versions."""
        others = [
            f"{name} {saved[name]!r} instead of {value!r}"
            for name, value in self.metadata.items()
            if name not in UNCOMPARED and saved[name] != value
        ]
        if others:
            raise checkpoint.BadCheckpoint(
                f"{path} is not of this run: it has {', '.join(others)}"
            )
        for name, now in self.metadata["versions"].items():
            if (then := saved["versions"][name]) != now:
                self.say(
                    f"warning: {path} was saved by {name} {then}, this is {now}; "
                    f"the last digits may differ from those of a single run"
                )

    def _save(self) -> None:
        """Write a checkpoint of everything up to the last logged step."""
        began = time.perf_counter()
        state = {
            "format": CHECKPOINT_FORMAT,
            "run": self.metadata,
            "trials": [trial.state() for trial in self.trials],
            "sizes": self.logger.sizes(),
        }
        checkpoint.save(self.logger.folder / checkpoint.NAME, state)
        now = time.perf_counter()
        self.next_save = now + max(SAVE_SECONDS, SAVE_SHARE * (now - began))

    def _sides(self) -> list[Side]:
        """All trials so far, by implementation."""
        return [Side(n, [trial.sides[n] for trial in self.trials]) for n in LIBRARIES]

    def _draw(self, ours: Side, theirs: Side) -> None:
        """Write the figures and further files of the run."""
        rows = read_curves(self.logger.folder, [*self.labels.values()])
        tolerances = [trial.lockstep.tolerance.bound for trial in self.trials]
        standard = {
            "curves": lambda side: plots.loss_curves(side, theirs),
            "difference": lambda side: plots.differences([*rows.values()], tolerances),
        }
        verdict = self._verdict().sentence
        figures = standard | {**self.experiment.figures}
        for name, images in evaluation.figures(figures, ours, self.lesson, verdict):
            self.logger.figure(name, *images)
        for name, text in evaluation.files(self.experiment, ours, theirs):
            checkpoint.replace_file(self.logger.folder / name, text.encode())

    def _verdict(self) -> Verdict:
        """The gravest of all trials."""
        verdicts = [trial.lockstep.verdict() for trial in self.trials]
        return worst(verdicts or [Verdict("equal", "no step was compared")])

    def _result(self, status: str, reason: str, checks: Checks) -> Result:
        verdicts = [trial.lockstep.verdict() for trial in self.trials]
        dead = [
            verdict.words
            for trial, verdict in zip(self.trials, verdicts, strict=True)
            if not verdict.learned
            and trial.name not in self.experiment.expect_no_learning
        ]
        return Result(
            self.lesson,
            self.logger.folder,
            self._verdict(),
            checks,
            status,
            reason,
            seconds=time.perf_counter() - self.began,
            tags=[f"loss/{trial.label}" for trial in self.trials],
            story=self.experiment.story,
            nothing_learned=dead[0] if dead and status == "finished" else "",
        )

    def _write(self, result: Result) -> None:
        """Write the verdict for TensorBoard, the summary and the report."""
        trials = {trial.label: trial for trial in self.trials}
        checks = result.claims.items()
        self.logger.text("verdict", _markdown(result))
        self.logger.write_summary(
            status=result.status,
            reason=result.reason,
            ok=result.ok,
            verdict={n: asdict(t.lockstep.verdict()) for n, t in trials.items()},
            errors={n: t.lockstep.errors() for n, t in trials.items()},
            claims={
                t: {"holds": holds, "found": words} for t, (holds, words) in checks
            },
            metrics={
                library: {n: t.sides[library].metrics for n, t in trials.items()}
                for library in LIBRARIES
            },
            **self._watched(),
            timings={
                "seconds": round(result.seconds, 3),
                "steps": sum(trial.done for trial in self.trials),
            },
        )
        page.write(self.logger.folder)

    def _watched(self) -> dict[str, Any]:
        """What was watched in the last step of each trial, by implementation."""
        if not self.config.watch:
            return {}
        found = {
            library: {
                trial.label: trial.sides[library].watched for trial in self.trials
            }
            for library in LIBRARIES
        }
        return {"watched": found}

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What has to be known to run the same again."""
        config, experiment = self.config, self.experiment
        libraries = ("numpy", "torch", "tensorboard")
        return {
            "lesson": self.lesson,
            "source": self.source,
            "title": experiment.title,
            "story": experiment.story,
            "course": list(experiment.course),
            "began": datetime.now(UTC).isoformat(timespec="seconds"),
            **asdict(config.backend),
            **{name: getattr(config, name) for name in OPTIONS},
            "seeds": experiment.seeds,
            "steps": self.steps,
            "trials": [*self.labels.values()],
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in libraries},
            "machine": platform.machine(),
        }


def _markdown(result: Result) -> str:
    rows = "\n".join(
        f"| {'holds' if holds else '**fails**'} | {_cell(text)} | {_cell(found)} |"
        for text, (holds, found) in result.claims.items()
    )
    return (
        f"**{result.verdict.sentence}**\n\n"
        f"status: {result.status} {result.reason}\n\n"
        f"{result.story}\n\n"
        f"| | Check | Result |\n|---|---|---|\n{rows}\n"
    )


def _cell(text: str) -> str:
    """A text in a table of Markdown, where | ends a cell and a line ends a row."""
    return " ".join(text.replace("|", r"\|").split())


__all__ = ["Interrupted", "LessonError", "Result", "RunConfig", "run"]
