"""`show`: one public name of handmade beside its counterpart in PyTorch."""

from pathlib import Path

import typer
from typer import Argument, Option

from compare.cli._console import out, say, usage_errors


def show(
    name: str = Argument(
        "", help="Dotted or short: optim.SGD, MSELoss, autodiff.grad; see --list."
    ),
    html: Path | None = Option(None, help="Write an HTML page to this file instead."),
    full: bool = Option(False, "--full", help="The whole source, not only its core."),
    listed: bool = Option(False, "--list", help="Print all names."),
) -> None:
    """Show a name of handmade beside its counterpart in torch.

    Sources, formula, shapes and live numbers.

    Exit 1 if the live numbers of the two sides differ.
    """
    with usage_errors():
        from compare.show import names, page
        from compare.show.html import as_html

        if listed:
            typer.echo("\n".join(names.names()))
            return
        if not name:
            raise ValueError("name a class or a function; --list prints all")
        shown = page.page(name, full)
        if html is None:
            page.show(shown, out)
        else:
            html.write_text(as_html(shown), encoding="utf-8")
            say(out, f"{shown.name} → {html}")
    agrees = shown.example is None or shown.example.verdict.agrees
    raise typer.Exit(0 if agrees else 1)
