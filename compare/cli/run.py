"""`run`: lessons, trained on both sides in lockstep."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.cli._console import err, message, out, say, usage_errors
from compare.cli._options import Array, Device, DType, LogDir, Missing
from compare.cli._results import print_results
from compare.cli._resume import how_to_resume, reopen, require_alone
from compare.defaults import CHECK_EVERY

if TYPE_CHECKING:
    from compare.backend import Backend
    from compare.registry import Lesson
    from compare.trainer import Result, RunConfig


def run(
    context: typer.Context,
    lessons: Annotated[
        list[str] | None,
        typer.Argument(help="Names from `list`, your own lesson.py, or `all`."),
    ] = None,
    array: Annotated[
        Array,
        typer.Option(help="Array library for the hand-written side; auto: by size."),
    ] = Array.auto,
    device: Annotated[Device, typer.Option(help="Where both sides run.")] = Device.cpu,
    dtype: Annotated[DType, typer.Option(help="Floating-point type.")] = DType.float64,
    steps: Annotated[
        int | None, typer.Option(help="Training steps (≥ 1); else the lesson's own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed (≥ 0).")] = 0,
    logdir: LogDir = Path("runs"),
    threads: Annotated[int, typer.Option(help="CPU threads for each library.")] = 1,
    fast: Annotated[
        bool, typer.Option(help="Quick smoke test: few steps, no checks.")
    ] = False,
    data: Annotated[
        str, typer.Option(help="`mnist`, for lessons that can also be run on it.")
    ] = "",
    compile: Annotated[
        bool, typer.Option(help="Compile the hand-written step with torch.compile.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Learn a table of your own; needs --target.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="Column of --csv to predict from all others.")
    ] = "",
    hidden: Annotated[
        str, typer.Option(help="Units of hidden layers for --csv, such as 32,16.")
    ] = "",
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of --csv to leave out: id,name."),
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="Missing values in --csv: drop the row, or fill.")
    ] = Missing.drop,
    check_every: Annotated[
        int,
        typer.Option(help="Check a single step from equal states every N steps (≥ 1)."),
    ] = CHECK_EVERY,
    resume: Annotated[
        Path | None, typer.Option(help="Resume the interrupted run in this folder.")
    ] = None,
    distributed: Annotated[
        bool, typer.Option(help="Share every batch among the processes of torchrun.")
    ] = False,
    graph: Annotated[
        bool, typer.Option(help="Replay the hand-written step as a CUDA graph.")
    ] = False,
    tf32: Annotated[
        bool, typer.Option(help="Allow TF32 matrix multiplication.")
    ] = False,
) -> None:
    """Train lessons on both sides in lockstep; exit 0 only if they agree.

    Exit 1: a side differs, a check fails or training diverged. Exit 2: usage error.
    """
    with usage_errors():
        from compare import api, trainer

        if distributed and (compile or graph):
            raise ValueError(
                "--distributed cannot be combined with --compile or --graph: a "
                "compiled step cannot wait for other processes"
            )
        if resume is None:
            own = ("lessons", "resume", "distributed")
            given = {n: v for n, v in context.params.items() if n not in own}
            found, config = api.prepare(_expanded(lessons or [], data), **given)
        else:
            require_alone(context)
            found, config = reopen(resume)
        if not found:
            raise ValueError("name a lesson, `all`, or a run to --resume; see `list`")
        train: Any = partial(trainer.run, resumed=resume, say=partial(say, out))
        if distributed:
            found, config, train = _distributed(context, found, config)
    if config.backend.device == "cuda":
        _print_device(config.backend)
    auto = array is Array.auto and resume is None
    results: list[Result] = []
    try:
        for lesson in found:
            result = _trained(lesson, config, train, auto)
            results += [] if result is None else [result]  # None: not on this rank
    finally:
        with usage_errors(OSError):
            print_results(results, found, config)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


def _expanded(names: list[str], data: str) -> list[str]:
    """The names, once each, `all` replaced by the lessons that have the data."""
    from compare import registry

    if "all" not in names:
        return list(dict.fromkeys(names))
    every = registry.names()
    chosen = registry.on_data(data) if data else every
    if skipped := [name for name in every if name not in chosen]:
        say(err, f"skipped (no {data} version): {', '.join(skipped)}", "yellow")
    return list(dict.fromkeys([*chosen, *(name for name in names if name != "all")]))


def _distributed(
    context: typer.Context, lessons: list["Lesson"], config: "RunConfig"
) -> tuple[list["Lesson"], "RunConfig", Any]:
    """The lessons with every batch shared among all processes, and how to train them.

    From here on only rank 0 prints.
    """
    from compare.distributed import ranks, run_spread, spread
    from compare.registry import Lesson

    communicator = context.with_resource(ranks(config.backend.device))
    out.quiet = err.quiet = communicator.rank > 0
    found = [
        Lesson(name, source, spread(name, experiment, communicator, config.seed))
        for name, source, experiment in lessons
    ]
    config = replace(config, ranks=communicator.size)
    return found, config, partial(run_spread, communicator)


def _print_device(backend: "Backend") -> None:
    """Which CUDA device it is, and how exactly it multiplies."""
    import torch

    tf32 = "on" if backend.tf32 else "off"
    say(out, f"{torch.cuda.get_device_name()}: TF32 {tf32}")


def _trained(
    lesson: "Lesson", config: "RunConfig", train: Any, auto: bool
) -> "Result | None":
    """Train a lesson; `auto` takes torch arrays for a large model.

    Ctrl-C and SIGTERM end this lesson and all after it.
    """
    from compare.array_choice import choose_array

    try:
        with usage_errors(Exception, about=_where(lesson, config.logdir)):
            name, source, experiment = lesson
            used = config
            if auto:
                used, reason = choose_array(experiment, config)
                if used.backend.array != config.backend.array:
                    say(out, f"{name}: Backend: {reason}")
            return train(name, experiment, used, _progress, source=source)
    except KeyboardInterrupt as stop:
        raise typer.Exit(_interrupted(lesson.name, stop, config.logdir)) from None


def _interrupted(name: str, stop: KeyboardInterrupt, logdir: Path) -> int:
    """Say what ended a lesson, and how to resume it; returns the exit status."""
    from compare.distributed import RankLost
    from compare.trainer import Interrupted

    if isinstance(stop, RankLost):
        err.quiet = False  # whoever notices says so: it may be rank 0 that was lost
        say(err, f"error: {name}: {stop}", "red")
        return 1
    hint = how_to_resume(logdir, name)
    say(err, f"{name}: interrupted; all logged steps are kept{hint}", "yellow")
    return 143 if isinstance(stop, Interrupted) else 130


def _where(lesson: "Lesson", logdir: Path) -> Callable[[Exception], str]:
    """What stands before an error in a lesson: its name and where to look."""
    from compare import registry

    def about(error: Exception) -> str:
        if isinstance(error, OSError):
            return f"{lesson.name}, logged in {logdir}: "
        path, own_file, _ = lesson.source.rpartition("#")
        line = registry.line_in(path, error) if own_file else None
        if line is None or message(error).endswith(f"line {line})"):
            return f"{lesson.name}: "
        return f"{lesson.name} ({path}, line {line}): "

    return about


def _progress(steps: Iterator[Any], label: str, total: int) -> Iterator[Any]:
    """Show how many steps are done; nothing where nobody looks."""
    from rich.progress import track

    return iter(
        track(
            steps,
            description=label,
            total=total,
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
    )
