"""The course's exercises, worked three times."""

from pathlib import Path

from compare import solved_exercises
from pages.files import Pages
from pages.kinds import LEGEND

INTRODUCTION = """# Exercises

Every exercise of the course: on paper, with `handmade` and in PyTorch. The same table
is printed by `python -m compare exercises`.
"""


def write(folder: Path) -> None:
    """Write the page of all exercises."""
    pages = Pages(folder)
    tables = [_table(*group) for group in solved_exercises.by_heading().items()]
    pages.add("index.md", "\n".join([INTRODUCTION, *tables, LEGEND]))
    pages.finish()


def _table(heading: str, group: list[solved_exercises.Exercise]) -> str:
    head = f"## {heading}\n\n| | exercise | by hand | handmade | PyTorch | |\n"
    rows = "\n".join(_row(exercise) for exercise in group)
    return f"{head}|---|---|---|---|---|---|\n{rows}\n"


def _row(exercise: solved_exercises.Exercise) -> str:
    answer = exercise.answer()
    three = (answer.by_hand, answer.handmade, answer.torch_ref)
    cells = [exercise.question, *(f"`{text}`".replace("\n", "` `") for text in three)]
    return f"| {exercise.id} | {' | '.join(cells)} | {answer.verdict.kind} |"
