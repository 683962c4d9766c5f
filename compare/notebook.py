"""The commands as functions, for notebooks and scripts; results show themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from compare import solved_exercises
from compare.api import choose_array, prepare
from compare.check.checker import check as _judged
from compare.check.definitions import definitions
from compare.check.process import check_file
from compare.check.report import Outcome
from compare.defaults import CHECK_EVERY
from compare.experiment import Experiment
from compare.registry import names as lessons
from compare.run_folder import newest
from compare.show import page
from compare.show.html import as_html
from compare.show.page import Page
from compare.templates import template
from compare.tensorboard import Server, address
from compare.trainer import Result
from compare.trainer import run as _run

__all__ = ["board", "check", "exercises", "lessons", "run", "show", "template"]


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
    drop: Sequence[str] = (),
    missing: str = "drop",
    predict: Path | str | None = None,
    check_every: int = CHECK_EVERY,
    lr: float | None = None,
    batch_size: int | None = None,
    accumulate: int | None = None,
    watch: bool = False,
) -> Result:
    """Train both implementations of a lesson in lockstep, and compare them.

    Args:
        lesson: its name, the path of a file that defines one or of a CSV file, or an
            `Experiment`.
        array: array library for the hand-written side, "numpy", "torch" or "jax";
            "auto" chooses by the size of the model.
        device: "cpu" or "cuda".
        dtype: floating-point type, "float32" or "float64".
        steps: at least 1, instead of the lesson's own number.
        seed: random seed, at least 0.
        logdir: the folder of all runs.
        threads: CPU threads for each library.
        fast: quick smoke test: few steps, no checks.
        data: other data than the lesson's own, such as "mnist".
        compile: compile the hand-written step with torch.compile.
        graph: replay the hand-written step as a CUDA graph.
        tf32: allow TF32 matrix multiplication.
        target: the column of a CSV file to predict.
        hidden: units of the hidden layers, of a CSV file or instead of the lesson's.
        drop: columns of a CSV file to leave out.
        missing: values in a CSV file: "drop" leaves the rows out, "mean" fills them.
        predict: a CSV file with the same inputs, whose rows both sides predict.
        check_every: steps between two checks from equal states, at most.
        lr: learning rate instead of the lesson's own.
        batch_size: examples in a step instead of the lesson's own.
        accumulate: micro-batches that each batch is taken in; their gradients add up.
        watch: log norms of weights and gradients, updates and dead ReLUs.

    Raises:
        ValueError: there is no such lesson, or it cannot be run like this.
        OSError: a file cannot be read, or the folder not be written to.
    """
    options = {name: value for name, value in locals().items() if name != "lesson"}
    given = lesson if isinstance(lesson, Experiment) else str(lesson)
    options_of_table = bool(target or drop or predict)
    named, csv = [given], None
    if isinstance(given, str) and (options_of_table or given.lower().endswith(".csv")):
        named, csv = [], given
    (found,), config = prepare(named, csv=csv, **options)
    if array == "auto":
        config, _ = choose_array(found.experiment, config)
    return _run(found.name, found.experiment, config, source=found.source)


def check(
    *given: Path | str | type | Callable[..., Any], timeout: float = 60
) -> Outcome:
    """Check your own layers, losses and optimizers against torch.

    Args:
        given: a file and, unless all of it is meant, names in it; or classes and
            functions, named as the command `check` expects them. A file's code is run
            in a process of its own, but with all your rights.
        timeout: seconds for loading a file, and for each name.

    Raises:
        ValueError: nothing is given, or nothing that can be checked.
    """
    if given and isinstance(given[0], Path | str):
        return check_file(Path(given[0]), [str(name) for name in given[1:]], timeout)
    own = {getattr(one, "__name__", repr(one)): one for one in given}
    if not (found := definitions(own)):
        raise ValueError(
            "check takes a file, or classes and functions named as in handmade.nn and "
            f"handmade.optim, got {', '.join(own) or 'nothing'}"
        )
    findings = [_judged(one).as_dict() for one in found]
    return Outcome(", ".join(own), findings=findings)


@dataclass
class Shown:
    """A page in a frame; `page.example.verdict` says whether both libraries agree."""

    page: Page

    def _repr_html_(self) -> str:
        inner = escape(as_html(self.page))
        return f'<iframe srcdoc="{inner}" width="100%" height="700"></iframe>'


def show(name: str) -> Shown:
    """A name of `handmade`, such as "optim.SGD" or "MSELoss", beside PyTorch.

    Raises:
        ValueError: there is no such name; the message suggests names.
    """
    return Shown(page.page(name))


def exercises() -> Table:
    """Every exercise of the course, solved on paper, with `handmade` and in PyTorch."""
    table = Table("", "exercise", "by hand", "handmade", "PyTorch", "", box=None)
    for exercise in solved_exercises.EXERCISES:
        answer = exercise.answer()
        three = (answer.by_hand, answer.handmade, answer.torch_ref)
        words = (exercise.id, exercise.question, *three, answer.verdict.kind)
        table.add_row(*map(Text, words))
    return table


@dataclass
class Board:
    """A TensorBoard that runs until `close` or the program's end, and its link."""

    server: Server
    address: str

    def close(self) -> None:
        """Stop the server."""
        self.server.close()

    def _repr_html_(self) -> str:
        address = escape(self.address)
        return f'<a href="{address}" target="_blank">TensorBoard</a>'


def board(lesson: str = "", logdir: Path | str = "runs", port: int = 0) -> Board:
    """Start TensorBoard on localhost; port 0 is any free port.

    It opens the tab "Compare" at the last run, of the lesson if one is named.

    Raises:
        FileNotFoundError: there are no such runs.
        RuntimeError: TensorBoard did not start.
    """
    last = newest(Path(logdir), lesson)
    server = Server(Path(logdir), port)
    return Board(server, address(server.url, last) if last else server.url)
