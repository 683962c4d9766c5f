"""What a run came to, as HTML for a notebook."""

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compare.trainer import Result

COLORS = {"equal": "green", "rounding": "green", "convention": "orange", "bug": "red"}


def of(result: "Result") -> str:
    """Verdict, claims, both curves and what to notice."""
    kind, words = result.verdict.kind, escape(result.verdict.words)
    ending = "" if result.status == "finished" else f" ({result.status})"
    parts = [
        f"<p><b>{escape(result.lesson)}</b>{ending}: "
        f'<b style="color: {COLORS[kind]}">{kind}</b>: {words}</p>',
        f"<p>{escape(result.reason)}</p>" if result.reason else "",
        _claims(result.claims),
        _picture(result.folder / "curves.png"),
        f"<p>{escape(result.story)}</p>" if result.story else "",
    ]
    return "\n".join(part for part in parts if part)


def _claims(claims: dict[str, tuple[bool, str]]) -> str:
    rows = "".join(
        f"<tr><td>{'✓' if holds else '✗'}</td>"
        f'<td style="text-align: left">{escape(text)}</td>'
        f'<td style="text-align: left">{escape(found)}</td></tr>'
        for text, (holds, found) in claims.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _picture(path: Path) -> str:
    """The picture itself, so that the page needs no file; "" where it was not drawn."""
    if not path.is_file():
        return ""
    code = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="both losses" width="640" src="data:image/png;base64,{code}">'
