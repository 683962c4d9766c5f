"""The fields of a CSV file as text, or what is wrong with the file."""

import codecs
import csv
import io
from itertools import islice
from pathlib import Path

import pandas as pd

SEPARATORS = ",;\t|"
ENCODINGS = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}
"""Tried in this order, by the names that Python and people have for them."""
MISSING = ("", "-", "?", "na", "n/a", "nan", "null", "none")
"""What stands for a missing value, in lower case."""


def read(path: Path) -> tuple[pd.DataFrame, str, str]:
    """The table in a CSV file whose first line names the columns.

    Returns:
        The fields as text, NaN where one is missing, the index the line in the file;
        the separator of columns, and the name of the encoding.

    Raises:
        ValueError: it is empty or not a text file, a quote is not closed, a column has
            no name or that of another, or a row is too long or too short.
    """
    text, encoding = _decode(path)
    if not text.strip(SEPARATORS + " \n"):
        raise ValueError(f"{path} is empty; its first line must name the columns")
    separator = _separator(text)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            engine="python",  # it marks what a short row lacks
        )
    except (pd.errors.ParserError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from None
    frame.index += 1
    frame = frame.apply(lambda column: column.str.strip())
    used = frame.fillna("").ne("")
    frame = frame.loc[used.any(axis=1), used.any()]
    if len(frame) < 2:
        raise ValueError(f"{path} has 0 rows of data below its first line")
    if (short := frame.isna().sum(axis=1)).any():
        line, width = short.idxmax(), frame.shape[1]
        raise ValueError(
            f"{path}, line {line}: expected {width} fields, got {width - short[line]}"
        )
    frame.columns = _names(path, frame.iloc[0].tolist())
    fields = frame.iloc[1:]
    missing = fields.apply(lambda column: column.str.lower().isin(MISSING))
    return fields.mask(missing), separator, encoding


def _decode(path: Path) -> tuple[str, str]:
    """The text in a file, its lines ended by newlines, and its encoding."""
    raw = path.read_bytes()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16").encode()
    if b"\0" not in raw:
        for encoding, name in ENCODINGS.items():
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError:
                continue
            return text.replace("\r\n", "\n").replace("\r", "\n"), name
    raise ValueError(
        f"{path} is not a text file in UTF-8, UTF-16 or Windows-1252; export it as CSV"
    )


def _separator(text: str) -> str:
    """The separator that splits most lines into as many fields as the first one has."""

    def fit(separator: str) -> tuple[bool, int, int]:
        rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
        widths = [len(row) for row in islice(rows, 100) if row]
        width = widths[0] if widths else 0
        return width > 1, widths.count(width), width

    return max(SEPARATORS, key=fit)


def _names(path: Path, names: list[str]) -> list[str]:
    """The names of the columns; only the first, often an index, may have none."""
    if "" in names[1:]:
        raise ValueError(f"{path}: column {names.index('', 1) + 1} has no name")
    if repeated := {name for name in names if names.count(name) > 1}:
        listed = ", ".join(map(repr, sorted(repeated)))
        raise ValueError(f"{path}: more than one column is named {listed}")
    return [names[0] or "index", *names[1:]]
