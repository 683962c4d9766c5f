"""Range checks of hyper-parameters."""

import math
from typing import Any

from handmade._numbers import at_least, probability, real_number


def require_number(owner: str, name: str, value: Any) -> None:
    """Refuse what is no number, and NaN.

    Raises:
        TypeError: `value` is no real number.
        ValueError: it is NaN.
    """
    if math.isnan(real_number(owner, name, value)):
        raise ValueError(f"{owner}: {name} must be a number, got nan")


def require_at_least_0(owner: str, group: dict[str, Any], *names: str) -> None:
    """Refuse hyper-parameters below 0, and NaN.

    Raises:
        TypeError: one of `names` is no number.
        ValueError: one of `names` is; it is named with its value.
    """
    for name in names:
        at_least(owner, name, group[name], 0)


def require_share(owner: str, group: dict[str, Any], name: str) -> None:
    """Refuse a decay factor outside [0, 1].

    Raises:
        TypeError: the hyper-parameter `name` is no number.
        ValueError: the hyper-parameter `name` lies outside.
    """
    probability(owner, name, group[name])


def require_numbers(
    owner: str, group: dict[str, Any], name: str, count: int, which: str = ""
) -> None:
    """Refuse what is not `count` numbers, NaN none of them.

    Args:
        owner: the optimizer, for the error message.
        group: that has the hyper-parameter.
        name: of the hyper-parameter.
        count: how many numbers.
        which: what numbers they shall be, for the error message.

    Raises:
        TypeError: it is no tuple or list, or holds something else than numbers.
        ValueError: it holds more or fewer, or NaN.
    """
    value: Any = group[name]
    wanted = f"{owner}: {name} must be {which or f'{count} numbers'}, got {value!r}"
    if not isinstance(value, (tuple, list)):
        raise TypeError(wanted)
    numbers = [real_number(owner, f"each of {name}", one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if len(numbers) != count or any(map(math.isnan, numbers)):
        raise ValueError(wanted)


def require_betas(owner: str, group: dict[str, Any]) -> None:
    """Refuse betas that are not two numbers in [0, 1): 1 − β is a divisor.

    Raises:
        TypeError: they are no numbers.
        ValueError: there are not two, or one is outside [0, 1).
    """
    which = "two numbers in [0, 1)"
    require_numbers(owner, group, "betas", 2, which)
    if not all(0 <= beta < 1 for beta in group["betas"]):
        raise ValueError(f"{owner}: betas must be {which}, got {group['betas']}")
