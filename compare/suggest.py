"""Did you mean …? Known names that resemble a given one."""

import difflib
from collections.abc import Iterable


def suggest(
    word: str, names: Iterable[str], most: int = 1, cutoff: float = 0.6
) -> list[str]:
    """Up to `most` names that begin with `word`, then those spelled like it.

    Case is ignored; `cutoff` is the least ratio that difflib must give, 0 to 1.
    """
    by_lower = {name.lower(): name for name in names}
    word = word.lower()
    prefixed = sorted((n for n in by_lower if word and n.startswith(word)), key=len)
    similar = difflib.get_close_matches(word, by_lower, n=most, cutoff=cutoff)
    return [by_lower[name] for name in dict.fromkeys([*prefixed, *similar])][:most]
