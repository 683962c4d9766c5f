"""The course's exercises, solved three ways, and calculations as graphs."""

from itertools import groupby
from pathlib import Path

from compare import solved_exercises
from compare.solved_exercises import Exercise
from pages import graphs
from pages.files import Pages
from pages.kinds import LEGEND
from pages.markdown import code, table

INTRODUCTION = """---
hide-toc: true
---

# Exercises

Every exercise of the course: on paper, with `handmade` and in PyTorch.
`python -m compare exercises` prints the same; with `--quiz` it asks for the answers.

```{toctree}
:maxdepth: 1

graphs
```
"""
HEAD = ("asked", "by hand", "handmade", "PyTorch", "verdict")


def write(folder: Path) -> None:
    """Write the page of all exercises and that of the graphs."""
    pages = Pages(folder)
    tables = [_section(*group) for group in solved_exercises.by_heading().items()]
    pages.add("index.md", "\n".join([INTRODUCTION, *tables, LEGEND]))
    pages.add("graphs.md", graphs.page())
    pages.finish()


def _section(heading: str, exercises: list[Exercise]) -> str:
    """What is given, and below it all that is asked."""
    text = f"## {heading}\n"
    for (id, given), group in groupby(exercises, lambda e: (e.id, e.given)):
        text += f"\n**{id}** {code(given.replace(chr(10), ' '))}\n\n"
        text += f"```{{rst-class}} worked\n```\n\n{table(HEAD, map(_row, group))}"
    return text


def _row(exercise: Exercise) -> tuple[str, ...]:
    answer = exercise.answer()
    three = (answer.by_hand, answer.handmade, answer.torch_ref)
    cells = ("\n".join(map(code, text.splitlines())) for text in three)
    is_formula = exercise.asked.startswith(("y =", "∇"))
    asked = code(exercise.asked) if is_formula else exercise.asked
    return asked, *cells, answer.verdict.kind
