"""The columns of a table from text to numbers; what is not a number stays text."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DATES = ("ISO8601", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y")
"""The formats that are tried; where day and month are ambiguous, the day is first."""
UNITS = r"^[€$£]\s*|\s*[%€$£]$"
"""Left out of a number: 12,5 % is 12.5."""


def _pattern(decimal: str, thousands: str) -> str:
    """Numbers with this decimal mark, their thousands grouped or not."""
    whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:[{thousands} '’\u00a0\u202f]\d{{3}})+)"
    exponent = r"(?:[eE][+-]?\d+)?"
    return rf"[+-]?(?=[{decimal}]?\d){whole}?(?:[{decimal}]\d*)?{exponent}"


NUMBER = {".": _pattern(".", ","), ",": _pattern(",", ".")}
"""The pattern of a number, by its decimal mark."""


def convert(
    path: Path, fields: pd.DataFrame, commas: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Numbers and dates, these in days, as float64; all else as text.

    Args:
        path: of the file, for messages.
        fields: text, NaN where a value is missing.
        commas: whether the comma of 1,234 is a decimal comma where nothing else in the
            table says so.

    Returns:
        The values, NaN where one is missing; and what was recognised, in words.

    Raises:
        ValueError: a column of numbers holds something else; names the line.
    """
    bare: Any = fields.apply(lambda column: column.str.replace(UNITS, "", regex=True))
    majority = sum(_votes(bare[name].dropna()) for name in bare)
    values, decimal_commas, dates = {}, [], []
    for name in fields:
        texts = bare[name].dropna()
        doubt = 1 if commas and not texts.str.contains(".", regex=False).any() else -1
        mark = "," if (_votes(texts) or majority or doubt) > 0 else "."
        numeric = texts.str.fullmatch(NUMBER[mark]).astype(bool)
        if 2 * numeric.sum() >= len(texts):
            values[name] = _numbers(path, texts, fields[name], mark)
            if mark == "," and texts.str.contains(",").any():
                decimal_commas.append(name)
        elif (days := _days(texts)) is not None:
            values[name] = days
            dates.append(name)
        else:
            values[name] = fields[name].astype(object)
    notes = []
    if decimal_commas:
        notes.append(f"Numbers with a decimal comma: {', '.join(decimal_commas)}.")
    if dates:
        notes.append(f"Dates, counted in days: {', '.join(dates)}.")
    return pd.DataFrame(values, index=fields.index), notes


def _votes(texts: Any) -> int:
    """How many more numbers must have a decimal comma than must have a point."""
    point, comma = (texts.str.fullmatch(NUMBER[mark]).sum() for mark in ".,")
    return int(comma) - int(point)


def _numbers(path: Path, texts: Any, fields: Any, mark: str) -> pd.Series:
    numeric = texts.str.fullmatch(NUMBER[mark]).astype(bool)
    plain = texts[numeric].str.replace(rf"[^\deE+{mark}-]", "", regex=True)
    numbers = plain.str.replace(mark, ".", regex=False).astype(float)
    numbers = numbers.reindex(texts.index)  # NaN where the text is not a number
    if not np.isfinite(numbers).all():
        line = numbers.index[~np.isfinite(numbers)][0]
        raise ValueError(
            f"{path}, line {line}, column {fields.name!r}: expected a finite number, "
            f"got {fields[line]!r}"
        )
    return numbers


def _days(texts: Any) -> pd.Series | None:
    """Days since the earliest date; None if these are not dates."""
    for form in DATES:
        dates = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
        if dates.notna().all():
            return (dates - dates.min()) / pd.Timedelta(days=1)
    return None
