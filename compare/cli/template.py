"""`template`: a class to be filled in."""

import typer
from typer import Argument, Option

from compare.cli._console import usage_errors


def template(
    name: str = Argument("", help="A class, such as MSELoss or SGD; see --list."),
    solution: bool = Option(False, "--solution", help="Print handmade's class."),
    names: bool = Option(False, "--list", help="Print all names."),
) -> None:
    """Print a class to fill in, with its formulas.

    `check` compares it. The names are those of handmade.nn, handmade.optim and
    Rosenblatt: see --list.
    """
    from compare import templates
    from compare.suggest import suggest

    known = templates.names()
    with usage_errors():
        if names:
            words = "\n".join(known) + "\n"
        elif name in known or suggest(name, known):
            words = templates.template(name, solution)
        else:
            what = f"there is no template {name!r}" if name else "name a class"
            raise ValueError(f"{what}; `python -m compare template --list` names all")
    typer.echo(words, nl=False)
