"""Numbers, exceptions and test cases as text."""

import textwrap
import traceback
from typing import Any

import numpy as np

from compare.check.definitions import CASES, MODULE, Definition
from compare.check.results import EPS, BackwardFailed, Failure, relative
from compare.testing.reference import Question
from compare.tolerance import largest_at


def text(array: np.ndarray, digits: int = 6) -> str:
    """Numbers as text."""
    how: dict[str, Any] = {"precision": digits, "separator": ", ", "edgeitems": 2}
    a = np.asarray(array)
    while a.ndim > 2 and len(a) == 1:
        a = a[0]  # brackets say nothing
    limit = 30 if a.ndim < 3 and a.shape[-1:] <= (6,) else 6
    return np.array2string(a, threshold=limit, max_line_width=88, **how)


def texts(want: np.ndarray, got: np.ndarray) -> dict[str, Any]:
    """Two results in as many digits as it takes to tell them apart, as fields."""
    fields = {"ulp": relative(got, want) / EPS}
    for digits in (6, 9, 12, 17):
        expected, given = text(want, digits), text(got, digits)
        if expected != given:
            return fields | {"expected": expected, "got": given}
    if got.shape != want.shape:
        more = f"of shape {got.shape}"
    else:
        more = f"different by up to {np.max(np.abs(got - want), initial=0.0):.1e}"
    return fields | {"expected": text(want), "got": f"{text(got)}, {more}"}


def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    """Where the first failure differs most, and the fields that show it."""
    failure, question = failures[0], failures[0].question
    name = failure.worst
    got, want = failure.got[name], failure.want[name]
    fields = texts(want, got)
    fields |= {"case": call_of(question), "input": inputs_of(question)}
    if got.shape != want.shape:
        return f"{name} has shape {got.shape} where {want.shape} is expected", fields
    index = largest_at(got, want)
    return f"{name} at {list(index)}" if index else name, fields


def inputs_of(question: Question) -> str:
    """The inputs and parameters of a test case."""
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    arrays = dict(zip(names, question.inputs, strict=False))
    arrays |= question.further | question.state | question.buffers
    return ", ".join(f"{name} = {text(a)}" for name, a in arrays.items())


def call_of(question: Question) -> str:
    """A test case as the call that builds it."""
    args = [*map(repr, question.args)]
    for key, value in question.kwargs.items():
        shown = text(value) if isinstance(value, np.ndarray) else repr(value)
        args.append(f"{key}={shown}")
    mode = "" if question.training else " in evaluation mode"
    return f"{question.name}({', '.join(args)}){mode}"


def raised(error: Exception) -> str:
    """What a file raised, and in which of its lines."""
    error = _reason(error)
    if isinstance(error, NotImplementedError):
        frames = traceback.extract_tb(error.__traceback__)
        return f"not written yet: {frames[-1].name}"
    message = textwrap.shorten(str(error), 160, placeholder=" …")
    line = line_of(error)
    place = f"line {line} " if line else ""
    return f"{place}raises {type(error).__name__}: {message}"


def _reason(error: Exception) -> Exception:
    return error.reason if isinstance(error, BackwardFailed) else error


def line_of(error: Exception) -> int:
    """The last line of the file on the way to the error; 0: the call itself fails."""
    frames = traceback.walk_tb(_reason(error).__traceback__)
    lines = [n for frame, n in frames if frame.f_globals.get("__name__") == MODULE]
    return lines[-1] if lines else 0


def how_to_call(definition: Definition, error: Exception) -> str:
    """A hint for a file that cannot be called as it should be; else ""."""
    is_called = definition.name in CASES and isinstance(_reason(error), TypeError)
    if not is_called or line_of(error):
        return ""
    if definition.backward is None:
        return f"see how it is called: python -m compare template {definition.name}"
    if definition.kind == "loss":
        return "the function and its partner are both given input and target"
    return "the partner is given grad_output, and then what the function is given"
