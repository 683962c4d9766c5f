"""Trains `handmade` and `torch_ref` in lockstep, logs both, and says if they agree.

The commands are functions, too: `compare.run("or_gate")` in a notebook shows the
verdict and both loss curves.
"""

import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # The current folder comes last: a typing.py that lies there replaces nothing.
    sys.path.append(sys.path.pop(0))

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compare.check.assert_matches import assert_matches
    from compare.notebook import board, check, exercises, lessons, run, show, template

__all__ = [
    "assert_matches",
    "board",
    "check",
    "exercises",
    "lessons",
    "run",
    "show",
    "template",
]


def __getattr__(name: str) -> Any:
    """Import a function, and PyTorch with it, only when it is used."""
    if name not in __all__:
        raise AttributeError(f"module 'compare' has no attribute {name!r}")
    home = "check.assert_matches" if name == "assert_matches" else "notebook"
    return getattr(import_module(f"compare.{home}"), name)
