"""The parts of the course (course.csv, in its order), and the lessons of each.

A lesson names its parts in `Experiment.course`. docs/course_index.py has the names of
`handmade` and the tests that belong to each part.
"""

import ast
import csv
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from compare import experiments, registry

CHAPTERS = {
    "A": "Optimisation",
    "B": "Exercises: activations",
    "C": "Exercises: gradients",
    "D": "The one-layer perceptron",
    "E": "Error",
    "F": "Backpropagation and deep learning",
}


@dataclass(frozen=True)
class Part:
    """One part of the course.

    Args:
        id: as lessons and exercises name it, such as "D6" or "B a".
        heading: the German heading of the slide, if it has one.
        about: what it is about, in a few words.
        commands: of `python -m compare` that work it, where no lesson does.
    """

    id: str
    heading: str
    about: str
    commands: list[str]

    @property
    def chapter(self) -> str:
        """The letter of its chapter."""
        return self.id[0]


_TEXT = Path(__file__).with_suffix(".csv").read_text(encoding="utf-8")
PARTS = [
    Part(row["id"], row["heading"], row["about"], row["commands"].split())
    for row in csv.DictReader(_TEXT.splitlines())
]
"""All of them, in the order of the course."""


def by_heading() -> list[list[Part]]:
    """The parts, those of one heading together; one without heading stands alone."""
    groups = groupby(PARTS, lambda part: (part.chapter, part.heading or part.id))
    return [list(group) for _, group in groups]


def lessons_of(part: Part) -> list[str]:
    """The lessons that name a part: first those that begin with it."""
    courses = {name: title_and_course(name)[1] for name in registry.names()}
    named = [name for name, course in courses.items() if part.id in course]
    return sorted(named, key=lambda name: courses[name].index(part.id))


def lessons_named(name: str) -> list[str]:
    """The lessons of the part with this id, such as "D6"; else the name itself.

    Raises:
        ValueError: the part has no lesson.
    """
    part = next((part for part in PARTS if part.id.lower() == name.lower()), None)
    if part is None:
        return [name]
    if found := lessons_of(part):
        return found
    commands = ", ".join(f"python -m compare {command}" for command in part.commands)
    raise ValueError(f"no lesson is about {part.id}, {part.about}; see: {commands}")


def own_lessons(part: Part) -> list[str]:
    """The lessons whose first part it is: where a list shows them."""
    return [n for n in lessons_of(part) if title_and_course(n)[1][0] == part.id]


@cache
def title_and_course(lesson: str) -> tuple[str, tuple[str, ...]]:
    """A lesson's title and the ids of its parts.

    They are read from its file, since to import all lessons takes seconds; a lesson
    whose file does not spell them out is imported.

    Raises:
        UnknownLesson: there is no such lesson.
    """
    path = Path(experiments.__path__[0], f"{lesson}.py")
    tree = ast.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    found = {}
    for statement in tree.body[::-1]:  # EXPERIMENT stands last
        for node in ast.walk(statement):
            if isinstance(node, ast.keyword) and node.arg in ("title", "course"):
                with suppress(ValueError):  # no literal
                    found.setdefault(node.arg, ast.literal_eval(node.value))
    if len(found) == 2:
        return found["title"], found["course"]
    experiment = registry.load(lesson)[1]
    return experiment.title, experiment.course
