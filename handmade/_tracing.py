"""What changes while a compiler only watches a step: values cannot be looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handmade._array import Array

_traced = False


@contextmanager
def tracing() -> Iterator[None]:
    """Within it, arrays may stand for numbers that nobody knows yet.

    Values are then not checked (`any_true` finds nothing), and nothing may be drawn:
    the compiled step would use the same numbers again and again.
    """
    global _traced
    before, _traced = _traced, True
    try:
        yield
    finally:
        _traced = before


def is_tracing() -> bool:
    """Whether a compiler is watching."""
    return _traced


def any_true(xp: Any, mask: Array) -> bool:
    """Whether an element is True; while a compiler watches nobody knows: False."""
    return not _traced and bool(xp.any(mask))


def forbid_drawing() -> None:
    """Refuse to draw while a compiler watches.

    Raises:
        RuntimeError: it does.
    """
    if _traced:
        raise RuntimeError(
            "a step that draws random numbers, as dropout does, cannot be compiled"
        )
