"""`graph`: the computation graph of an expression, forward and backward."""

import typer
from rich.table import Column, Table
from rich.text import Text
from typer import Argument

from compare.cli._console import out, say, usage_errors
from compare.cli._options import LANG, Language
from compare.translation import _

AGREE = 1e-12
"""Relative difference of two gradients up to which rounding explains it."""


def graph(
    expression: str = Argument(help='Such as "x**2 + y**2" or "max(0, w*x + b)".'),
    point: list[str] = Argument(None, help="The variables, such as x=2 y=-1."),
    lang: Language | None = LANG,
) -> None:
    """Show a calculation node by node, forward and backward.

    Exit 1 if the gradient by hand differs from that of autograd.
    """
    with usage_errors():
        from compare import graph as graphs

        nodes = graphs.graph(expression, dict(map(_value, point or [])))
    columns = ("value", "by hand", "autograd", "finite difference")
    right = (Column(_(name), justify="right", no_wrap=True) for name in columns)
    table = Table(_("node"), *right, box=None, pad_edge=False)
    for node in nodes:
        numbers = (node.value, node.by_hand, node.autograd, node.difference)
        table.add_row(
            Text(node.label), *(f"{n:.6g}".replace("-", "−") for n in numbers)
        )
    out.print(table)
    words = "Backward, one step a node: gradient = Σ gradient of the use · factor"
    say(out, f"\n{_(words)}")
    steps = Table(box=None, show_header=False, pad_edge=False)
    for n, (node, terms, rules) in enumerate(graphs.backward_steps(nodes), 1):
        gradient = "" if n == 1 else f" = {graphs.short(node.by_hand).strip('()')}"
        factors = f"{_('factor')} {rules}" if rules else ""
        steps.add_row(*map(Text, (f"{n:2}", node.label, f"{terms}{gradient}", factors)))
    out.print(steps)
    apart = [abs(n.by_hand - n.autograd) > AGREE * abs(n.autograd) for n in nodes]
    raise typer.Exit(1 if any(apart) else 0)


def _value(given: str) -> tuple[str, float]:
    name, equals, number = given.replace("−", "-").partition("=")
    try:
        if not equals or not name.isidentifier():
            raise ValueError
        return name, float(number)
    except ValueError:
        raise ValueError(f"a variable is given as NAME=NUMBER, got {given!r}") from None
