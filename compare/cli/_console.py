"""Where commands print, and how they refuse a wrong request."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from compare.report import COLORS

for stream in (sys.stdout, sys.stderr):  # Windows has a code page without Σ
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8")  # pyright: ignore[reportAttributeAccessIssue]
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(console: Console, words: str, style: str = "") -> None:
    """Print a line as it is: brackets are no markup, and it is not broken."""
    console.print(words, style=style, markup=False, soft_wrap=True)


def colored(kind: str) -> Text:
    """The kind of a verdict in its colour."""
    return Text(kind, style=COLORS[kind])


def linked(address: str, words: str, console: Console) -> Text:
    """An address as words to click on; in full where nothing can be clicked."""
    if console.is_terminal and console.color_system and not console.legacy_windows:
        return Text(words, style=f"link {address}")
    return Text(address)


@contextmanager
def usage_errors(
    *kinds: type[Exception], about: Callable[[Exception], str] = lambda error: ""
) -> Iterator[None]:
    """Turn a wrong request into one clear line and exit status 2.

    Args:
        kinds: of errors; else what a wrong request raises.
        about: what stands before the message.
    """
    expected = kinds or (OSError, ValueError, RuntimeError)
    try:
        yield
    except expected as error:
        say(err, f"error: {about(error)}{message(error)}", "red")
        raise typer.Exit(2) from None


def message(error: Exception) -> str:
    """What is wrong and, unless it was meant to be read, where."""
    if isinstance(error, (OSError, ValueError, RuntimeError)):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = type(error).__name__
    return f"{name}: {error} ({frame.filename}, line {frame.lineno})"
