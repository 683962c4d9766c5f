"""`list`: the lessons there are, and the runs there have been."""

from pathlib import Path

from rich.table import Column, Table

from compare.cli._options import LogDir
from compare.cli._shared import out

LAST_RUNS = 20
"""How many runs `list` shows."""


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
