"""The bridge: trains both wings in step, logs both curves, and says if they agree."""

from typing import Any

__all__ = ["assert_matches"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import torch only when something that needs it is asked for."""
    if name == "assert_matches":
        from compare.checking.matching import assert_matches

        return assert_matches
    raise AttributeError(f"module 'compare' has no attribute {name!r}")
