"""The columns of a CSV file as numbers, dates and categories."""

import csv
import io
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Frame = Any
"""A pandas.DataFrame; the stubs of pandas cannot follow column by column."""
ENCODINGS = {"utf-16": "UTF-16", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}
"""Tried in this order; UTF-16 needs its byte-order mark."""
MISSING = ("-", "?", "na", "none", "Null")
"""Stands for a missing value, as does all that pandas takes for one."""
DATES = ("ISO8601", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y")
"""The formats that are tried; where day and month are ambiguous, the day is first."""
UNITS = r"^[€$£]\s*|\s*[%€$£]$"
"""Left out of a number: 12,5 % is 12.5."""
Kind = str | tuple[str, ...]
"""Of a column: the decimal mark of numbers, the format of dates, or the categories."""


def _number(decimal: str, thousands: str) -> str:
    """The pattern of a number, its thousands grouped or not."""
    whole = rf"(\d+|[1-9]\d{{0,2}}([{thousands} '’\u00a0\u202f]\d{{3}})+)"
    return rf"[+-]?({whole}[{decimal}]?\d*|[{decimal}]\d+)([eE][+-]?\d+)?"


NUMBER = {".": _number(".", ","), ",": _number(",", ".")}


def read(path: Path) -> tuple[Frame, str, str]:
    """The fields as text by their line; what separates them; the encoding.

    Raises:
        ValueError: the file is not a table whose first line names the columns.
    """
    for encoding in ENCODINGS:
        with suppress(UnicodeError):
            text = path.read_text(encoding)
            if "\0" not in text:
                break
    else:
        raise ValueError(f"{path} is not a text file; export it as CSV in UTF-8")
    separator = max(",;\t|", key=lambda mark: _fit(text, mark))
    options: Any = {"skip_blank_lines": False, "skipinitialspace": True}
    options |= {"sep": separator, "dtype": str, "na_values": MISSING}
    try:
        fields: Frame = pd.read_csv(io.StringIO(text), engine="python", **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise ValueError(f"{path} is not a table: {error}") from None
    if not isinstance(fields.index, pd.RangeIndex):
        raise ValueError(f"{path}, line 2 has more fields than the first line names")
    fields.index += 2
    fields.columns = fields.columns.str.strip()
    fields = fields.dropna(how="all").apply(lambda texts: texts.str.strip())
    if fields.empty:
        raise ValueError(f"{path} has no rows of data below its first line")
    return fields, separator, ENCODINGS[encoding]


def _fit(text: str, separator: str) -> tuple[bool, int, int]:
    """How well it splits the first lines: into several fields, equally, into many."""
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    widths = [len(row) for row in islice(rows, 100) if row] or [0]
    return widths[0] > 1, widths.count(widths[0]), widths[0]


def recognise(fields: Frame, separator: str) -> dict[str, Kind]:
    """Numbers where at least half are, dates where all are, else categories.

    The decimal mark is that with which most fields of the column are numbers; in doubt
    of the table; in doubt a comma, unless commas separate the columns.
    """
    marks = ".," if separator == "," else ",."
    counts: Any = {mark: fields.apply(_count, kind=mark) for mark in marks}
    usual = max(marks, key=lambda mark: counts[mark].sum())
    kinds: dict[str, Kind] = {}
    for name, texts in fields.items():
        votes = counts["."][name] - counts[","][name]
        mark = usual if votes == 0 else "." if votes > 0 else ","
        if 2 * counts[mark][name] >= texts.count():
            kinds[name] = mark
        else:
            categories = tuple(sorted(texts.dropna().unique()))
            dates = (form for form in DATES if _count(texts, form) == texts.count())
            kinds[name] = next(dates, categories)
    return kinds


def convert(path: Path, fields: Frame, kinds: Mapping[str, Kind]) -> Frame:
    """Numbers, and dates in days, as float64; categories as text.

    Raises:
        ValueError: a field is not of its column's kind; names the line.
    """
    values: Frame = pd.DataFrame(
        {name: _parse(fields[name], kinds[name]) for name in fields}
    )
    wrong = (fields.notna() & values.isin([np.nan, np.inf, -np.inf])).stack()
    for line, name in wrong.index[wrong]:
        expected = "a date" if kinds[name] in DATES else "a finite number"
        if isinstance(categories := kinds[name], tuple):
            expected = f"one of {', '.join(categories)}"
        raise ValueError(
            f"{path}, line {line}, column {name!r}: expected {expected}, "
            f"got {fields[name][line]!r}"
        )
    return values


def _parse(texts: Any, kind: Kind) -> Any:
    """The values of a column; NaN where the text is not of this kind."""
    if isinstance(kind, tuple):
        return texts.astype(object).where(texts.isin(kind))
    if kind in DATES:
        dated = texts.where(texts.str.match(r"\d+[-./]\d", na=False))
        dates = pd.to_datetime(dated, format=kind, errors="coerce", utc=True)
        return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    bare = texts.str.replace(UNITS, "", regex=True)
    numbers = bare.where(bare.str.fullmatch(NUMBER[kind], na=False))
    plain = numbers.str.replace(rf"[^\deE+{kind}-]", "", regex=True)
    return plain.str.replace(kind, ".", regex=False).astype(float)


def _count(texts: Any, kind: Kind) -> int:
    return _parse(texts, kind).count()
