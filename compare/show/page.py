"""One public name of `handmade` beside its twin, as text or as HTML."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from compare.report import COLORS
from compare.show import docstring, source
from compare.show.core import core
from compare.show.docstring import FORMULAS, NOTES, SHAPES
from compare.show.example import Example, example
from compare.show.names import lookup, resolve
from compare.show.programs import NO_EXAMPLE
from compare.verdict import Verdict

MIN_WIDTH = 150  # from which on sources stand side by side, if their lines fit
SPACE = 3  # columns between two sources


@dataclass(frozen=True)
class Page:
    """Both sources of a dotted name, the sections of its docstring, and an example."""

    name: str
    summary: str
    handmade: str
    torch_ref: str
    sections: dict[str, str]
    example: Example | None
    no_example: str = ""  # why there is none


def page(name: str, full: bool = False) -> Page:
    """The page of a dotted or short name.

    Args:
        name: such as "nn.Linear" or "Linear".
        full: the whole hand-written source, not only its core.

    Raises:
        ValueError: there is no such name; the message suggests names.
    """
    dotted = resolve(name)
    thing = lookup(dotted)
    summary, sections = "", {}
    if callable(thing):  # a number's docstring is that of its type
        summary, sections = docstring.summary(thing), docstring.sections(thing)
    written, theirs = source.of_handmade(dotted), source.of_torch(dotted)
    ours = written if full else core(written)
    reason = NO_EXAMPLE.get(dotted, "")
    return Page(dotted, summary, ours, theirs, sections, example(dotted), reason)


def groups(page: Page) -> dict[str, dict[str, str]]:
    """The sections of the docstring that are shown, by kind."""
    kinds = {"formula": FORMULAS, "shapes": SHAPES, "notes": NOTES}
    found = {
        kind: {n: page.sections[n] for n in names if page.sections.get(n)}
        for kind, names in kinds.items()
    }
    return {kind: sections for kind, sections in found.items() if sections}


def show(page: Page, console: Console) -> None:
    """Print a page, the sources side by side where there is room."""
    for part in _parts(page, console.width):
        console.print(part, crop=False)


def _parts(page: Page, width: int) -> Iterator[RenderableType]:
    yield Rule(Text(f"handmade.{page.name}", style="bold"), align="left")
    if page.summary:
        yield Text(f"{page.summary}\n")
    yield _sources({"handmade": page.handmade, "torch_ref": page.torch_ref}, width)
    for title, sections in groups(page).items():
        yield Group("", _heading(title))
        for name, text in sections.items():
            yield from _section(name, text)
    yield Group("", _heading("live example"))
    if page.example is None:
        yield Text(f"none: {page.no_example}")
    else:
        yield from _example(page.example, width)


def _heading(title: str) -> Rule:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _sources(sources: dict[str, str], width: int) -> RenderableType:
    """Side by side if no line has to be broken for it, else one below the other."""
    widths = [max(map(len, code.splitlines())) for code in sources.values()]
    if width < max(MIN_WIDTH, sum(widths) + SPACE):
        parts = [(_heading(name), _code(code)) for name, code in sources.items()]
        return Group(*parts[0], *parts[1])
    columns = (Column(n, min_width=w) for n, w in zip(sources, widths, strict=True))
    table = Table(*columns, box=None, padding=(0, SPACE, 0, 0), pad_edge=False)
    table.add_row(*map(_code, sources.values()))
    return table


def _code(source: str) -> Text:
    """Coloured Python; lines are never broken."""
    syntax = Syntax("", "python", theme="ansi_light", background_color="default")
    text = syntax.highlight(source.rstrip())
    text.rstrip()
    text.no_wrap, text.overflow = True, "ignore"
    return text


def _section(name: str, text: str) -> Iterator[RenderableType]:
    if name not in SHAPES:
        yield Text(name, style="italic")
    if name in NOTES:  # prose: the terminal breaks its lines
        text = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    yield Padding(Text(text), (0, 0, 0, 4), expand=False)


def _example(example: Example, width: int) -> Iterator[RenderableType]:
    """What is run, what it is given, both results, and the verdict."""
    yield Group(_code(example.call), "")
    given = Table("given", "shape", "", box=None, pad_edge=False)
    for name, array in example.given.items():
        given.add_row(name, str(array.shape), _numbers(array, width - 30))
    if example.given:
        yield Group(given, "")
    wide = width >= MIN_WIDTH
    columns = ("handmade", "torch_ref") if wide else ("handmade above torch_ref",)
    results = Table("result", *columns, "verdict", box=None, pad_edge=False)
    room = width - max(len(row.name) for row in example.rows) - 24
    for row in example.rows:
        verdict = Text(in_short(row.verdict), style=COLORS[row.verdict.kind])
        arrays = (row.handmade, row.torch_ref)
        both = [_numbers(array, room // len(columns)) for array in arrays]
        results.add_row(row.name, *(both if wide else [Group(*both)]), verdict)
    yield Group(results, "")
    head, words = result_of(example)
    yield Text.assemble(head, (words, COLORS[example.verdict.kind]))


def in_short(verdict: Verdict) -> str:
    """The kind of a verdict, with its size where it is rounding."""
    ulp = f" {verdict.ulp:.1f} ULP" if verdict.kind == "rounding" else ""
    return f"{verdict.kind}{ulp}"


def result_of(example: Example) -> tuple[str, str]:
    """What the verdict is about, and its words."""
    cases = f" of all {example.cases} test cases" if example.cases > 1 else ""
    kind = example.verdict.kind
    words = example.verdict.words.removeprefix(kind).lstrip(": ")
    return f"result{cases}: ", f"{kind}: {words}"


def _numbers(array: np.ndarray, room: int) -> Text:
    return Text(written(array, max(room - 4, 12), 4 if room > 40 else 3))


def written(array: np.ndarray, width: int, digits: int) -> str:
    """An array in lines of this width; a large one with dots."""
    return np.array2string(array, width, digits, separator=" ", threshold=60)
