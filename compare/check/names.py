"""What a class or a function of an unknown name may have been meant to be."""

import difflib
import inspect
import re
from typing import Any

from compare.check.subjects import CASES, FUNCTIONS, among

CLASSES = (*CASES, "Dropout", "GaussianSample", "Rosenblatt")
"""The names by which classes are known."""
OWN = re.compile(r"^(my|own|mein|custom|hand)_?|_?(own|mine|layer)$", re.I)
"""What people add to a name to make it their own."""

GENERAL = ("loss", "layer", "optimizer", "activation", "function")
"""Names that say only of which kind it is."""


def overlooked(own: dict[str, Any], in_file: bool = True) -> dict[str, str]:
    """What could be checked but for its name, and how to say what it is meant to be.

    Args:
        own: what a file defines, by its name.
        in_file: whether a second name in the file would do, too.
    """
    judged = {id(subject.make) for subject in among(own)}
    judged |= {id(b) for one in own.values() for b in getattr(one, "__bases__", ())}
    hints = {name: _hint(name, value, own, in_file) for name, value in own.items()}
    return {n: hint for n, hint in hints.items() if hint and id(own[n]) not in judged}


def meant(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that is most like this one, whatever was added to it."""
    bare = {_bare(each): each for each in reversed(known)}
    asked = _bare(OWN.sub("", name)) or _bare(name)
    if asked in GENERAL:
        return None
    longer = [each for each in bare if len(asked) > 1 and each.startswith(asked)]
    alike = difflib.get_close_matches(asked, bare, n=1, cutoff=0.7)
    shorter = sorted((each for each in bare if asked.startswith(each)), key=len)
    found = [*sorted(longer, key=len), *alike, *shorter[::-1]]
    return bare[found[0]] if found else None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _hint(name: str, value: Any, own: dict[str, Any], in_file: bool) -> str:
    """What to do about one name; "" if it is nothing that could be checked."""
    if inspect.isclass(value):
        known, works = CLASSES, hasattr(value, "backward") or hasattr(value, "step")
        lines = "`{near} = {name}`"
        which = "class of handmade.nn or handmade.optim"
    else:
        known, works = tuple(FUNCTIONS), f"{name}_backward" in own
        lines = "`{near} = {name}` and `{near}_backward = {name}_backward`"
        which = "function of torch.nn.functional"
    if not works:
        return ""
    near = meant(name, known)
    if near is None:
        what = f"no {which} is called so. Name it as the one that it is meant to be"
    else:
        what = f"did you mean {near}? Then name it so"
    added = lines.format(near=near or "NAME", name=name)
    more = f", or add {added} below it" if in_file else ""
    return f"{name} was not checked: {what}{more}"
