"""What lessons are called and which part of the course each works, at a glance.

It is read from their files: to run all of them would take seconds.
"""

import ast
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from compare import experiments, registry


@dataclass(frozen=True)
class Heading:
    """What stands above a lesson.

    Args:
        title: of the lesson.
        course: the parts of the course that it works.
    """

    title: str
    course: tuple[str, ...]


@cache
def heading(name: str) -> Heading:
    """The heading of a lesson of the project.

    Raises:
        ValueError: there is no such lesson.
    """
    path = Path(experiments.__path__[0], f"{name}.py")
    said = _said(path) if path.is_file() else {}
    if said.keys() == {"title", "course"}:
        return Heading(**said)  # pyright: ignore[reportArgumentType]
    lesson = registry.load(name)[1]  # it is put together elsewhere
    return Heading(lesson.title, lesson.course)


def _said(path: Path) -> dict[str, object]:
    """Title and course as a file spells them out, where it does; EXPERIMENT is last."""
    last_first = ast.parse(path.read_text(encoding="utf-8")).body[::-1]
    nodes = (node for statement in last_first for node in ast.walk(statement))
    found: dict[str, object] = {}
    for node in nodes:
        if isinstance(node, ast.keyword) and node.arg in ("title", "course"):
            with suppress(ValueError):  # not a literal
                found.setdefault(node.arg, ast.literal_eval(node.value))
    return found
