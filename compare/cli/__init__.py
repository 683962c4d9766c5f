"""The command line: one file a command; here the order in which help lists them.

Torch is imported only inside the commands that need it.
"""

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

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Deep learning by hand, trained in lockstep with PyTorch and compared.",
)
app.command()(run.run)
app.command("list")(listing.list_lessons)
app.command()(exercises.exercises)
app.command(context_settings={"ignore_unknown_options": True})(graph.graph)
app.command()(board.board)
app.command()(check.check)
app.command()(template.template)
app.command()(show.show)
app.command()(bench.bench)
