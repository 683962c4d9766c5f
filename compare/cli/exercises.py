"""`exercises`: those of the course, solved three ways."""

import typer
from rich.table import Table
from rich.text import Text

from compare.cli._console import colored, out


def exercises() -> None:
    """Solve every exercise of the course by hand, with `handmade` and in PyTorch.

    Exit 1 if any of the three answers differs.
    """
    from compare import solved_exercises

    agree = True
    for heading, group in solved_exercises.by_heading().items():
        out.print(f"\n{heading}", style="bold", markup=False)
        table = Table("", "exercise", "by hand", "handmade", "PyTorch", "", box=None)
        for exercise in group:
            answer = exercise.answer()
            agree &= answer.verdict.agrees
            table.add_row(
                exercise.id,
                Text(exercise.question),
                Text(answer.by_hand),
                Text(answer.handmade),
                Text(answer.torch_ref),
                colored(answer.verdict.kind),
            )
        out.print(table)
    raise typer.Exit(0 if agree else 1)
