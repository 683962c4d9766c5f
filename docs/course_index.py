"""The page that leads from each part of the course to its code and its tests.

`python -m compare.course_page docs/course.md` writes it.
"""

import inspect
import sys
from pathlib import Path

from compare.course import CHAPTERS, PARTS, Part, lessons_of
from compare.show.names import pair
from compare.show.source import torch_name

HEAD = """\
# The course, part by part

Where each part of the course is worked: as a lesson or an exercise, by hand, in
PyTorch, and in the tests. Made by `make docs`; a test holds it to the code.

- lessons: `python -m compare run NAME`
- exercises: `python -m compare exercises`
- by hand beside PyTorch: `python -m compare show NAME`
"""
COLUMNS = ("id", "about", "lesson or exercise", "by hand", "in PyTorch", "held by")
ROOT = Path(__file__).resolve().parent.parent


def course_page() -> str:
    """The whole page, as Markdown."""
    chapters = [_chapter(letter) for letter in CHAPTERS]
    return "\n".join([HEAD, *chapters])


def torch_calls(part: Part) -> list[str]:
    """What of torch does the same: what is re-exported, and what else is said."""
    found = [torch_name(name) for name in part.names]
    return list(dict.fromkeys([*(name for name in found if name), *part.torch]))


def _chapter(letter: str) -> str:
    parts = [part for part in PARTS if part.chapter == letter]
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, parts)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {letter}. {CHAPTERS[letter]}\n\n{table}\n"


def _row(part: Part) -> tuple[str, ...]:
    heading = f"**{part.heading}**: " if part.heading else ""
    lessons = [f"[{n}](../compare/experiments/{n}.py)" for n in lessons_of(part)]
    commands = [f"`{command}`" for command in part.commands]
    return (
        part.id,
        f"{heading}{part.about}",
        _lines([*lessons, *commands]),
        _lines([f"[{name}]({_file(name)})" for name in part.names]),
        _lines([f"`{call}`" for call in torch_calls(part)] or _own(part)),
        _lines([_test(test) for test in part.tests]),
    )


def _own(part: Part) -> list[str]:
    """Where torch has nothing of the kind, torch_ref's own."""
    return [f"`torch_ref.{name}`" for name in part.names]


def _file(name: str) -> str:
    """Where a name of handmade is defined, as seen from docs/."""
    path = Path(inspect.getfile(pair(name)[0])).resolve()
    return f"../{path.relative_to(ROOT).as_posix()}"


def _test(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{name}](../tests/{file})"


def _lines(cells: list[str]) -> str:
    return "<br>".join(cells)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(course_page(), encoding="utf-8")
