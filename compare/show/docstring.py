"""The sections of a docstring: Forward, Backward, Shape and so on."""

import inspect
import re
import textwrap
from typing import Any

FORMULAS = ("Forward", "Backward", "Predicting")
SHAPES = ("Shape",)
NOTES = ("At the kink", "Stability", "Torch", "Source")
SECTION = re.compile(r"^([A-Z][A-Za-z ]*):\n((?:(?: .*)?\n)+)", re.MULTILINE)
"""Its name, and its indented lines."""


def summary(thing: Any) -> str:
    """The text outside the sections, up to the examples."""
    return SECTION.sub("", _docstring(thing)).partition("\n>>>")[0].strip()


def sections(
    thing: Any, inherited: tuple[str, ...] = (*FORMULAS, *SHAPES)
) -> dict[str, str]:
    """The sections of a class or function by name.

    A class may have those named in `inherited` from its bases in the same file.
    """
    found: dict[str, str] = {}
    for owner in thing.__mro__[::-1] if inspect.isclass(thing) else [thing]:
        if owner.__module__ == thing.__module__:
            for name, text in SECTION.findall(_docstring(owner)):
                if owner is thing or name in inherited:
                    found[name] = textwrap.dedent(text).strip()
    return found


def _docstring(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "") + "\n"
