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


def print_results(
    results: list["Result"], lessons: Sequence["Lesson"], config: "RunConfig"
) -> None:
    """How each lesson ended; nothing where none was run to its end."""
    if not results:
        return
    lesson = results[0].lesson if len(results) == 1 and not config.fast else ""
    out.print(_verdicts(results) if config.fast else _checks(results))
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


def _verdicts(results: list["Result"]) -> Table:
    table = Table(Column("lesson", no_wrap=True), "verdict", "", box=None)
    for result in results:
        trouble = result.reason if result.verdict.agrees else result.verdict.words
        trouble = trouble or result.nothing_learned
        table.add_row(result.lesson, colored(result.verdict.kind), Text(trouble))
    return table


def _checks(results: list["Result"]) -> Table:
    lesson = Column("lesson", no_wrap=True)
    table = Table(lesson, "verdict", "Check", "Result", box=None)
    for result in results:
        name, kind = result.lesson, colored(result.verdict.kind)
        for text, (holds, found) in result.claims.items():
            mark = Text("✓ " if holds else "✗ ", style="green" if holds else "red")
            table.add_row(name, kind, mark + Text(text), Text(found))
            name, kind = "", Text("")
        if not result.claims:
            style = "" if result.status == "finished" else "red"
            table.add_row(name, kind, Text(result.status, style), Text(result.reason))
    return table


def _print_end(result: "Result") -> None:
    say(
        out,
        f"{result.lesson}: {result.verdict.kind}: {result.verdict.words} "
        f"({result.seconds:.1f} s) → {result.folder}",
    )
    if result.nothing_learned:
        say(out, f"{result.lesson}: fails: {result.nothing_learned}", "red")


def _print_link(result: "Result") -> None:
    """An address as words to click on; in full where nothing can be clicked."""
    from compare.logger import link

    address = link("http://127.0.0.1:6006", result.folder)
    words = (address, "")
    if out.is_terminal and out.color_system and not out.legacy_windows:
        words = (f"the curves of {result.folder.name}", f"link {address}")
    out.print(Text.assemble(f"  {result.lesson}: ", words), soft_wrap=True)
