"""The name of a table's lesson, by which it is found again: path, column and net."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlencode

from compare.experiment import Experiment
from compare.tables.lesson import WIDEST, checked_units, from_csv
from compare.tables.text import content


def reference(path: Path | str, name: str, hidden: Sequence[int] = ()) -> str:
    """The name under which the lesson is found again, by path, column and net."""
    asked = {"target": name, "hidden": ",".join(map(str, hidden))}
    return f"{quote(str(Path(path).resolve()))}?{urlencode(asked)}"


def load(name: str) -> tuple[str, Experiment]:
    """The lesson of a reference, and a name for its folder."""
    path, column, hidden = _parsed(name)
    folder = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).strip("._") or "table"
    return folder, from_csv(path, column, hidden)


def source(name: str) -> str:
    """A reference with the hash of the file: another file is another lesson."""
    known = hashlib.sha256(content(_parsed(name)[0]))
    return f"{name}#{known.hexdigest()[:16]}"


def units(text: str) -> tuple[int, ...]:
    """The hidden layers that a text such as "32,16" names; "" names none.

    Raises:
        ValueError: it is no list of such numbers.
    """
    try:
        return checked_units([int(part) for part in text.split(",")] if text else [])
    except ValueError:
        raise ValueError(
            f"hidden must be whole numbers from 1 to {WIDEST}, separated by commas, "
            f"such as 32,16, got {text!r}"
        ) from None


def _parsed(name: str) -> tuple[Path, str, tuple[int, ...]]:
    path, _, query = name.rpartition("?")
    asked = parse_qs(query, keep_blank_values=True)
    hidden = asked["hidden"][0]
    return Path(unquote(path)), asked["target"][0], units(hidden)
