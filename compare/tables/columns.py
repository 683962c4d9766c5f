"""Text to numbers: the inputs and the target of a table, or what hinders it."""

import math
import re
from dataclasses import dataclass

import numpy as np

from compare.tables.text import Table, is_number

MISSING = {"", "na", "n/a", "null", "none", "?"}
"""What stands for a number that nobody knows, in small letters."""
MOST_CLASSES = 20
"""Whole numbers of more different values than this are no classes."""
DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*\d,\d+([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Target:
    """What is to be learned.

    Args:
        name: of its column.
        values: class indices (n,), int64, or numbers (n,), float64.
        classes: the names of the classes, in the order of their indices; none where
            numbers are to be learned.
        why: the rule that decided which of the two, in words.
    """

    name: str
    values: np.ndarray
    classes: list[str]
    why: str


def inputs(table: Table, target: str) -> tuple[list[str], np.ndarray]:
    """All columns but the target: their names, and their numbers (n, columns).

    Raises:
        ValueError: there is none, or a field is missing, text, infinite or NaN.
    """
    names = [name for name in table.names if name != target]
    if not names:
        raise ValueError(f"{table.path} has no column but the target {target!r}")
    if text := [name for name in names if _is_text(table.column(name))]:
        raise ValueError(
            f"{table.path}: inputs must be numbers, but text stands in "
            f"{', '.join(map(repr, text))}; leave such columns out of the file or "
            f"replace them by numbers"
        )
    return names, np.stack([_numbers(table, name) for name in names], axis=1)


def target(table: Table, name: str) -> Target:
    """What is to be learned: classes or numbers.

    Text is taken as classes, and so are whole numbers, written without a decimal
    point, of at most 20 different values. All other numbers are learned as such.

    Raises:
        ValueError: a field is missing, infinite or NaN, or all are the same.
    """
    fields = table.column(name)
    if _is_text(fields):
        found = _classes(name, _known(table, name), "text")
    else:
        found = _whole_or_not(name, fields, _numbers(table, name))
    if len(found.classes) == 1:
        raise ValueError(
            f"{table.path}: the target {name!r} has only one class, "
            f"{found.classes[0]!r}; there is nothing to tell apart"
        )
    if np.ptp(found.values) == 0:
        raise ValueError(
            f"{table.path}: the target {name!r} is constant, {found.values[0]:g} in "
            f"every row; there is nothing to learn"
        )
    return found


def _whole_or_not(name: str, fields: list[str], numbers: np.ndarray) -> Target:
    if not all(WHOLE.fullmatch(field) for field in fields):
        return Target(name, numbers, [], "numbers with a decimal point")
    count = len(np.unique(numbers))
    if count > MOST_CLASSES:
        words = f"whole numbers of {count} values, more than {MOST_CLASSES}"
        return Target(name, numbers, [], words)
    words = f"whole numbers of at most {MOST_CLASSES} values"
    return _classes(name, [int(field) for field in fields], words)


def _classes(name: str, labels: list[str] | list[int], why: str) -> Target:
    classes, indices = np.unique(labels, return_inverse=True)
    return Target(name, indices.astype(np.int64), [str(c) for c in classes], why)


def _is_text(fields: list[str]) -> bool:
    """Whether fewer than half of what is known is meant as a number."""
    known = [field for field in fields if field.lower() not in MISSING]
    numbers = sum(is_number(f) or bool(DECIMAL_COMMA.fullmatch(f)) for f in known)
    return 2 * numbers < len(known)


def _known(table: Table, name: str) -> list[str]:
    """The fields of a column of text; "None" or "NA" may be a class."""
    fields = table.column(name)
    if "" in fields:
        raise ValueError(f"{table.at(fields.index(''), name)}: missing value")
    return fields


def _numbers(table: Table, name: str) -> np.ndarray:
    fields = table.column(name)
    for row, field in enumerate(fields):
        if (trouble := _trouble(field)) is not None:
            raise ValueError(f"{table.at(row, name)}: {trouble}")
    return np.array([float(field) for field in fields])


def _trouble(field: str) -> str | None:
    """Why a field is no finite number, or None if it is one."""
    if field.lower() in MISSING:
        return f"missing value{f' ({field})' if field else ''}"
    if DECIMAL_COMMA.fullmatch(field):
        return f"{field!r} has a decimal comma; write a point"
    if not is_number(field):
        return f"{field!r} is no number"
    return None if math.isfinite(float(field)) else f"{field!r} is not finite"
