"""`run`: lessons, trained on both sides in step."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compare.cli._options import Array, Device, DType, LogDir
from compare.cli._results import print_arrays, print_results, print_shortened
from compare.cli._resumable import how_to_resume, require_run
from compare.cli._shared import err, in_words, out, usage_errors

if TYPE_CHECKING:
    from compare.backend import Backend
    from compare.trainer import Result, RunConfig
    from torch_ref.distributed import Communicator

Loaded = tuple[str, str, Any]
"""Of a lesson: where to find it again, its name, and itself."""

UNSAID = (None, 0, Array.auto, Device.cpu, DType.float64, 1, False, "", None, "", "")
UNSAID += (False,) * 4
"""What stands for all options but --logdir and --resume where nothing is said."""


def run(
    context: typer.Context,
    lessons: Annotated[
        list[str] | None,
        typer.Argument(help="Names from `list`, your own lesson.py, or `all`."),
    ] = None,
    array: Annotated[
        Array, typer.Option(help="Of the hand-written side; auto: by its size.")
    ] = Array.auto,
    device: Annotated[Device, typer.Option(help="Where both sides run.")] = Device.cpu,
    dtype: Annotated[DType, typer.Option(help="What both compute in.")] = DType.float64,
    steps: Annotated[
        int | None, typer.Option(help="At least 1, instead of the lesson's own number.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn, at least 0.")] = 0,
    logdir: LogDir = Path("runs"),
    threads: Annotated[int, typer.Option(help="Of NumPy and torch each.")] = 1,
    fast: Annotated[
        bool, typer.Option(help="A few steps from one seed; no claim is judged.")
    ] = False,
    data: Annotated[
        str, typer.Option(help="`mnist`, for lessons that can also be run on it.")
    ] = "",
    compile: Annotated[
        bool, typer.Option("--compile", help="The hand-written step, on torch arrays.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Learn a table of your own; needs --target.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="The column of --csv to learn from all others.")
    ] = "",
    hidden: Annotated[
        str, typer.Option(help="Units of hidden layers for --csv, such as 32,16.")
    ] = "",
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the run in this folder, as it was started."),
    ] = None,
    distributed: Annotated[
        bool, typer.Option(help="Share every batch among the ranks of torchrun.")
    ] = False,
    graph: Annotated[
        bool, typer.Option(help="Replay the hand-written step as a CUDA graph.")
    ] = False,
    tf32: Annotated[
        bool, typer.Option(help="Let cuda round float32 to TF32 in products.")
    ] = False,
) -> None:
    """Train lessons on both sides in step; exit 0 only if they agree and claims hold.

    Exit 1: a side differs, a claim fails or training diverged. Exit 2: usage error.
    """
    with usage_errors():
        from compare import registry
        from compare.backend import Backend
        from compare.trainer import RunConfig

        if distributed and (graph or compile):
            raise ValueError("a compiled step or a graph cannot wait for other ranks")
        automatic = array is Array.auto and resume is None
        on_torch = compile or graph or device is Device.cuda
        unsettled = Array.torch if on_torch else Array.numpy
        arrays = unsettled if array is Array.auto else array
        backend = Backend(
            arrays.value, device.value, dtype.value, compile, graph=graph, tf32=tf32
        )
        settings = RunConfig(backend, steps, seed, logdir, threads, fast, data)
        if resume is not None:
            said = (steps, seed, array, device, dtype, threads, fast, data)
            said += (csv, target, hidden, compile, distributed, graph, tf32)
            if said != UNSAID:
                raise ValueError(
                    "--resume goes on as the run was started; only name it"
                )
            wanted, settings = _cut_short(resume, lessons or [])
            logdir = settings.logdir
        elif csv is not None or target or hidden:
            wanted = [_table(csv, target, hidden, lessons or [])]
        else:
            wanted = [n for name in lessons or [] for n in _expanded(name, data)]
        if not wanted:
            raise ValueError("name a lesson, `all`, or a run to --resume; see `list`")
        loaded = [
            (registry.source(name), *registry.load(name))
            for name in dict.fromkeys(wanted)
        ]
        for _, name, lesson in loaded:  # before the first of them is run
            registry.require_data(name, lesson, settings.data)
            settings.steps_of(lesson)
        communicator = _joined(context, device.value) if distributed else None
        if communicator is not None:
            loaded, settings = _dealt_out(loaded, settings, communicator)
    _say_device(settings.backend)
    results: list[Result] = []
    chosen: dict[str, str] | None = {} if automatic else None
    try:
        _run_all(loaded, settings, resume, communicator, results, chosen)
    finally:
        with usage_errors(OSError):
            print_arrays(chosen or {}, [result.lesson for result in results])
            print_results(results, logdir, settings.fast)
            if not settings.fast:
                print_shortened(results, _shortened(loaded, settings))
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


def _shortened(loaded: Any, settings: "RunConfig") -> dict[str, str]:
    """The lessons that take fewer steps than their claims are made for: how many."""
    lessons = {name: lesson.on(settings.data) for _, name, lesson in loaded}
    steps = {
        n: (settings.steps_of(lesson), lesson.steps) for n, lesson in lessons.items()
    }
    return {n: f"{few} of {due}" for n, (few, due) in steps.items() if few < due}


def _expanded(name: str, data: str) -> list[str]:
    """The lessons that a word stands for: `all` are those that have the data."""
    from compare import registry

    if name != "all":
        return [name]
    every = registry.names()
    chosen = registry.on_data(data) if data else every
    if left_out := [name for name in every if name not in chosen]:
        words = f"left out, having no data {data!r}: {', '.join(left_out)}"
        err.print(words, style="yellow", markup=False, soft_wrap=True)
    return chosen


def _table(csv: Path | None, target: str, hidden: str, lessons: list[str]) -> str:
    """The name of the lesson made of a table."""
    if csv is None:
        raise ValueError("--target and --hidden go with --csv FILE")
    if lessons:
        raise ValueError(f"--csv runs a lesson of its own; leave out {lessons[0]!r}")
    if not target:
        raise ValueError("--csv needs --target NAME, the column to be learned")
    from compare.tables.reference import reference, units

    return reference(csv, target, units(hidden))


def _cut_short(folder: Path, lessons: list[str]) -> tuple[list[str], "RunConfig"]:
    """The lesson and the settings of a run that is to be gone on with."""
    from compare import registry
    from compare.backend import Backend
    from compare.logger import read_summary
    from compare.trainer import RunConfig

    if lessons:
        raise ValueError("--resume goes on with one run as it was; name no lesson")
    require_run(folder)
    said = read_summary(folder)
    name, _, known = said["source"].partition("#")
    if registry.source(name) != said["source"]:
        raise ValueError(f"{name} is not as it was when {folder} was started ({known})")
    if said["status"] not in ("interrupted", "failed"):
        raise ValueError(f"{folder} is {said['status']}: there is nothing to resume")
    how = {name: said.get(name, False) for name in ("compile", "graph", "tf32")}
    backend = Backend(said["array"], said["device"], said["dtype"], **how)
    logdir = folder.parent.parent
    if (ranks := said.get("ranks", 1)) > 1:
        raise ValueError(
            f"{folder} was shared by {ranks} ranks; only a run of one process can be "
            f"gone on with"
        )
    known = {name: said[name] for name in ("steps", "seed", "threads", "fast", "data")}
    return [name], RunConfig(backend, logdir=logdir, **known)


def _say_device(backend: "Backend") -> None:
    """On CUDA, which device it is and how exactly it multiplies."""
    if backend.device == "cuda":
        import torch

        name, tf32 = torch.cuda.get_device_name(), "on" if backend.tf32 else "off"
        out.print(f"{name}: TF32 {tf32}", markup=False)


def _joined(context: typer.Context, device: str) -> "Communicator":
    """All ranks that torchrun started; from here on only rank 0 prints."""
    from compare.distributed import ranks

    communicator = context.with_resource(ranks(device))
    out.quiet = err.quiet = communicator.rank > 0
    return communicator


def _dealt_out(
    loaded: list[Loaded], settings: "RunConfig", communicator: "Communicator"
) -> tuple[list[Loaded], "RunConfig"]:
    """The same lessons, every batch dealt out to all ranks."""
    from compare.distributed import spread

    found = [
        (source, name, spread(name, lesson, communicator, settings.seed))
        for source, name, lesson in loaded
    ]
    return found, replace(settings, ranks=communicator.size)


def _run_all(
    loaded: list[Loaded],
    settings: "RunConfig",
    resume: Path | None,
    communicator: "Communicator | None",
    results: list["Result"],
    chosen: dict[str, str] | None,
) -> None:
    """Run lesson after lesson; Ctrl-C and SIGTERM end all of them.

    Where `chosen` is a dict, each lesson's arrays are chosen by its size; why is put
    there.
    """
    from compare.array_choice import choose_array
    from compare.distributed import run_spread
    from compare.trainer import run

    train = partial(run, resumed=resume)
    if communicator is not None:
        train = partial(run_spread, communicator)
    for source, name, experiment in loaded:
        try:
            with usage_errors(Exception, about=_about(name, source, settings)):
                how = settings
                if chosen is not None:
                    how, chosen[name] = choose_array(experiment, settings)
                found = train(name, experiment, how, _progress, source=source)
                results += [] if found is None else [found]
        except KeyboardInterrupt as stop:
            raise typer.Exit(_interrupted(name, stop, settings.logdir)) from None


def _interrupted(name: str, stop: KeyboardInterrupt, logdir: Path) -> int:
    """Say what ended a lesson, and how to go on; returns the exit status."""
    from compare.distributed import RankLost
    from compare.trainer import Interrupted

    if isinstance(stop, RankLost):
        err.quiet = False  # whoever notices says so: it may be rank 0 that was lost
        err.print(f"error: {name}: {stop}", style="red", markup=False, soft_wrap=True)
        return 1
    words = f"{name}: interrupted; what was logged is kept{how_to_resume(logdir, name)}"
    err.print(words, style="yellow", markup=False, soft_wrap=True)
    return 143 if isinstance(stop, Interrupted) else 130


def _about(name: str, source: str, settings: "RunConfig") -> Callable[[Exception], str]:
    """What stands before an error in a lesson: its name and where to look."""
    from compare import registry

    def about(error: Exception) -> str:
        if isinstance(error, OSError):
            return f"{name}, logged in {settings.logdir}: "
        path, own_file, _ = source.partition("#")
        line = registry.line_in(path, error) if own_file else None
        if line is None or in_words(error).endswith(f"line {line})"):
            return f"{name}: "
        return f"{name} ({path}, line {line}): "

    return about


def _progress(steps: Iterator[Any], label: str, total: int) -> Iterator[Any]:
    """Show how far the steps are; nothing where nobody looks."""
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
