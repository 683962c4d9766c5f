"""What `run` prints at the end."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table
from rich.text import Text

from compare.cli._console import colored, out, say

if TYPE_CHECKING:
    from compare.registry import Lesson
    from compare.trainer import Result, RunConfig

MARKS = {True: Text("✓ ", "green"), False: Text("✗ ", "red")}


def print_results(
    results: list["Result"], lessons: Sequence["Lesson"], config: "RunConfig"
) -> None:
    """How each lesson ended; nothing where none was run to its end."""
    if not results:
        return
    lesson = results[0].lesson if len(results) == 1 and not config.fast else ""
    out.print(_table(results, config.fast))
    if lesson and results[0].status == "finished" and results[0].story:
        out.print(f"\n{results[0].story}\n", markup=False)
    experiments = {name: lesson.on(config.data) for name, _, lesson in lessons}
    for result in results:
        if not config.fast:
            _print_end(result)
        for name in experiments[result.lesson].files:
            say(out, f"{name} → {result.folder / name}")
    if config.fast:
        say(out, f"\nFast mode: checks skipped. Logs: {config.logdir}")
    logdir = shlex.quote(str(config.logdir))
    board = " ".join(["python -m compare board", *lesson.split(), "--logdir", logdir])
    say(out, f"\nView in TensorBoard: {board}")
    for result in results if not config.fast else ():
        _print_link(result)
    for result in results:
        full = experiments[result.lesson].steps
        steps = config.steps_of(experiments[result.lesson])
        if steps < full and not all(holds for holds, _ in result.claims.values()):
            say(
                out,
                f"{result.lesson}: only {steps} of {full} steps were taken; its checks "
                f"assume the full number of steps",
                "yellow",
            )


def _table(results: list["Result"], fast: bool) -> Table:
    """Lesson, verdict and checks; or, where there are none, what went wrong."""
    columns = [""] if fast else ["Check", "Result"]
    table = Table(Column("lesson", no_wrap=True), "verdict", *columns, box=None)
    for result in results:
        trouble = result.reason if result.verdict.agrees else result.verdict.words
        style = "" if result.status == "finished" else "red"
        rows = [(Text(result.status, style), Text(result.reason))]
        if fast:
            rows = [(Text(trouble or result.nothing_learned),)]
        elif result.claims:
            rows = [
                (MARKS[holds] + Text(text), Text(found))
                for text, (holds, found) in result.claims.items()
            ]
        name, kind = result.lesson, colored(result.verdict.kind)
        for row in rows:
            table.add_row(name, kind, *row)
            name, kind = "", Text("")
    return table


def _print_end(result: "Result") -> None:
    say(
        out,
        f"{result.lesson}: {result.verdict.kind}: {result.verdict.words} "
        f"({result.seconds:.1f} s) → {result.folder}",
    )
    for failure in result.failures:
        say(out, f"{result.lesson}: fails: {failure}", "red")


def _print_link(result: "Result") -> None:
    """An address as words to click on; in full where nothing can be clicked."""
    from compare.logger import link

    address = link("http://127.0.0.1:6006", result.folder)
    words = (address, "")
    if out.is_terminal and out.color_system and not out.legacy_windows:
        words = (f"the curves of {result.folder.name}", f"link {address}")
    out.print(Text.assemble(f"  {result.lesson}: ", words), soft_wrap=True)
