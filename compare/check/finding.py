"""The result of checking one name; numbers and exceptions as text."""

import math
import textwrap
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from compare.check.definitions import CASES, MODULE, Definition
from compare.check.mistakes import HINTS
from compare.check.results import EPS
from compare.verdict import Kind


@dataclass(frozen=True)
class Finding:
    """The result of checking one name.

    Args:
        label: its name in the file.
        name: the class that it was compared with.
        kind: "equal", "rounding", "convention" (a mistake that has a name) or "bug".
        words: what is wrong, or how large the difference is.
        hint: how to mend a mistake, or where to look; "repair" in JSON.
        case: the smallest test case that fails, as a call.
        input: its inputs and parameters, as text.
        expected: torch's result, as text.
        got: the file's result, as text.
        ulp: the largest difference, in units in the last place.
        cases: how many test cases there were.
        not_tested: arguments that it does not take and inputs on which it raises;
            "not_covered" in JSON.
    """

    label: str
    name: str
    kind: Kind
    words: str
    hint: str = ""
    case: str = ""
    input: str = ""
    expected: str = ""
    got: str = ""
    ulp: float = 0.0
    cases: int = 0
    not_tested: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with the keys of its first version; infinity becomes null."""
        keys = {"hint": "repair", "not_tested": "not_covered"}
        found = {keys.get(key, key): value for key, value in asdict(self).items()}
        return found | {"ulp": self.ulp if math.isfinite(self.ulp) else None}


def right(definition: Definition, largest: float, **more: Any) -> Finding:
    """Equal bit for bit or up to rounding.

    Args:
        definition: what was checked.
        largest: the largest relative difference.
        more: further fields of the finding, `cases` among them.
    """
    label, name, n = definition.label, definition.name, more["cases"]
    tested = f"in {n} case{'s' * (n != 1)}"
    if largest == 0:
        return Finding(label, name, "equal", f"equal bit for bit {tested}", **more)
    words = f"within {largest:.1e} {tested}"
    return Finding(label, name, "rounding", words, ulp=largest / EPS, **more)


def wrong(
    definition: Definition, mistake: str | None, where: str, **more: Any
) -> Finding:
    """Wrong, by a mistake that has a name or by an unknown one.

    Args:
        definition: what was checked.
        mistake: its name in `HINTS`, if it has one.
        where: which result is wrong.
        more: further fields of the finding.
    """
    words = f"{mistake or 'cause not recognised'}: {where}"
    kind = "convention" if mistake else "bug"
    hint = HINTS[mistake] if mistake else ""
    return Finding(definition.label, definition.name, kind, words, hint, **more)


def bug(definition: Definition, words: str, hint: str = "", **more: Any) -> Finding:
    """Wrong or unusable, in these words."""
    return Finding(definition.label, definition.name, "bug", words, hint, **more)


# -- numbers ---------------------------------------------------------------------------


def text(array: np.ndarray, digits: int = 6) -> str:
    """Numbers as text."""
    return np.array2string(
        np.asarray(array), precision=digits, separator=", ", threshold=30
    )


def texts(want: np.ndarray, got: np.ndarray) -> tuple[str, str]:
    """Two results as text, in as many digits as it takes to tell them apart."""
    for digits in (6, 9, 12, 17):
        if text(want, digits) != text(got, digits):
            return text(want, digits), text(got, digits)
    if got.shape != want.shape:
        return text(want), f"{text(got)}, of shape {got.shape}"
    largest = float(np.max(np.abs(got - want), initial=0.0))
    return text(want), f"{text(got)}, different by up to {largest:.1e}"


# -- exceptions ------------------------------------------------------------------------


def raised(error: Exception) -> str:
    """What a file raised, and in which of its lines."""
    if isinstance(error, NotImplementedError):
        frames = traceback.extract_tb(error.__traceback__)
        return f"not written yet: {frames[-1].name}"
    message = textwrap.shorten(str(error), 160, placeholder=" …")
    line = line_of(error)
    place = f"line {line} " if line else ""
    return f"{place}raises {type(error).__name__}: {message}"


def line_of(error: Exception) -> int:
    """The last line of the file on the way to the error.

    0 if there is none: then the error is in how the file is called.
    """
    found = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == MODULE
    ]
    return found[-1] if found else 0


def how_to_call(definition: Definition, error: Exception) -> str:
    """A hint for a file that cannot be called as it should be; else ""."""
    if definition.name not in CASES or not isinstance(error, TypeError):
        return ""
    if line_of(error):
        return ""
    if definition.backward is None:
        return f"see how it is called: python -m compare template {definition.name}"
    if definition.kind == "loss":
        return "the function and its partner are both given input and target"
    return "the partner is given grad_output, and then what the function is given"


def not_tested(
    arguments: Iterable[str], messages: Mapping[str, list[str]]
) -> list[str]:
    """What a file does not take, each thing once.

    Args:
        arguments: their names.
        messages: what was raised, and in which test cases.
    """
    names = sorted(set(arguments))
    lines = [f"argument{'s' * (len(names) > 1)} {', '.join(names)}"] if names else []
    for message, cases in messages.items():
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        lines.append(f"cannot handle {cases[0]}{more}: {message}" if cases else message)
    return lines
