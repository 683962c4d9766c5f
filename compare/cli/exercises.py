"""`exercises`: those of the course, solved three ways, or asked."""

from typing import TYPE_CHECKING

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from compare.cli._console import colored, out, say, usage_errors
from compare.cli._options import LANG, Language
from compare.translation import _

if TYPE_CHECKING:
    from compare.solved_exercises import Exercise

INDENT = (0, 0, 0, 4)


def exercises(
    part: str = Argument("", help="Part of the course: B, Bh, C3, D6; else all."),
    quiz: bool = Option(False, "--quiz", help="Ask for each answer and judge it."),
    lang: Language | None = LANG,
) -> None:
    """Solve the exercises of the course in three ways, or ask them.

    The three are by hand, with `handmade` and in PyTorch.

    Exit 1 if any of the three answers differs, or an answer of the quiz is wrong.
    """
    with usage_errors():
        from compare.solved_exercises import chosen

        found = chosen(part)
    heading = given = ""
    good: list[bool] = []
    for exercise in found:
        if exercise.heading != heading:
            heading = exercise.heading
            out.print(f"\n{heading}", style="bold", markup=False)
        again, given = exercise.given == given, exercise.given
        asked = exercise.asked if again else exercise.question
        say(out, f"\n{exercise.id}  {_(asked)}")
        if not quiz:
            good.append(_solved(exercise))
        elif (right := _asked(exercise)) is None:
            break
        else:
            good.append(right)
    if quiz:
        say(out, "\n" + _("{} of {} right").format(sum(good), len(good)))
    raise typer.Exit(0 if all(good) else 1)


def _solved(exercise: "Exercise") -> bool:
    """Print the working and the three answers."""
    answer = exercise.answer()
    short = "\n" not in answer.handmade and len(answer.handmade) < 22
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row(_("by hand"), Text(_(answer.by_hand)))
    ours, theirs = Text(answer.handmade), Text(answer.torch_ref)
    kind = Text("  ").append(colored(answer.verdict.kind))
    if short:
        ours.append("   PyTorch  ").append(theirs)
        table.add_row("handmade", ours.append(kind))
    else:
        table.add_row("handmade", ours)
        table.add_row("PyTorch", theirs.append(kind))
    out.print(Padding(table, INDENT, expand=False))
    return answer.verdict.agrees


def _asked(exercise: "Exercise") -> bool | None:
    """Whether the typed answer is right, or None if there is no more."""
    while True:
        try:
            prompt = "    " + _("answer (Enter: show it, q: stop)")
            typed = typer.prompt(prompt, "", show_default=False)
            if typed.strip().lower() == "q":
                return None
            verdict = exercise.judge(typed) if typed.strip() else None
        except ValueError as error:
            say(out, f"    {_(str(error))}")
            continue
        except (EOFError, typer.Abort):
            return None
        right = verdict is not None and verdict.agrees
        if right:
            say(out, f"    {_('right')}", "green")
        elif verdict:
            words = verdict.words.removeprefix("cause not recognised; ")
            say(out, f"    {_('wrong')}: {_(words)}", "red")
        say(out, f"    {_(exercise.answer().by_hand)}".replace("\n", "\n    "))
        return right
