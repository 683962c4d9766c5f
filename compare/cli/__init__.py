"""The command line: one file a command; here the order in which help lists them.

Torch is imported only inside the commands that need it.
"""

from importlib.metadata import version

import typer

from compare.cli import (
    bench,
    board,
    check,
    exercises,
    graph,
    listing,
    run,
    show,
    template,
)
from compare.cli._console import out, say
from compare.cli._language import Command, Program

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=Program,
    rich_markup_mode=None,
    help="Deep learning by hand, trained in lockstep with PyTorch and compared.",
)
COMMANDS = {
    "run": (run.run, "run or_gate digits_softmax"),
    "list": (listing.list_lessons, "list"),
    "exercises": (exercises.exercises, "exercises D6"),
    "graph": (graph.graph, 'graph "x**2 + y**2" x=2 y=-1'),
    "board": (board.board, "board or_gate"),
    "check": (check.check, "check my_loss.py"),
    "template": (template.template, "template MSELoss > my_loss.py"),
    "show": (show.show, "show MSELoss"),
    "bench": (bench.bench, "bench digits xor"),
}
"""Each command and an example of its use."""

for name, (function, example) in COMMANDS.items():
    app.command(
        name,
        cls=Command,
        epilog=f"Example: python -m compare {example}",
        context_settings={"ignore_unknown_options": name == "graph"},  # y=-1
    )(function)


def _print_version(wanted: bool) -> None:
    if wanted:
        names = ("handmade-dl", "torch", "numpy")
        say(out, ", ".join(f"{name} {version(name)}" for name in names))
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False,
        "--version",
        is_eager=True,
        callback=_print_version,
        help="Print versions.",
    ),
) -> None:
    """Deep learning by hand, trained in lockstep with PyTorch and compared."""
