"""What the commands do, as functions: for notebooks, and for programs of one's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from compare import registry, solved_exercises, templates
from compare.backend import Backend
from compare.check.checker import check as _judged
from compare.check.definitions import definitions, suggestions
from compare.check.process import check_file
from compare.check.report import Outcome
from compare.experiment import Experiment
from compare.logger import link, newest
from compare.show import display, page
from compare.show.page import Page
from compare.sizing import settled
from compare.tensorboard import Server
from compare.trainer import Result, RunConfig
from compare.trainer import run as _run


def run(
    lesson: str | Path | Experiment,
    *,
    array: str = "auto",
    device: str = "cpu",
    dtype: str = "float64",
    steps: int | None = None,
    seed: int = 0,
    logdir: Path | str = "runs",
    threads: int = 1,
    fast: bool = False,
    data: str = "",
    compile: bool = False,
    graph: bool = False,
    tf32: bool = False,
    target: str = "",
    hidden: Sequence[int] = (),
) -> Result:
    """Train both sides of a lesson in step; a notebook shows what it came to.

    Args:
        lesson: its name, the path of a file that defines one or of a CSV file, or the
            lesson itself.
        array: of the hand-written side, "numpy", "torch" or "jax", or "auto": by the
            lesson's size.
        device: "cpu" or "cuda".
        dtype: "float32" or "float64".
        steps: at least 1, instead of the lesson's own number.
        seed: of everything that is drawn, at least 0.
        logdir: the folder of all runs.
        threads: of NumPy and torch each.
        fast: a few steps from one seed; no claim is judged.
        data: other data than the lesson's own, such as "mnist".
        compile: the hand-written step, on torch arrays.
        graph: replay the hand-written step as a CUDA graph.
        tf32: let cuda round float32 to TF32 in products.
        target: the column of a CSV file to be learned.
        hidden: the units of hidden layers, for a CSV file.

    Raises:
        ValueError: there is no such lesson, or it cannot be run like this.
        OSError: a file cannot be read, or the folder not be written to.
    """
    source, name, experiment = _found(lesson, target, hidden)
    registry.require_data(name, experiment, data)
    on_torch = compile or graph or device == "cuda"
    arrays = ("torch" if on_torch else "numpy") if array == "auto" else array
    backend = Backend(arrays, device, dtype, compile, graph=graph, tf32=tf32)
    settings = RunConfig(backend, steps, seed, Path(logdir), threads, fast, data)
    if array == "auto":
        settings, _ = settled(experiment, settings)
    return _run(name, experiment, settings, source=source)


def lessons() -> list[str]:
    """The names of all lessons."""
    return registry.names()


def check(
    *given: Path | str | type | Callable[..., Any], timeout: float = 60
) -> Outcome:
    """Check your own layers, losses and optimisers against torch, in words.

    Args:
        given: a file and, if not all of it is meant, names in it; or classes and
            functions, named as the command `check` expects them. A file's code is run
            in a process of its own, but with all your rights.
        timeout: seconds for loading a file, and for each name.

    Raises:
        ValueError: nothing is given, or nothing that can be checked.
    """
    if given and isinstance(given[0], Path | str):
        return check_file(Path(given[0]), [str(name) for name in given[1:]], timeout)
    own = {getattr(one, "__name__", repr(one)): one for one in given}
    hints = [*suggestions(own, in_file=False).values()]
    if not (found := definitions(own)):
        words = ", ".join(own) or "nothing"
        taken = "a file, or classes and functions named as in handmade.nn and"
        said = "; ".join([f"check takes {taken} handmade.optim, got {words}", *hints])
        raise ValueError(said)
    findings = [_judged(one).as_dict() for one in found]
    return Outcome(", ".join(own), findings=findings, hints=hints)


def template(name: str, solution: bool = False) -> str:
    """A skeleton to fill in, as text; `check` judges it.

    Args:
        name: of a class, such as "MSELoss" or "SGD".
        solution: as `handmade` has it, with the classes that it derives from.

    Raises:
        ValueError: there is none; the message suggests the nearest.
    """
    return templates.template(name, solution)


@dataclass
class Shown:
    """A name of `handmade` beside its twin, as a page in a frame.

    Args:
        page: what is shown; its `example.verdict` says whether both sides agree.
    """

    page: Page

    def _repr_html_(self) -> str:
        inner = escape(display.as_html(self.page))
        return f'<iframe srcdoc="{inner}" width="100%" height="700"></iframe>'


def show(name: str) -> Shown:
    """A name beside torch: sources, formula, shapes, live numbers.

    Args:
        name: dotted or short, such as "optim.SGD" or "MSELoss".

    Raises:
        ValueError: there is none; the message suggests the nearest.
    """
    return Shown(page.page(name))


def exercises() -> Table:
    """Every exercise of the course, worked by hand, with `handmade` and in PyTorch."""
    table = Table("", "exercise", "by hand", "handmade", "PyTorch", "", box=None)
    for exercise in solved_exercises.EXERCISES:
        answer = exercise.answer()
        three = (answer.by_hand, answer.handmade, answer.torch_ref)
        words = (exercise.id, exercise.question, *three, answer.verdict.kind)
        table.add_row(*map(Text, words))
    return table


@dataclass
class Board:
    """A running TensorBoard; a notebook shows its link.

    Args:
        server: it ends with `close`, or with the program.
        address: shows the last run right.
    """

    server: Server
    address: str

    def close(self) -> None:
        """End the server."""
        self.server.close()

    def _repr_html_(self) -> str:
        address = escape(self.address)
        return f'<a href="{address}" target="_blank">TensorBoard</a>'


def board(lesson: str = "", logdir: Path | str = "runs", port: int = 0) -> Board:
    """Start TensorBoard for this machine alone.

    Args:
        lesson: show all its runs, not only the last one.
        logdir: the folder of all runs.
        port: 0 takes a free one.

    Raises:
        FileNotFoundError: there are no such runs.
        RuntimeError: TensorBoard did not start.
    """
    last = newest(Path(logdir), lesson)
    server = Server(Path(logdir), port)
    address = link(server.url, last, bool(lesson)) if last else server.url
    return Board(server, address)


def _found(
    lesson: str | Path | Experiment, target: str, hidden: Sequence[int]
) -> tuple[str, str, Experiment]:
    """Where a lesson is found again, the name of its folder, and the lesson."""
    if isinstance(lesson, Experiment):
        return "", "own", lesson
    name = str(lesson)
    if target:
        from compare.tables.reference import reference

        name = reference(name, target, hidden)
    elif hidden or name.lower().endswith(".csv"):
        raise ValueError(
            f"target must name the column of {name} that is to be learned, got ''"
        )
    return registry.source(name), *registry.load(name)
