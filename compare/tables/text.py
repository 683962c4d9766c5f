"""Reading a table of text from a CSV file, or saying what is wrong with the file."""

import csv
import io
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from compare.suggest import suggest

SEPARATORS = ",;\t|"
"""What may stand between two fields; the file itself shows which."""
LOOKED_AT = 100
"""From so many lines it is seen which separator a file has."""
NAMED = 12
"""A message names at most so many columns."""


@dataclass(frozen=True)
class Table:
    """The fields of a file, all of them text without blanks at the ends.

    Args:
        path: of the file.
        names: of the columns; no two are the same.
        rows: the fields of each row, as many as there are names.
        lines: at which line of the file each row ends, from 1.
    """

    path: Path
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The fields below `name`."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def at(self, row: int, name: str) -> str:
        """Where in the file a field stands, in words."""
        return f"{self.path}, line {self.lines[row]}, column {name!r}"

    def require_column(self, name: str) -> None:
        """Refuse a name that no column has.

        Raises:
            ValueError: names the nearest, or those that there are.
        """
        if name in self.names:
            return
        near = suggest(name, self.names, most=3)
        hint = f"there are {_listed(self.names)}"
        if near:
            hint = f"did you mean {' or '.join(map(repr, near))}?"
        elif all(is_number(known) for known in self.names):
            hint = f"its first line must name the columns, got {_listed(self.names)}"
        raise ValueError(f"{self.path} has no column {name!r}; {hint}")


def read(path: Path) -> Table:
    """The table in a CSV file, whose first line names the columns.

    Fields may be quoted. The separator is found out, and a byte-order mark and empty
    lines are passed over.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is empty or no text, its quotes are not closed, a name is missing
            or there twice, or a row is longer or shorter than the first.
    """
    text = _text(path)
    rows, lines = _split(path, text, _separator(text))
    if not rows:
        raise ValueError(f"{path} is empty; its first line must name the columns")
    names, rows = rows[0], rows[1:]
    _require_names(path, names)
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {line}: {_fields(len(row))}, "
                f"but the first line names {len(names)} columns"
            )
    return Table(path, names, rows, lines[1:])


def is_number(field: str) -> bool:
    """Whether a field can be read as a number; NaN and infinities count as such."""
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # which Python allows between digits


def content(path: Path) -> bytes:
    """What a file holds.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    return path.read_bytes()


def _text(path: Path) -> str:
    try:
        return content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None


def _separator(text: str) -> str:
    """The separator that makes most rows as long as the first, and that one longest."""

    def fit(separator: str) -> tuple[bool, int, int]:
        widths: list[int] = []
        with suppress(csv.Error):  # `_split` will say
            rows = islice(_reader(text, separator), LOOKED_AT)
            widths.extend(len(row) for row in rows if row)
        width = widths[0] if widths else 0
        return width > 1, widths.count(width), width

    return max(SEPARATORS, key=fit)


def _split(path: Path, text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    reader = _reader(text, separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if row:
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    return rows, lines


def _reader(text: str, separator: str) -> Any:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def _require_names(path: Path, names: list[str]) -> None:
    if "" in names:
        raise ValueError(f"{path}: column {names.index('') + 1} has no name")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{path}: more than one column is named {_listed(twice)}")


def _fields(count: int) -> str:
    return f"{count} field" if count == 1 else f"{count} fields"


def _listed(names: list[str]) -> str:
    more = ", …" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
