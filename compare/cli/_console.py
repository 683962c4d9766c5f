"""Where commands print, and how they refuse a wrong request."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from compare.report import COLORS
from compare.translation import _

for stream in (sys.stdout, sys.stderr):  # Windows has a code page without Σ
    if hasattr(stream, "reconfigure"):
        how = {"encoding": "utf-8", "errors": "backslashreplace"}
        stream.reconfigure(**how)  # pyright: ignore[reportAttributeAccessIssue]


class SteadyConsole(Console):
    """A console whose reader may leave: the exit code is that of the work done."""

    def on_broken_pipe(self) -> None:
        """Write to nowhere from here on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


out = SteadyConsole(highlight=False)
err = SteadyConsole(stderr=True, highlight=False)
EXPECTED = (OSError, ValueError, RuntimeError)
"""Errors whose message is meant to be read."""


def say(console: Console, words: str, style: str = "") -> None:
    """Print a line as it is: brackets are no markup, and it is not broken."""
    console.print(words, style=style, markup=False, soft_wrap=True)


def colored(kind: str) -> Text:
    """The kind of a verdict in its colour."""
    return Text(_(kind), style=COLORS[kind])


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a wrong request into one clear line and exit status 2."""
    try:
        yield
    except EXPECTED as error:
        raise refusal(str(error)) from None


def refusal(words: str, status: int = 2) -> typer.Exit:
    """Say what is wrong; returns the exit to be raised."""
    say(err, f"{_('error')}: {_(words)}", "red")
    return typer.Exit(status)


def progress(steps: Iterable[Any], label: str, total: int) -> Iterator[Any]:
    """Show how many steps are done; nothing where nobody looks."""
    if not err.is_terminal:
        return iter(steps)
    from rich.progress import track

    return iter(track(steps, label, total, console=err, transient=True))
