"""What a finished run shows of itself in a notebook."""

import base64
from html import escape
from pathlib import Path
from typing import Any

from compare.report import COLORS


def as_html(result: Any) -> str:
    """The verdict, the checks and the loss curves of a run."""
    color, words = COLORS[result.verdict.kind], escape(result.verdict.sentence)
    status = "" if result.status == "finished" else f" ({result.status})"
    parts = [
        f"<p><b>{escape(result.lesson)}</b>{status}: "
        f'<b style="color: {color}">{words}</b></p>',
        f"<p>{escape(result.reason)}</p>" if result.reason else "",
        _checks(result.claims),
        _embedded(result.folder / "curves.png"),
        f"<p>{escape(result.story)}</p>" if result.story else "",
    ]
    return "\n".join(part for part in parts if part)


def _checks(checks: dict[str, tuple[bool, str]]) -> str:
    rows = "".join(
        f"<tr><td>{'✓' if holds else '✗'}</td>"
        f'<td style="text-align: left">{escape(text)}</td>'
        f'<td style="text-align: left">{escape(found)}</td></tr>'
        for text, (holds, found) in checks.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _embedded(image: Path) -> str:
    """An image as a data URL, so that the HTML needs no file; "" if it is missing."""
    if not image.is_file():
        return ""
    data = base64.b64encode(image.read_bytes()).decode()
    return f'<img alt="both losses" width="640" src="data:image/png;base64,{data}">'
