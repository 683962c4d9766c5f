"""Checks of plain numbers: hyper-parameters and errors."""

import math
import sys
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from numpy import bool_

FLAT = "the second derivative is singular (flat): the Newton step does not exist"
"""The error message of a Newton step that would divide by 0."""


def real_number(owner: str, name: str, value: Any) -> float:
    """`value` as a Python float, which widens no array; a np.float64 would.

    Raises:
        TypeError: it is no real number.
    """
    if not isinstance(value, Real):
        raise TypeError(
            f"{owner}: {name} must be a real number, got {type(value).__name__}"
        )
    return float(value)


def finite_number(owner: str, name: str, value: Any) -> float:
    """`value` as a Python float that is neither infinite nor NaN.

    Raises:
        TypeError: it is no real number.
        ValueError: it is infinite or NaN.
    """
    number = real_number(owner, name, value)
    if not math.isfinite(number):
        raise ValueError(f"{owner}: {name} must be finite, got {value}")
    return number


def positive(owner: str, name: str, value: Any) -> float:
    """`value` as a Python float that is above 0 and finite.

    Raises:
        TypeError: it is no real number.
        ValueError: it is not positive, infinite or NaN.
    """
    number = real_number(owner, name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{owner}: {name} must be positive and finite, got {value}")
    return number


def one_number(owner: str, name: str, value: Any) -> float:
    """`value`, a number or an array of one, as a Python float.

    Raises:
        TypeError: it is no number.
        ValueError: it is an array of several numbers, or of none.
    """
    try:
        shape: tuple[int, ...] = tuple(value.shape)
    except (AttributeError, TypeError):  # no array
        return real_number(owner, name, value)
    if math.prod(shape) != 1:
        raise ValueError(f"{owner}: {name} must be one number, got shape {shape}")
    try:
        return float(value[(0,) * len(shape)])
    except (TypeError, ValueError) as error:  # an array of strings or objects
        raise TypeError(f"{owner}: {name} must be a real number") from error


def finite(error: Any, step: int) -> float:
    """The error of a descent as a Python float.

    Raises:
        ArithmeticError: it is NaN or infinite; the step is named.
        ValueError: it is an array of several numbers, or of none.
    """
    if not math.isfinite(value := one_number("descent", "the error", error)):
        raise ArithmeticError(f"descent: the error became {value} at step {step}")
    return value


def at_least(owner: str, name: str, value: Any, least: float) -> float:
    """`value` as a Python float that is no less than `least`.

    Raises:
        TypeError: it is no real number.
        ValueError: it is less, or NaN.
    """
    number = real_number(owner, name, value)
    if not number >= least:
        raise ValueError(f"{owner}: {name} must be at least {least:g}, got {value}")
    return number


def whole(owner: str, name: str, value: Any, least: int = -sys.maxsize) -> int:
    """`value` as a Python integer that is no less than `least`.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is less.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"{owner}: {name} must be a whole number, got {type(value).__name__}"
        )
    if value < least:
        raise ValueError(f"{owner}: {name} must be at least {least}, got {value}")
    if int(value) > sys.maxsize:
        raise ValueError(f"{owner}: {name} must be at most {sys.maxsize}, got {value}")
    return int(value)


def flag(owner: str, name: str, value: Any) -> bool:
    """`value`, a bool or a whole number, as a bool.

    Raises:
        TypeError: it is neither.
    """
    kinds: Any = (Integral, bool_)
    if not isinstance(value, kinds):
        raise TypeError(f"{owner}: {name} must be True or False, got {value!r}")
    return bool(value != 0)


def choice(owner: str, name: str, value: Any, options: Sequence[str]) -> str:
    """`value`, which must be one of several words.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or value not in options:
        *most, last = map(repr, options)
        raise ValueError(
            f"{owner}: {name} must be {', '.join(most)} or {last}, got {value!r}"
        )
    return value


def probability(owner: str, name: str, value: Any) -> float:
    """`value` as a Python float from 0 to 1.

    Raises:
        TypeError: it is no real number.
        ValueError: it lies outside.
    """
    number = real_number(owner, name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{owner}: {name} must lie in [0, 1], got {value}")
    return number


def whole_tuple(owner: str, name: str, value: Any, d: int, least: int) -> Any:
    """`value` as d integers: one for all dimensions, or one for each.

    Raises:
        TypeError: it is neither.
        ValueError: one of them is below `least`.
    """
    several = isinstance(value, (list, tuple))
    given: tuple[Any, ...] = tuple(value) if several else (value,) * d  # pyright: ignore
    if len(given) != d or any(
        isinstance(n, bool) or not isinstance(n, Integral) for n in given
    ):
        raise TypeError(
            f"{owner}: {name} must be a whole number"
            f"{f' or {d} of them' if d > 1 else ''}, got {value!r}"
        )
    if min(given) < least:
        raise ValueError(f"{owner}: {name} must be at least {least}, got {value!r}")
    if max(given) > sys.maxsize:
        raise ValueError(
            f"{owner}: {name} must be at most {sys.maxsize}, got {value!r}"
        )
    return tuple(int(number) for number in given)


def members(value: Any) -> list[Any]:
    """Those of an iterable; anything else, also a NumPy array (), stands alone."""
    several = isinstance(value, Iterable) and getattr(value, "ndim", 1)  # pyright: ignore[reportUnknownArgumentType]
    return list(value) if several else [value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def only(owner: str, **arguments: tuple[Any, Any]) -> None:
    """Refuse torch's arguments that support only one value here.

    Args:
        owner: whose arguments they are, for the error message.
        arguments: by name: the value given, and the only one supported.

    Raises:
        ValueError: an argument has another value.
    """
    for name, (value, supported) in arguments.items():
        if type(value) is not type(supported) or value != supported:
            raise ValueError(f"{owner}: {name} must be {supported!r}, got {value!r}")


def share(owner: str, name: str, value: Any) -> float:
    """`value` as a Python float from 0 to below 1.

    Raises:
        TypeError: it is no real number.
        ValueError: it lies outside.
    """
    number = real_number(owner, name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{owner}: {name} must be from 0 to below 1, got {value}")
    return number
