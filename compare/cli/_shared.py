"""What commands share: where they print, and how they refuse a wrong request."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from compare.report import COLORS

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def colored(kind: str) -> Text:
    """The kind of a verdict in its colour."""
    return Text(kind, style=COLORS[kind])


def linked(address: str, words: str, console: Console) -> Text:
    """An address as words to click on; where nothing can be clicked, as it is."""
    if console.is_terminal and console.color_system and not console.legacy_windows:
        return Text(words, style=f"link {address}")
    return Text(address)


@contextmanager
def usage_errors(
    *kinds: type[Exception], about: Callable[[Exception], str] = lambda error: ""
) -> Iterator[None]:
    """Turn a wrong request into one clear line and exit status 2."""
    expected = kinds or (OSError, ValueError, RuntimeError)
    try:
        yield
    except expected as error:
        err.print(
            f"error: {about(error)}{in_words(error)}",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(2) from None


def in_words(error: Exception) -> str:
    """What is wrong and, unless it was meant to be read, where."""
    if isinstance(error, (OSError, ValueError, RuntimeError)):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = type(error).__name__
    return f"{name}: {error} ({frame.filename}, line {frame.lineno})"


def _utf8() -> None:
    """Windows consoles default to a code page without Σ."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # pyright: ignore[reportAttributeAccessIssue]


_utf8()
