"""Defaults and limits that several doors share; imports nothing of the project."""

from collections.abc import Sequence

CHECK_EVERY = 32
"""The one-step check runs at least once in so many steps."""
MOST_UNITS = 5000
"""Of all hidden layers together: at most 6 million weights between two layers, which
both sides and the comparison hold several times, in 1.5 GB of memory."""


def require_units(hidden: Sequence[int]) -> None:
    """Refuse hidden layers without units, and more units than can be held.

    Raises:
        ValueError: it names what was given and what is allowed.
    """
    whole = all(type(units) is int and units >= 1 for units in hidden)
    if not whole or sum(hidden) > MOST_UNITS:
        raise ValueError(
            f"hidden layers must have at least 1 unit each and at most {MOST_UNITS} "
            f"in all, got {list(hidden)}"
        )
