"""`run`: lessons, trained on both sides in lockstep."""

import traceback
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer import Argument, Option

from compare import course, registry
from compare.cli._console import (
    EXPECTED,
    err,
    out,
    progress,
    refusal,
    say,
    usage_errors,
)
from compare.cli._options import LANG, LOGDIR, TF32, THREADS, Device, DType, Language
from compare.cli._results import print_explanation, print_results
from compare.cli._resume import how_to_resume, reopen, require_alone
from compare.cli.board import serve
from compare.defaults import CHECK_EVERY
from compare.translation import _, in_use, use

if TYPE_CHECKING:
    from compare.trainer import Result, RunConfig

Array = StrEnum(
    "Array", {"auto": "auto", "numpy": "numpy", "torch": "torch", "jax": "jax"}
)
Missing = StrEnum("Missing", {"drop": "drop", "mean": "mean"})


def run(
    context: typer.Context,
    lessons: list[str] | None = Argument(
        None, help="Names or course ids from `list`, your own lesson.py, or `all`."
    ),
    array: Array = Option(
        Array.auto, help="Array library for the hand-written side; auto: by size."
    ),
    device: Device = Option(Device.cpu, help="Where both sides run."),
    dtype: DType = Option(DType.float64, help="Floating-point type."),
    steps: int | None = Option(
        None, help="Training steps (≥ 1); else the lesson's own."
    ),
    lr: float | None = Option(None, help="Learning rate; else the lesson's own."),
    batch_size: int | None = Option(
        None, help="Examples per step; else the lesson's own."
    ),
    accumulate: int | None = Option(
        None, help="Split each batch into N micro-batches; their gradients add up."
    ),
    seed: int = Option(0, help="Random seed (≥ 0)."),
    logdir: Path = LOGDIR,
    threads: int = THREADS,
    watch: bool = Option(
        False,
        "--watch",
        help="Log norms of weights and gradients, updates and dead ReLUs.",
    ),
    fast: bool = Option(
        False, "--fast", help="Quick smoke test: few steps, no checks."
    ),
    data: str = Option("", help="`mnist`, for lessons that can also be run on it."),
    compile: bool = Option(
        False, "--compile", help="Compile the hand-written step with torch.compile."
    ),
    csv: Path | None = Option(None, help="Learn a table of your own; needs --target."),
    target: str = Option("", help="Column of --csv to predict from all others."),
    hidden: str = Option("", help="Units of each hidden layer, such as 32,16."),
    drop: list[str] | None = Option(
        None, metavar="COLUMNS", help="Columns of --csv to leave out: id,name."
    ),
    missing: Missing = Option(
        Missing.drop, help="Missing values in --csv: drop their rows, or fill them."
    ),
    predict: Path | None = Option(
        None, help="CSV file of new rows, which both sides predict."
    ),
    check_every: int = Option(
        CHECK_EVERY, help="Check a single step from equal states every N steps (≥ 1)."
    ),
    resume: Path | None = Option(
        None, help="Resume the run in this folder; a lesson.py is to be named again."
    ),
    distributed: bool = Option(
        False,
        "--distributed",
        help="Share every batch among the processes of torchrun.",
    ),
    graph: bool = Option(
        False, "--graph", help="Replay the hand-written step as a CUDA graph."
    ),
    tf32: bool = TF32,
    jobs: int = Option(1, help="Lessons trained at the same time (≥ 1)."),
    explain: bool = Option(
        False, "--explain", help="Explain the numbers of the verdict."
    ),
    board: bool = Option(
        False, "--board", help="Then start TensorBoard and open the run in it."
    ),
    lang: Language | None = LANG,
) -> None:
    """Train lessons on both sides in lockstep, and compare them.

    Exit 0: both sides agree and every check holds. Exit 1: a side differs, a check
    fails or training diverged. Exit 2: usage error.
    """
    if explain and not (lessons or csv or resume):
        print_explanation()
        return
    with usage_errors():
        from compare import api, trainer

        if distributed and (compile or graph):
            raise ValueError(
                "--distributed cannot be combined with --compile or --graph: a "
                "compiled step cannot wait for other processes"
            )
        changed = any(value is not None for value in (lr, batch_size))
        if distributed and (changed or board or (hidden and csv is None)):
            raise ValueError(
                "--distributed cannot be combined with --lr, --batch-size, --board "
                "or --hidden of a lesson"
            )
        if jobs < 1 or (distributed and jobs > 1):
            wanted = "1 with --distributed" if distributed else "at least 1"
            raise ValueError(f"jobs must be {wanted}, got {jobs}")
        if resume is None:
            own = ("lessons", "resume", "distributed", "jobs", "explain", "board")
            own = (*own, "lang")
            given = {n: v for n, v in context.params.items() if n not in own}
            found, config = api.prepare(_expanded(lessons or [], data), **given)
        else:
            require_alone(context)
            found, config = reopen(resume, lessons or [])
        if not found:
            raise ValueError("name a lesson, `all`, or a run to --resume; see `list`")
        shown: Any = {"progress": progress, "say": partial(say, out)}
        train: Any = partial(trainer.run, resumed=resume, **shown)
        if distributed:
            found, config, train = _distributed(context, found, config)
    if config.backend.device == "cuda":
        import torch

        tf32_state = "on" if config.backend.tf32 else "off"
        say(out, f"{torch.cuda.get_device_name()}: TF32 {tf32_state}")
    auto = array is Array.auto and resume is None
    results: list[Result] = []
    try:
        if jobs > 1 and len(found) > 1:
            _train_in_processes(found, config, auto, jobs, results)
        else:
            for lesson in found:
                result = _trained(lesson, config, train, auto)
                results += [] if result is None else [result]  # None: not on this rank
    finally:
        with usage_errors():
            print_results(results, found, config, explain)
    if board:
        serve(config.logdir, results[-1].folder, port=0, show=True)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


def _expanded(names: list[str], data: str) -> list[str]:
    """The names, once each; `all` and ids of the course replaced by their lessons."""
    names = [lesson for name in names for lesson in course.lessons_named(name)]
    if "all" not in names:
        return list(dict.fromkeys(names))
    every = registry.names()
    chosen = registry.on_data(data) if data else every
    if skipped := [name for name in every if name not in chosen]:
        words = _("skipped (no {} version): {}").format(data, ", ".join(skipped))
        say(err, words, "yellow")
    return list(dict.fromkeys([*chosen, *(name for name in names if name != "all")]))


def _distributed(
    context: typer.Context, lessons: list[registry.Lesson], config: "RunConfig"
) -> tuple[list[registry.Lesson], "RunConfig", Any]:
    """The lessons with every batch shared among all processes, and how to train them.

    From here on only rank 0 prints.
    """
    from compare.distributed import ranks, run_spread, spread

    communicator = context.with_resource(ranks(config.backend.device))
    out.quiet = err.quiet = communicator.rank > 0
    found = [
        one._replace(experiment=spread(one.name, one.experiment, communicator, config))
        for one in lessons
    ]
    config = replace(config, ranks=communicator.size)
    return found, config, partial(run_spread, communicator, progress=progress)


def _trained(
    lesson: registry.Lesson, config: "RunConfig", train: Any, auto: bool
) -> "Result | None":
    """Train a lesson; `auto` takes torch arrays for a large model.

    Ctrl-C and SIGTERM end this lesson and all after it.
    """
    from compare.api import choose_array

    name, source, experiment = lesson
    try:
        used = config
        if auto:
            used, reason = choose_array(experiment, config)
            if used.backend.array != config.backend.array:
                say(out, f"{name}: {_('Backend')}: {_(reason)}")
        return train(name, experiment, used, source=source)
    except KeyboardInterrupt as stop:
        raise typer.Exit(_interrupted(name, stop, config.logdir)) from None
    except Exception as error:
        raise refusal(_explained(error, lesson, config.logdir)) from None


def _train_in_processes(
    lessons: list[registry.Lesson],
    config: "RunConfig",
    auto: bool,
    jobs: int,
    results: list["Result"],
) -> None:
    """Train `jobs` lessons at a time; add their results in the order of the lessons."""
    from compare.cli._jobs import train_in_processes

    done: list[tuple[str, Result]] = []
    try:
        sources = [lesson.source for lesson in lessons]
        train_in_processes(
            partial(_found_and_trained, config, auto, in_use()), sources, jobs, done
        )
    finally:
        for said, result in done:
            out.print(said, end="", markup=False, soft_wrap=True)
            results.append(result)


def _found_and_trained(
    config: "RunConfig", auto: bool, language: str, source: str
) -> tuple[str, "Result | None"]:
    """Train a lesson in a process of its own; returns what it says, too."""
    from compare import trainer

    use(language)
    file = source.rpartition("#")[0]
    lesson = registry.reopen(source, *[file] * file.endswith(".py"))
    with out.capture() as said:
        result = _trained(lesson, config, trainer.run, auto)
    return said.get(), result


def _interrupted(name: str, stop: KeyboardInterrupt, logdir: Path) -> int:
    """Say what ended a lesson, and how to resume it; returns the exit status."""
    from compare.distributed import RankLost
    from compare.trainer import Interrupted

    if isinstance(stop, RankLost):
        err.quiet = False  # whoever notices says so: it may be rank 0 that was lost
        return refusal(f"{name}: {stop}").exit_code
    hint = how_to_resume(logdir, name)
    words = _("interrupted; all logged steps are kept")
    say(err, f"{name}: {words}{hint}", "yellow")
    return 143 if isinstance(stop, Interrupted) else 130


def _explained(error: Exception, lesson: registry.Lesson, logdir: Path) -> str:
    """What is wrong in a lesson and where: in its own file, if it has one."""
    words = str(error)
    if isinstance(error, OSError):
        return f"{lesson.name}, logged in {logdir}: {words}"
    if not isinstance(error, EXPECTED):
        last = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"
    path, own_file, _ = lesson.source.rpartition("#")
    line = registry.line_in(path, error) if own_file else None
    if line and not words.endswith(f"line {line})"):
        return f"{lesson.name} ({path}, line {line}): {words}"
    return f"{lesson.name}: {words}"
