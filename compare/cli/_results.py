"""What `run` prints at the end."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Column, Table
from rich.text import Text

from compare.cli._console import colored, linked, out, say

if TYPE_CHECKING:
    from compare.registry import Lesson
    from compare.trainer import Result, RunConfig


def print_results(
    results: list["Result"], lessons: Sequence["Lesson"], config: "RunConfig"
) -> None:
    """How each lesson ended; nothing where none was run to its end."""
    if results and config.fast:
        _print_verdicts(results)
        say(out, f"\nFast mode: checks skipped. Logs: {config.logdir}")
        _print_board(config.logdir)
    elif results:
        _print_checks(results)
        if len(results) == 1 and results[0].status == "finished" and results[0].story:
            out.print(f"\n{results[0].story}\n", markup=False)
        for result in results:
            say(
                out,
                f"{result.lesson}: {result.verdict.kind}: {result.verdict.words} "
                f"({result.seconds:.1f} s) → {result.folder}",
            )
            for failure in result.failures:
                say(out, f"{result.lesson}: fails: {failure}", "red")
        _print_links(results, config.logdir)
        _print_shortened(results, lessons, config)


def _print_verdicts(results: list["Result"]) -> None:
    table = Table(Column("lesson", no_wrap=True), "verdict", "", box=None)
    for result in results:
        trouble = result.reason if result.verdict.agrees else result.verdict.words
        trouble = trouble or result.nothing_learned
        table.add_row(result.lesson, colored(result.verdict.kind), Text(trouble))
    out.print(table)


def _print_checks(results: list["Result"]) -> None:
    table = Table(
        Column("lesson", no_wrap=True), "verdict", "Check", "Result", box=None
    )
    for result in results:
        name, kind = result.lesson, colored(result.verdict.kind)
        for text, (holds, found) in result.claims.items():
            mark = Text("✓ " if holds else "✗ ", style="green" if holds else "red")
            table.add_row(name, kind, mark + Text(text), Text(found))
            name, kind = "", Text("")
        if not result.claims:
            style = "" if result.status == "finished" else "red"
            status = Text(result.status, style=style)
            table.add_row(name, kind, status, Text(result.reason))
    out.print(table)


def _print_links(results: list["Result"], logdir: Path) -> None:
    from compare.logger import link

    _print_board(logdir, results[0].lesson if len(results) == 1 else "")
    for result in results:
        address = link("http://127.0.0.1:6006", result.folder)
        words = linked(address, f"the curves of {result.folder.name}", out)
        out.print(Text(f"  {result.lesson}: ") + words, soft_wrap=True)


def _print_board(logdir: Path, lesson: str = "") -> None:
    words = f"{lesson} --logdir" if lesson else "--logdir"
    command = f"python -m compare board {words} {shlex.quote(str(logdir))}"
    say(out, f"\nView in TensorBoard: {command}")


def _print_shortened(
    results: list["Result"], lessons: Sequence["Lesson"], config: "RunConfig"
) -> None:
    """Say where a check may have failed only for want of steps."""
    experiments = {name: lesson.on(config.data) for name, _, lesson in lessons}
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
