"""The command line; torch is imported only by the commands that need it."""

import difflib
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from compare.running import Result, Settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Deep-learning basics by hand, trained in step with PyTorch and compared.",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
LAST_RUNS = 20
"""How many runs `list` shows."""
COLORS = {"equal": "green", "rounding": "green", "convention": "yellow", "bug": "red"}
LogDir = Annotated[Path, typer.Option(help="The folder of all runs.")]


class Array(StrEnum):
    """Arrays that the hand-written side runs on."""

    numpy = "numpy"
    torch = "torch"


class Device(StrEnum):
    """Where both sides run."""

    cpu = "cpu"
    cuda = "cuda"


class DType(StrEnum):
    """What both sides compute in."""

    float32 = "float32"
    float64 = "float64"


UNSAID = (None, 0, None, Device.cpu, DType.float64, 1, False, "")
"""steps, seed, array, device, dtype, threads, fast and data, where nothing is said."""


@app.command()
def run(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(help="Names from `list`, your own lesson.py, or `all`."),
    ] = None,
    array: Annotated[
        Array | None,
        typer.Option(help="Arrays of the hand-written side: numpy, on cuda torch."),
    ] = None,
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
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the run in this folder, as it was started."),
    ] = None,
) -> None:
    """Train lessons on both sides in step; exit 0 only if they agree and claims hold.

    Exit 1: a side differs, a claim fails or training diverged. Exit 2: usage error.
    """
    with _usage_errors():
        from compare import registry
        from compare.arrays import Backend
        from compare.running import Settings

        arrays = array or (Array.torch if device is Device.cuda else Array.numpy)
        backend = Backend(arrays.value, device.value, dtype.value)
        settings = Settings(backend, steps, seed, logdir, threads, fast, data)
        if resume is not None:
            said = (steps, seed, array, device, dtype, threads, fast, data)
            if said != UNSAID:
                raise ValueError(
                    "--resume goes on as the run was started; only name it"
                )
            wanted, settings = _cut_short(resume, lessons or [])
            logdir = settings.logdir
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
    results: list[Result] = []
    try:
        _run_all(loaded, settings, resume, results)
    finally:
        with _usage_errors(OSError):
            _print_results(results, logdir, settings.fast)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


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


def _cut_short(folder: Path, lessons: list[str]) -> tuple[list[str], "Settings"]:
    """The lesson and the settings of a run that is to be gone on with."""
    from compare import registry
    from compare.arrays import Backend
    from compare.record import read_summary
    from compare.running import Settings

    if lessons:
        raise ValueError("--resume goes on with one run as it was; name no lesson")
    said = read_summary(folder)
    name, _, known = said["source"].partition("#")
    if registry.source(name) != said["source"]:
        raise ValueError(f"{name} is not as it was when {folder} was started ({known})")
    if said["status"] not in ("interrupted", "failed"):
        raise ValueError(f"{folder} is {said['status']}: there is nothing to resume")
    backend = Backend(said["array"], said["device"], said["dtype"])
    logdir = folder.parent.parent
    known = {name: said[name] for name in ("steps", "seed", "threads", "fast", "data")}
    return [name], Settings(backend, logdir=logdir, **known)


@app.command(name="list")
def list_lessons(logdir: LogDir = Path("runs")) -> None:
    """List all lessons by the part of the course, and the runs there have been."""
    from compare import registry
    from compare.record import read_summary, runs

    lesson_column = Column("lesson", no_wrap=True)
    table = Table(lesson_column, "course", "heading", "what it shows", box=None)
    for name in registry.names():
        _, lesson = registry.load(name)
        table.add_row(name, " ".join(lesson.course), lesson.heading, lesson.title)
    out.print(table)
    if folders := runs(logdir):
        table = Table(f"the last runs in {logdir}", "status", "", box=None)
        for folder in folders[-LAST_RUNS:]:
            said = read_summary(folder)
            name = f"{folder.parent.name}/{folder.name}"
            table.add_row(name, said["status"], said.get("reason", ""))
        out.print(table)


@app.command()
def exercises() -> None:
    """Work every exercise of the course by hand, with `handmade` and in PyTorch.

    Exit 1 if any of the three answers differs.
    """
    from compare import exercises

    agree = True
    for heading, group in exercises.by_heading().items():
        out.print(f"\n{heading}", style="bold", markup=False)
        table = Table("", "exercise", "by hand", "handmade", "PyTorch", "", box=None)
        for exercise in group:
            answer = exercise.answer()
            agree &= answer.verdict.agrees
            table.add_row(
                exercise.id,
                Text(exercise.question),
                Text(answer.by_hand),
                Text(answer.handmade),
                Text(answer.torch_ref),
                _colored(answer.verdict.kind),
            )
        out.print(table)
    raise typer.Exit(0 if agree else 1)


@app.command()
def board(
    lesson: Annotated[str, typer.Argument(help="Show all its runs, not one.")] = "",
    logdir: LogDir = Path("runs"),
    port: Annotated[int, typer.Option(min=0, help="0 takes a free one.")] = 6006,
) -> None:
    """Start TensorBoard for this machine alone and print the link that opens it right.

    Ends with Ctrl-C.
    """
    from compare.board import Server
    from compare.record import link, newest

    # SystemExit leaves the block below, and with it the server; the signal does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with suppress(KeyboardInterrupt), _usage_errors(), Server(logdir, port) as server:
        last = newest(logdir, lesson)
        address = link(server.url, last, bool(lesson)) if last else server.url
        out.print(f"TensorBoard: {address}", soft_wrap=True, markup=False)
        server.wait()


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Plain Python; NumPy is enough.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="What of it to check; else all.")
    ] = None,
    strict: Annotated[
        bool, typer.Option(help="Fail what is not covered, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For graders.")] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write a report for CI to this file.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds for loading, and for each name.")
    ] = 60,
) -> None:
    """Check your own layers, losses and optimisers against torch, in words.

    The file may define classes named as in handmade.nn and handmade.optim, functions
    such as mse_loss with mse_loss_backward, or any f with grad_f.

    THE FILE'S CODE IS RUN, in a process of its own but with all your rights: check
    only what you would run.

    Exit 0: all is equal or rounding. Exit 1: a convention or a bug. Exit 2: the file
    cannot be loaded, or there is nothing to check.
    """
    from compare.check import report
    from compare.check.sandbox import check_file

    with _usage_errors():
        if not timeout > 0:
            raise ValueError(f"timeout must be positive, got {timeout}")
        outcome = check_file(file, names or [], timeout)
        if junit is not None:
            junit.write_text(report.as_junit(outcome, strict), encoding="utf-8")
    if as_json:
        sys.stdout.write(report.as_json(outcome, strict) + "\n")
    else:
        report.show(outcome, out)
    if outcome.problem:
        err.print(f"error: {file}: {outcome.problem}", style="red", markup=False)
    raise typer.Exit(outcome.exit_status(strict))


@app.command()
def template(
    name: Annotated[
        str, typer.Argument(help="A class, such as MSELoss or SGD; see --list.")
    ] = "",
    solution: Annotated[bool, typer.Option(help="With the bodies filled in.")] = False,
    names: Annotated[
        bool, typer.Option("--list", help="Print all names there are, and end.")
    ] = False,
) -> None:
    """Print a skeleton to fill in, its formulas in the docstring; `check` judges it.

    The names are those of handmade.nn, handmade.optim and Rosenblatt: see --list.
    """
    from compare import template

    with _usage_errors():
        known = template.names()
        if names:
            words = "\n".join(known) + "\n"
        elif name in known or difflib.get_close_matches(name, known, n=1):
            words = template.template(name, solution)
        else:
            what = f"there is no template {name!r}" if name else "name a class"
            raise ValueError(f"{what}; `python -m compare template --list` names all")
    sys.stdout.write(words)


def _run_all(
    loaded: list[Any],
    settings: "Settings",
    resume: Path | None,
    results: list["Result"],
) -> None:
    """Run lesson after lesson; Ctrl-C and SIGTERM end all of them."""
    from compare.running import Interrupted, run

    for source, name, experiment in loaded:
        try:
            with _usage_errors(Exception, about=_about(name, source, settings)):
                results.append(
                    run(name, experiment, settings, _progress, resume, source)
                )
        except KeyboardInterrupt as stop:
            err.print(f"{name}: interrupted; what was logged is kept", style="yellow")
            code = 143 if isinstance(stop, Interrupted) else 130
            raise typer.Exit(code) from None


def _about(name: str, source: str, settings: "Settings") -> Callable[[Exception], str]:
    """What stands before an error in a lesson: its name and where to look."""
    from compare import registry

    def about(error: Exception) -> str:
        if isinstance(error, OSError):
            return f"{name}, logged in {settings.logdir}: "
        path, own_file, _ = source.partition("#")
        line = registry.line_in(path, error) if own_file else None
        if line is None or _words(error).endswith(f"line {line})"):
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


def _print_results(results: list["Result"], logdir: Path, fast: bool) -> None:
    """What became of each lesson; nothing where none was run to its end."""
    if not results:
        return
    if fast:
        _print_verdicts(results, logdir)
        return
    table = Table(Column("lesson", no_wrap=True), "verdict", "claim", "found", box=None)
    for result in results:
        name, kind = result.lesson, _colored(result.verdict.kind)
        for text, (holds, found) in result.claims.items():
            mark = Text("✓ " if holds else "✗ ", style="green" if holds else "red")
            table.add_row(name, kind, mark + Text(text), Text(found))
            name, kind = "", Text("")
        if not result.claims:
            style = "" if result.status == "finished" else "red"
            status = Text(result.status, style=style)
            table.add_row(name, kind, status, Text(result.reason))
    out.print(table)
    if len(results) == 1 and results[0].status == "finished" and results[0].story:
        out.print(f"\n{results[0].story}\n", markup=False)
    for result in results:
        out.print(
            f"{result.lesson}: {result.verdict.kind}: {result.verdict.words} "
            f"({result.seconds:.1f} s) → {result.folder}",
            markup=False,
            soft_wrap=True,
        )
    _print_board(results, logdir)


def _print_verdicts(results: list["Result"], logdir: Path) -> None:
    """Whether both sides agree, lesson by lesson."""
    table = Table(Column("lesson", no_wrap=True), "verdict", "", box=None)
    for result in results:
        trouble = result.reason if result.verdict.agrees else result.verdict.words
        table.add_row(result.lesson, _colored(result.verdict.kind), Text(trouble))
    out.print(table)
    out.print(f"\nno claim was judged; logged in {logdir}", markup=False)
    _print_command(logdir)


def _print_board(results: list["Result"], logdir: Path) -> None:
    from compare.record import link

    _print_command(logdir)
    for result in results:
        address = link("http://127.0.0.1:6006", result.folder)
        out.print(f"  {result.lesson}: {address}", soft_wrap=True, markup=False)


def _print_command(logdir: Path) -> None:
    place = shlex.quote(str(logdir))
    out.print(
        f"\nLook at the curves: python -m compare board --logdir {place}",
        soft_wrap=True,
        markup=False,
    )


def _colored(kind: str) -> Text:
    return Text(kind, style=COLORS[kind])


@contextmanager
def _usage_errors(
    *kinds: type[Exception], about: Callable[[Exception], str] = lambda error: ""
) -> Iterator[None]:
    """Turn a wrong request into one clear line and exit status 2."""
    expected = kinds or (OSError, ValueError, RuntimeError)
    try:
        yield
    except expected as error:
        err.print(
            f"error: {about(error)}{_words(error)}",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(2) from None


def _words(error: Exception) -> str:
    """What is wrong and, unless it was meant to be read, where."""
    if isinstance(error, (OSError, ValueError, RuntimeError)):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = type(error).__name__
    return f"{name}: {error} ({frame.filename}, line {frame.lineno})"


def _utf8() -> None:
    """Windows consoles default to a code page without Σ."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # pyright: ignore[reportAttributeAccessIssue]


_utf8()
