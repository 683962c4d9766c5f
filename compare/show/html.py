"""The page of a name as HTML: one file, light and dark, for phones as well."""

from collections.abc import Iterator
from html import escape

import numpy as np
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from compare.report import page as report
from compare.show.page import Page, groups, in_short, result_of, written

LIGHT, DARK = HtmlFormatter(style="default"), HtmlFormatter(style="github-dark")
STYLE = f"""
.both {{ display: grid; gap: 14px; }}
.both > * {{ min-width: 0; }}
@media (min-width: 900px) {{ .both {{ grid-template-columns: 1fr 1fr; }} }}
pre {{
  overflow-x: auto; padding: 8px 10px; margin: 4px 0; border-radius: 6px;
  background: var(--card);
  font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace;
}}
.wide {{ overflow-x: auto; }}
td pre {{ margin: 0; padding: 0; background: none; }}
{LIGHT.get_style_defs(".highlight")}
@media (prefers-color-scheme: dark) {{ {DARK.get_style_defs(".highlight")} }}
.highlight, .highlight pre {{ background: var(--card) !important; }}
"""


def as_html(page: Page) -> str:
    """A page that needs no other file; the same on every machine."""
    style = report.STYLE.read_text(encoding="utf-8") + STYLE
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f"<title>{page.name}: handmade and torch_ref</title>",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{style}</style></head><body>",
            *_parts(page),
            "</body></html>",
        ]
    )


def _parts(page: Page) -> Iterator[str]:
    yield f"<h1>handmade.{page.name}</h1><p>{escape(page.summary)}</p>"
    sources = {"handmade": page.handmade, "torch_ref": page.torch_ref}
    columns = (f"<div><h2>{n}</h2>{_code(code)}</div>" for n, code in sources.items())
    yield f'<div class="both">{"".join(columns)}</div>'
    for kind, sections in groups(page).items():
        yield f"<h2>{kind}</h2>"
        for name, text in sections.items():
            body = f"<p>{escape(text)}</p>" if kind == "notes" else _pre(text)
            yield f"<h3>{name}</h3>{body}"
    yield "<h2>live example</h2>"
    if page.example is None:
        yield f"<p>none: {escape(page.no_example)}</p>"
        return
    yield _code(page.example.call)
    given = ((n, str(a.shape), _array(a)) for n, a in page.example.given.items())
    yield _table(("given", "shape", ""), given)
    results = (
        (r.name, _array(r.handmade), _array(r.torch_ref), in_short(r.verdict))
        for r in page.example.rows
    )
    yield _table(("result", "handmade", "torch_ref", "verdict"), results)
    head, words = result_of(page.example)
    kind = "good" if page.example.verdict.agrees else "bad"
    yield f'<p>{head}<b class="{kind}">{escape(words)}</b></p>'


def _code(source: str) -> str:
    return highlight(source, PythonLexer(), LIGHT)


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _array(array: np.ndarray) -> str:
    return _pre(written(array, 40, 4))


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>'
