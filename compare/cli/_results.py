"""What `run` prints at the end."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Column, Table
from rich.text import Text

from compare.cli._shared import colored, linked, out

if TYPE_CHECKING:
    from compare.trainer import Result


def print_results(results: list["Result"], logdir: Path, fast: bool) -> None:
    """What became of each lesson; nothing where none was run to its end."""
    if not results:
        return
    if fast:
        _print_verdicts(results, logdir)
        return
    table = Table(Column("lesson", no_wrap=True), "verdict", "claim", "found", box=None)
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


def print_shortened(results: list["Result"], steps: dict[str, str]) -> None:
    """That a claim may fail because steps are missing.

    Args:
        results: of the lessons.
        steps: how many of how many were taken, where some were left out.
    """
    for result in results:
        failed = not all(holds for holds, _ in result.claims.values())
        if failed and result.lesson in steps:
            taken = f"only {steps[result.lesson]} steps were taken"
            words = f"{result.lesson}: {taken}; its claims are made for all of them"
            out.print(words, style="yellow", markup=False, soft_wrap=True)


def print_arrays(chosen: dict[str, str], lessons: list[str]) -> None:
    """Which arrays `auto` took, and why; the lessons that took the same in a row."""
    by_why: dict[str, list[str]] = {}
    for name in lessons:
        if name in chosen:
            by_why.setdefault(chosen[name], []).append(name)
    for why, names in by_why.items():
        about = f" of {', '.join(names)}" if len(lessons) > 1 else ""
        out.print(f"arrays{about}: {why}", markup=False, soft_wrap=True)


def _print_verdicts(results: list["Result"], logdir: Path) -> None:
    """Whether both sides agree, lesson by lesson."""
    table = Table(Column("lesson", no_wrap=True), "verdict", "", box=None)
    for result in results:
        trouble = result.reason if result.verdict.agrees else result.verdict.words
        table.add_row(result.lesson, colored(result.verdict.kind), Text(trouble))
    out.print(table)
    out.print(f"\nno claim was judged; logged in {logdir}", markup=False)
    _print_command(logdir)


def _print_board(results: list["Result"], logdir: Path) -> None:
    from compare.logger import link

    _print_command(logdir, results[0].lesson if len(results) == 1 else "")
    for result in results:
        address = link("http://127.0.0.1:6006", result.folder)
        words = linked(address, f"the curves of {result.folder.name}", out)
        out.print(Text(f"  {result.lesson}: ") + words, soft_wrap=True)


def _print_command(logdir: Path, lesson: str = "") -> None:
    place, name = shlex.quote(str(logdir)), f"{lesson} " if lesson else ""
    out.print(
        f"\nLook at the curves: python -m compare board {name}--logdir {place}",
        soft_wrap=True,
        markup=False,
    )
