"""The ranges that hyper-parameters share."""

from typing import Any


def require_at_least_0(owner: str, group: dict[str, Any], *names: str) -> None:
    """Refuse hyper-parameters below 0, and NaN.

    Raises:
        ValueError: one of `names` is; it is named with its value.
    """
    for name in names:
        if not group[name] >= 0:
            raise ValueError(f"{owner}: {name} must be at least 0, got {group[name]}")


def require_share(owner: str, group: dict[str, Any], name: str) -> None:
    """Refuse what an average cannot keep of its past: only 0 to 1 can be kept.

    Raises:
        ValueError: the hyper-parameter `name` lies outside.
    """
    if not 0 <= group[name] <= 1:
        raise ValueError(f"{owner}: {name} must lie in [0, 1], got {group[name]}")


def require_betas(owner: str, group: dict[str, Any]) -> None:
    """Refuse betas that are not two shares below 1: 1 − β is divided by.

    Raises:
        ValueError: there are not two, or one is outside [0, 1).
    """
    betas = group["betas"]
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"{owner}: betas must be two numbers in [0, 1), got {betas}")
