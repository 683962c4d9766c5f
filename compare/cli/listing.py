"""`list`: all lessons, and the recent runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from compare.cli._console import out
from compare.cli._options import LogDir

if TYPE_CHECKING:
    from compare.course import Part

MOST_RUNS = 20


def list_lessons(logdir: LogDir = Path("runs")) -> None:
    """List all lessons by the part of the course, and the recent runs."""
    from compare.logger import read_summary, runs

    _print_course()
    if folders := runs(logdir):
        table = Table(f"recent runs in {logdir}", "status", "", box=None)
        for folder in folders[-MOST_RUNS:]:
            summary = read_summary(folder)
            name = f"{folder.parent.name}/{folder.name}"
            table.add_row(name, summary["status"], summary.get("reason", ""))
        out.print(table)


def _print_course() -> None:
    """The parts in their order; under each its lessons, or what else covers it."""
    from compare import course

    chapter = ""
    for parts in course.by_heading():
        if parts[0].chapter != chapter:
            chapter = parts[0].chapter
            title = f"\n{chapter}. {course.CHAPTERS[chapter]}"
            out.print(title, style="bold", markup=False)
        ids = " … ".join(dict.fromkeys((parts[0].id, parts[-1].id)))
        heading = parts[0].heading or parts[0].about
        out.print(Text.assemble((f"{ids}  ", "bold"), heading), soft_wrap=True)
        out.print(_lessons(parts[0]))


def _lessons(part: "Part") -> RenderableType:
    """A part's own lessons or, where it has none, what else covers it."""
    from compare import course, registry

    names = registry.names()
    table = Table(Column(min_width=max(map(len, names)), no_wrap=True), "", box=None)
    table.show_header = False
    for name in course.own_lessons(part):
        table.add_row(name, course.title_and_course(name)[0])
    if table.row_count:
        return table
    commands = [f"python -m compare {command}" for command in part.commands]
    return Text(f" → {', '.join(course.lessons_of(part) or commands)}")
