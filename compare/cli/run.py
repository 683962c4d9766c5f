"""`run`: lessons, trained on both sides in lockstep."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.cli._console import err, message, out, say, usage_errors
from compare.cli._options import Array, Device, DType, LogDir, Missing
from compare.cli._results import print_results
from compare.cli._resume import how_to_resume, reopen, require_alone

if TYPE_CHECKING:
    from compare.backend import Backend
    from compare.registry import Lesson
    from compare.trainer import Result, RunConfig
    from torch_ref.distributed import Communicator


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
        from compare.api import prepare

        if distributed and (graph or compile):
            raise ValueError(
                "--distributed cannot be combined with --compile or --graph: a "
                "compiled step cannot wait for other processes"
            )
        if resume is None:
            own = ("lessons", "resume", "distributed")
            given = {n: v for n, v in context.params.items() if n not in own}
            found, config = prepare(_expanded(lessons or [], data), **given)
        else:
            require_alone(context)
            found, config = reopen(resume)
        if not found:
            raise ValueError("name a lesson, `all`, or a run to --resume; see `list`")
        communicator = _joined(context, device.value) if distributed else None
        if communicator is not None:
            found, config = _shared(found, config, communicator)
    _print_device(config.backend)
    auto = array is Array.auto and resume is None
    results: list[Result] = []
    try:
        for result in _trained(found, config, resume, communicator, auto):
            results.append(result)
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


def _print_device(backend: "Backend") -> None:
    """On CUDA, which device it is and how exactly it multiplies."""
    if backend.device == "cuda":
        import torch

        name, tf32 = torch.cuda.get_device_name(), "on" if backend.tf32 else "off"
        say(out, f"{name}: TF32 {tf32}")


def _joined(context: typer.Context, device: str) -> "Communicator":
    """All processes that torchrun started; from here on only rank 0 prints."""
    from compare.distributed import ranks

    communicator = context.with_resource(ranks(device))
    out.quiet = err.quiet = communicator.rank > 0
    return communicator


def _shared(
    lessons: Sequence["Lesson"], config: "RunConfig", communicator: "Communicator"
) -> tuple[list["Lesson"], "RunConfig"]:
    """The same lessons, every batch shared among all processes."""
    from compare.distributed import spread

    found = [
        lesson._replace(
            experiment=spread(lesson.name, lesson.experiment, communicator, config.seed)
        )
        for lesson in lessons
    ]
    return found, replace(config, ranks=communicator.size)


def _trained(
    lessons: Sequence["Lesson"],
    config: "RunConfig",
    resume: Path | None,
    communicator: "Communicator | None",
    auto: bool,
) -> Iterator["Result"]:
    """Train lesson after lesson; Ctrl-C and SIGTERM end all of them."""
    from compare import trainer
    from compare.distributed import run_spread

    train = partial(trainer.run, resumed=resume)
    if communicator is not None:
        train = partial(run_spread, communicator)
    for lesson in lessons:
        name, source, experiment = lesson
        try:
            with usage_errors(Exception, about=_where(lesson, config.logdir)):
                used = _sized(lesson, config) if auto else config
                result = train(name, experiment, used, _progress, source=source)
        except KeyboardInterrupt as stop:
            raise typer.Exit(_interrupted(name, stop, config.logdir)) from None
        if result is not None:
            yield result


def _sized(lesson: "Lesson", config: "RunConfig") -> "RunConfig":
    """Torch arrays for a large model; says so."""
    from compare.sizing import settled

    used, _ = settled(lesson.experiment, config)
    if used.backend.array != config.backend.array:
        say(out, f"{lesson.name}: Backend: torch tensors (large model)")
    return used


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
