"""Help and usage errors in the language that `--lang` or the environment chooses."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from compare.cli._console import refusal
from compare.translation import LANGUAGES, _, in_use, use

UsageError: Any = typer.BadParameter.__base__
"""What typer raises where a command line cannot be understood."""


class _Help:
    """A command whose help is translated."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Let the formatter translate what it is given."""
        heading, usage = formatter.write_heading, formatter.write_usage
        text, rows = formatter.write_text, formatter.write_dl
        formatter.write_heading = lambda words: heading(_(words))
        formatter.write_usage = lambda *words: usage(*words, prefix=f"{_('Usage')}: ")
        formatter.write_text = lambda words: text(_paragraphs(words))
        formatter.write_dl = lambda pairs: rows(_described(pairs))
        super().format_help(ctx, formatter)  # pyright: ignore[reportAttributeAccessIssue]


class Command(_Help, TyperCommand):
    """A command."""


class Program(_Help, TyperGroup):
    """All commands."""

    def main(
        self, args: Sequence[str] | None = None, *more: Any, **options: Any
    ) -> Any:
        """Choose the language before anything is parsed, and only for this call."""
        before = in_use()
        use(_asked(sys.argv[1:] if args is None else args))
        try:
            return super().main(args, *more, **options)
        finally:
            use(before)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what stands before the command; without anything there is help."""
        if not args:
            return super().parse_args(ctx, args)
        with _usage_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Parse the command's arguments, and call it."""
        with _usage_errors():
            return super().invoke(ctx)


def _asked(args: Sequence[str]) -> str | None:
    """The language that the arguments name, if it is one of ours."""
    found = re.search(r"(?:^| )--lang[ =](\S+)", " ".join(map(str, args)))
    return found[1] if found and found[1] in LANGUAGES else None


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Say in one line what typer cannot understand."""
    try:
        yield
    except UsageError as error:
        words = error.format_message().replace("Value error, ", "").removesuffix(".")
        path = error.ctx.command_path if error.ctx else "python -m compare"
        raise refusal(f"{_(words)}; {_('see')} {path} --help") from None


def _paragraphs(text: str) -> str:
    return "\n\n".join(_(" ".join(part.split())) for part in text.split("\n\n"))


def _described(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Options and commands with what they do; behind it may stand "[default: …]"."""
    found = []
    for name, words in pairs:
        text, space, extra = words.partition("  [")
        found.append((name, _(text) + space + _(extra)))
    return found
