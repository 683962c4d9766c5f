"""Which name somebody may have meant."""

import difflib
from collections.abc import Iterable

LIKE = 0.6
"""How alike two words must be, between 0 and 1, to be taken for the same."""


def nearest(
    word: str, names: Iterable[str], most: int = 1, like: float = LIKE
) -> list[str]:
    """The names that begin with the word, the shortest first, or are spelled like it.

    Capitals do not count.

    Args:
        word: what was asked for.
        names: those that there are.
        most: how many are wanted.
        like: how alike a name must be, between 0 and 1.
    """
    lower = {name.lower(): name for name in names}
    asked = word.lower()
    begin = sorted((n for n in lower if asked and n.startswith(asked)), key=len)
    alike = difflib.get_close_matches(asked, lower, n=most, cutoff=like)
    return [lower[name] for name in dict.fromkeys([*begin, *alike])][:most]
