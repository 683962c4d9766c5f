"""`list`: all lessons, and the recent runs."""

from pathlib import Path

from rich.table import Column, Table
from rich.text import Text

from compare import course, registry
from compare.cli._console import out
from compare.cli._options import LANG, LOGDIR, Language
from compare.translation import _

MOST_RUNS = 20


def list_lessons(logdir: Path = LOGDIR, lang: Language | None = LANG) -> None:
    """List all lessons by part of the course, and the recent runs."""
    from compare.run_folder import read_summary, runs

    chapter = ""
    for first, *others in course.by_heading():
        if first.chapter != chapter:
            chapter = first.chapter
            title = f"\n{chapter}. {_(course.CHAPTERS[chapter])}"
            out.print(title, style="bold", markup=False)
        ids = " … ".join([first.id, *(part.id for part in others[-1:])])
        heading = _(first.heading or first.about)
        out.print(Text.assemble((f"{ids}  ", "bold"), heading), soft_wrap=True)
        out.print(_lessons(first))
    if folders := runs(logdir):
        title = _("recent runs in {}").format(logdir)
        table = Table(title, _("status"), "", box=None)
        for folder in folders[-MOST_RUNS:]:
            try:
                summary = read_summary(folder)
                words = summary["status"], summary.get("reason", "")
            except (OSError, ValueError):
                words = "damaged", "its summary.json cannot be read"
            name = f"{folder.parent.name}/{folder.name}"
            table.add_row(*map(Text, (name, *map(_, words))))
        out.print(table)


def _lessons(part: course.Part) -> Table | Text:
    """A part's own lessons or, where it has none, what else covers it."""
    name = Column(min_width=max(map(len, registry.names())), no_wrap=True)
    table = Table(name, "", box=None, show_header=False)
    for lesson in course.own_lessons(part):
        table.add_row(lesson, _(course.title_and_course(lesson)[0]))
    if table.row_count:
        return table
    commands = [f"python -m compare {command}" for command in part.commands]
    return Text(f" → {', '.join(course.lessons_of(part) or commands)}")
