"""Tables of the site: a bar in a cell does not end it."""

import sys
from pathlib import Path

from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from compare import registry

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/site"))
from pages.markdown import code, table

sys.path.pop(0)


def cells(text: str) -> list[str]:
    from markdown_it.renderer import RendererHTML

    tokens = create_md_parser(MdParserConfig(), RendererHTML).parse(text)
    kept, opened = [], False
    for token in tokens:
        if opened and token.children is not None:
            kept.append("".join(child.content for child in token.children))
        opened = token.type in ("td_open", "th_open")
    return kept


def test_bars_and_backticks_stay_in_their_cell() -> None:
    rows = [["|z| is |x|", code("a | b")], ["1", code("`")]]
    assert cells(table(("head", "|"), rows)) == [
        *("head", "|", "|z| is |x|", "a | b", "1", "`")
    ]


def test_every_check_of_every_lesson_fits_its_cell() -> None:
    texts = [t for n in registry.names() for t in registry.load(n)[1].claims]
    assert len(cells(table(("check",), ([text] for text in texts)))) == 1 + len(texts)
