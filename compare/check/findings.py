"""What a judge finds, and the words and measures that all judges share."""

import math
import textwrap
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from compare.check.repairs import REPAIRS
from compare.check.subjects import CASES, COUNTS, MODULE, Subject
from compare.testing.reference import Question, Results
from compare.tolerance import difference
from compare.verdict import Kind

BOUND = 1e-12
"""Up to here, relatively, float64 results are the same but for rounding."""
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Finding:
    """What checking one name came to.

    Args:
        label: how the file calls it.
        name: what it was compared with.
        kind: "equal", "rounding", "convention" or "bug".
        words: what is wrong, or how near it is.
        repair: the one-line repair of a convention, or where to look.
        case: the smallest failing case, in words.
        input: what it was given, as text.
        expected: torch's answer, as text.
        got: the file's answer, as text.
        ulp: the largest difference in units in the last place.
        cases: how many cases were checked.
        not_covered: arguments it does not take and inputs on which it raises.
    """

    label: str
    name: str
    kind: Kind
    words: str
    repair: str = ""
    case: str = ""
    input: str = ""
    expected: str = ""
    got: str = ""
    ulp: float = 0.0
    cases: int = 0
    not_covered: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; an infinite distance becomes null."""
        finite = self.ulp if math.isfinite(self.ulp) else None
        return {**asdict(self), "ulp": finite}


def agreed(subject: Subject, worst: float, about: dict[str, Any]) -> Finding:
    """Right: bit for bit, or but for rounding."""
    label, name = subject.label, subject.name
    if worst == 0:
        return Finding(label, name, "equal", "equal bit for bit", **about)
    words = f"within {worst:.1e} in {about['cases']} cases"
    return Finding(label, name, "rounding", words, ulp=worst / EPS, **about)


def convention(
    subject: Subject, name: str, where: str, about: dict[str, Any]
) -> Finding:
    """Wrong in a way that has a name."""
    words = f"{name}: {where}"
    label = subject.label
    return Finding(label, subject.name, "convention", words, REPAIRS[name], **about)


def same(got: np.ndarray, want: np.ndarray, bound: float) -> bool:
    """Whether two results are the same in shape, in what is not finite, and else."""
    return got.dtype.kind in "fiub" and difference(got, want).within(bound)


_COUNTS = tuple(f"buffer {name}" for name in COUNTS)


def wrong_results(got: Results, want: Results, bound: float = BOUND) -> tuple[str, ...]:
    """The names of the results that are not the same but for rounding."""
    asked = (name for name in want if name in got or name not in _COUNTS)
    return tuple(name for name in asked if not same(got[name], want[name], bound))


def gap(got: np.ndarray, want: np.ndarray) -> float:
    """How far two results are apart, relatively; ∞ for other shapes."""
    return difference(got, want).relative


def text_of(question: Question) -> str:
    """A question's inputs and parameters, as text."""
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    parts = [f"{n} = {text(a)}" for n, a in zip(names, question.inputs, strict=False)]
    state = question.state | question.buffers
    parts += [f"{name} = {text(a)}" for name, a in state.items()]
    return ", ".join(parts)


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
    off = float(np.max(np.abs(got - want), initial=0.0))
    return text(want), f"{text(got)}, up to {off:.1e} off"


def raised(error: Exception) -> str:
    """What a file raised, and in which of its lines, in words."""
    if isinstance(error, NotImplementedError):
        return f"not written yet: {_function(error)}"
    said = textwrap.shorten(str(error), 160, placeholder=" …")
    line = line_of(error)
    place = f"line {line} " if line else ""
    return f"{place}raises {type(error).__name__}: {said}"


def form(subject: Subject, error: Exception) -> str:
    """How to see what form is asked for, if the file is called in another; or ""."""
    if subject.name not in CASES or not isinstance(error, TypeError) or line_of(error):
        return ""
    if subject.backward is None:
        return f"see how it is called: python -m compare template {subject.name}"
    if subject.kind == "loss":
        return "the function and its partner are both given input and target"
    return "the partner is given grad_output, and then what the function is given"


def line_of(error: Exception) -> int:
    """The last line of the file on the way to the error; 0 if there is none.

    Then not the file is at fault, but how it is called: it has another form.
    """
    found = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == MODULE
    ]
    return found[-1] if found else 0


def _function(error: Exception) -> str:
    """The name of the function that raised."""
    return traceback.extract_tb(error.__traceback__)[-1].name


def not_covered(
    arguments: Iterable[str], messages: Mapping[str, list[str]]
) -> list[str]:
    """What a file does not take, each thing once.

    Args:
        arguments: their names.
        messages: what was said, and of which cases.
    """
    names = sorted(set(arguments))
    said = [f"argument{'s' * (len(names) > 1)} {', '.join(names)}"] if names else []
    for message, cases in messages.items():
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        said.append(f"{message} ({cases[0]}{more})" if cases else message)
    return said
