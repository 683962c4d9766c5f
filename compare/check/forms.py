"""In which form a definition is written: found by its names, and by trying on itself.

Where a name tells what an argument is ("y_true", "dout", "cache"), it decides. Where
none does, the first form in which some ordinary test cases run and are right is taken;
if none is right, the first in which they run.
"""

import contextlib
import inspect
import itertools
import math
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from compare.check.adapters import MODES, UPSTREAM, NoUpstream, answer
from compare.check.arguments import (
    expressible,
    required,
    spelled,
    taken_in_order,
    torchs_defaults,
)
from compare.check.definitions import (
    BACKWARD,
    CASES,
    FORWARD,
    Definition,
    Form,
    roles,
)
from compare.check.parameters import IN_OUT
from compare.check.results import BackwardFailed, close, wrong_in
from compare.testing.reference import Question, drawn, torchs

UNUSUAL = (
    *("extreme", "strided", "one example", "one number", "empty batch", "batch 1"),
    *("many leading dimensions", "N-d", "at 0 and 1", "eval", "nested"),
    *("class probabilities",),
)
"""Notes of test cases that some right forms do not take."""
SINGLE = ("batch 1", "one example", "one number")
MOST = 3
"""So many test cases are tried."""


def formed(definition: Definition) -> Definition:
    """The definition in the form in which it is called.

    Raises:
        NotTested: in none of the forms does it run.
        Exception: what it raises in every form, from within its own lines.
    """
    best, best_score, error = definition, 0.0, None
    for name in (definition.name, *OTHER_MEANINGS.get(definition.name, ())):
        if name.endswith("WithoutWeight") and best_score < 1:
            continue  # it has one
        meant = replace(definition, name=name)
        found, score, raised = _best_form(meant)
        if score == 0:
            return found
        if score < best_score or name == definition.name:
            best, best_score, error = found, score, raised
    if best_score >= 1:  # perhaps it takes one example only
        found, score, _ = _best_form(definition, single=True)
        # Right for one example, it still fails on the way back through a batch.
        is_refused = score == 0 and isinstance(error, BackwardFailed)
        if score < 1 and not is_refused:
            return found
    if best_score >= 1 and error is not None:
        raise error
    return best


OTHER_MEANINGS = {
    "CrossEntropyLoss": ("CrossEntropyOfProbabilities", "BCELoss"),
    "BatchNorm1d": ("BatchNorm2d",),
    "RMSNorm": ("RMSNormWithoutWeight",),
    "FocalLoss": (
        *("BinaryFocalLoss", "BinaryFocalLossOfProbabilities"),
        *("OneAlphaFocalLoss", "OneAlphaFocalLossOfProbabilities"),
    ),
    "GLU": ("GLUOfTwo",),
    "SwiGLU": ("SwiGLUOfTwo",),
    "LSTMCell": ("LSTMCellOfOneBias",),
    "GRUCell": ("GRUCellOfOneBias",),
}
"""What a name may stand for, too, if more is right then."""


def _best_form(
    definition: Definition, single: bool = False
) -> tuple[Definition, float, Exception | None]:
    """The best form, how wrong it is where it runs (1: it does not), and its error."""
    questions: dict[str, list[Question]] = {}
    error: Exception | None = None
    best, best_score, least_wrong, usual = definition, math.inf, 1.0, []
    is_many: bool | None = None
    for form in _candidates(definition):
        tried = replace(definition, form=form)
        if form.reduction and is_many is None:
            is_many = _gives_many(best, usual)
        if form.reduction and not is_many:
            continue
        if form.by_number and best_score < 1:
            continue
        if form.reduction not in questions:
            usual = list(itertools.islice(_ordinary(tried, single), MOST))
            questions[form.reduction] = usual
        scores = [0.0]
        for question in questions[form.reduction]:
            score, raised = _wrong(tried, question)
            scores.append(score)
            if error is None or isinstance(raised, BackwardFailed):
                error = raised or error
        score = sum(scores) / max(len(questions[form.reduction]), 1)
        if score < best_score:
            best, best_score, least_wrong = tried, score, min([*scores[1:], 1])
        if best_score == 0:
            break
    if usual and best_score < 1:
        best = _with_layout(best, questions[best.form.reduction][0])
    return best, min(best_score, max(least_wrong, 0.01)), error


def _gives_many(definition: Definition, questions: list[Question]) -> bool:
    """Whether a loss that should be one number is many."""
    for question in questions:
        try:
            output = answer(definition, question).results["output"]
        except NoUpstream:
            return "reduction" not in question.kwargs
        except BackwardFailed as failed:
            output = failed.output
        except Exception:
            continue
        if output.ndim and "reduction" not in question.kwargs:
            return True
    return False


def _with_layout(definition: Definition, question: Question) -> Definition:
    """The same; weights that are stored (in, out) stay so where they are square."""
    with contextlib.suppress(Exception):
        if IN_OUT in answer(definition, question).conventions:
            form = replace(definition.form, transposed=True)
            return replace(definition, form=form)
    return definition


def _wrong(
    definition: Definition, question: Question
) -> tuple[float, Exception | None]:
    """How wrong a test case is, from 0 to 1 (it cannot be run), and what it raises."""
    want = torchs(question)
    try:
        got = answer(definition, question).results
    except BackwardFailed as error:
        cause = error.__cause__
        is_right = close(error.output, want["output"])
        return 1, cause if isinstance(cause, Exception) and not is_right else error
    except Exception as error:
        return 1, error
    wrong = wrong_in(got, want)
    far = sum(
        n not in got or got[n].shape != want[n].shape or not np.isfinite(got[n]).all()
        for n in wrong
    )
    return (0.9 + (10 * far + len(wrong)) / 1000 if wrong else 0.0), None


def _ordinary(definition: Definition, single: bool = False) -> Iterator[Question]:
    """The usual test cases, or those of a single example."""
    cases = [expressible(definition, case)[0] for case in CASES[definition.name]]
    taken = [c for c in cases if c is not None and c.training]
    usual = [c for c in taken if c.note not in UNUSUAL]
    alone = [c for c in taken if c.note in SINGLE]
    questions = [drawn(c) for c in (alone if single else usual)]
    return iter(sorted(questions, key=lambda q: q.inputs[0].ndim != 2))


def _candidates(definition: Definition) -> Iterator[Form]:
    """Every form that is possible, the usual ones first."""
    question = next(_ordinary(definition), None)
    if question is None:
        yield definition.form
        return
    forwards = list(_forwards(definition, question))
    backwards = list(_backwards(definition, question))
    has_matrix = any(a.ndim == 2 for a in question.state.values())
    is_class_target = (
        question.inputs[-1].dtype.kind in "iu" and len(question.inputs) > 1
    )
    layouts = [{}, {"transposed": True}] if has_matrix else [{}]
    targets = [{}, {"one_hot": True}] if is_class_target else [{}]
    in_columns = has_matrix or is_class_target or definition.name == "Softmax"
    columns = [{}, {"columns": True}] if in_columns else [{}]
    has_reduction = "reduction" in torchs_defaults(definition)
    is_reduced = has_reduction and "reduction" not in question.kwargs
    reductions: list[dict[str, Any]] = [{}]
    if is_reduced:
        reductions += [{"reduction": "mean"}, {"reduction": "none"}]
    for library in _libraries(definition):
        for parts in itertools.product(
            reductions, columns, targets, forwards, layouts, backwards
        ):
            yield Form(library=library, **dict(ChainMap(*parts)))
    if definition.kind == "layer" and not (question.state or question.further):
        for forward, backward in itertools.product(forwards, backwards):
            yield Form(by_number=True, **forward, **backward)


def _libraries(definition: Definition) -> list[str]:
    """NumPy, and what else the file imports."""
    module = sys.modules.get(getattr(definition.make, "__module__", ""))
    imported = (
        {
            value.__name__.partition(".")[0]
            for value in vars(module).values()
            if issubclass(type(value), ModuleType)
        }
        if module
        else set()
    )
    return ["numpy", *(name for name in ("torch", "jax") if name in imported)]


def _forwards(definition: Definition, question: Question) -> Iterator[dict[str, Any]]:
    """Orders of the arguments of the forward pass."""
    function = definition.make
    if definition.is_class:
        function = next(
            (getattr(function, n) for n in FORWARD if _has(function, n)), function
        )
    names = _arguments_of(function, definition.is_class, question)
    loss = definition.kind == "loss"
    if loss:
        first = _target_is_first(names)
        for order in (False, True) if first is None else (first,):
            given = ("target", "x") if order else ("x", "target")
            yield (
                {"target_first": order, "forward": given}
                if order or not definition.is_class
                else {}
            )
        return
    told = [_one_of(role, question) for role in roles(names)]
    usual = ["x", *question.further]
    usual += question.state if not definition.is_class else ()
    if len(question.further) > 1 and len(names) == len(usual) - 1:
        yield {"forward": ("x", "further", *usual[1 + len(question.further) :])}
    by_order = [t or u for t, u in itertools.zip_longest(told, usual, fillvalue="")]
    if len(names) != len(usual) or by_order != usual:
        rest = iter([u for u in usual if u not in told])
        guessed = tuple(t or next(rest, "") for t in told)
        if all(guessed) and len({*guessed}) == len(guessed):
            yield {"forward": guessed}
    if definition.is_class or _places(definition, question) >= len(usual):
        yield {}


def _places(definition: Definition, question: Question) -> int:
    """How many arguments of a function are no options."""
    options = spelled(definition.make, dict.fromkeys(torchs_defaults(definition)))
    names = taken_in_order(definition.make)
    by_role = zip(names, roles(names), strict=True)
    return sum(n not in options or role in question.state for n, role in by_role)


def _one_of(role: str, question: Question) -> str:
    """A role, if there is something to give for it in a layer."""
    if role == "prediction":
        return "x"
    known = ("x", "training", "options", *question.further, *question.state)
    return role if role in known else ""


def _has(owner: Any, name: str) -> bool:
    return callable(getattr(owner, name, None)) and not (
        name == "__call__"
        and inspect.isclass(owner)
        and "__call__" not in dir_of(owner)
    )


def dir_of(owner: type) -> set[str]:
    """The names that a class or its bases (but object) define."""
    return {name for base in owner.__mro__[:-1] for name in vars(base)}


def _arguments_of(
    function: Callable[..., Any], is_method: bool, question: Question
) -> list[str]:
    """The arguments that must be given and are no options, without `self`."""
    names = required(function)[1 if is_method else 0 :]
    options = {*spelled(function, dict.fromkeys(question.kwargs))}
    more = [n for n in taken_in_order(function) if n not in names]
    told = zip(more, roles(more), strict=True)
    names = names + [n for n, role in told if role in question.state]
    return [n for n in names if n not in options and n.lower() not in MODES]


def _target_is_first(names: list[str]) -> bool | None:
    """Whether a loss takes the target first, by its names; None if they do not tell."""
    if len(names) < 2:
        return None
    first, second = roles(names[:2])
    guesses = ("prediction", "x")
    if first != second and "target" in (first, second):
        return first == "target"
    if names[0] == "y" and second in guesses:
        return True
    return False if first in guesses and not second else None


def _backwards(definition: Definition, question: Question) -> Iterator[dict[str, Any]]:
    """Orders of the arguments of the backward pass."""
    function: Any = definition.backward
    if definition.is_class:
        function = next(
            (getattr(definition.make, n) for n in BACKWARD if _has(definition.make, n)),
            None,
        )
    if function is None:
        yield {}
        return
    names = _arguments_of(function, definition.is_class, question)
    told = list(roles(names))
    n, state = len(names), (*question.further, *question.state)
    if definition.kind == "loss":
        orders: list[tuple[str, ...]] = {
            0: [()],
            1: [("g",), ("x",), ("target",), ("cache",)],
            2: [("x", "target"), ("target", "x"), ("g", "cache")],
            3: [("g", "x", "target"), ("g", "target", "x")],
        }.get(n, [])
        if n >= 2:
            first = _target_is_first(names[-2:])
            if first is not None:
                orders = [
                    o
                    for o in orders
                    if "target" in o and (o.index("target") < o.index("x")) == first
                ] or orders
    else:
        orders = {
            0: [()],
            1: [("g",), ("x",), ("cache",), ("y",)],
            2: [
                ("g", "x"),
                ("x", "g"),
                ("g", "cache"),
                ("g", "y"),
                ("g", "lr"),
                ("cache", "g"),
            ],
            3: [("g", "x", "lr"), ("g", "cache", "lr")],
        }.get(n, [])
        if question.outputs > 1:
            orders = [("gs",), ("g", "gc"), ("gs", "cache"), ("g", "gc", "cache")]
            orders = [o for o in orders if len(o) == n]
        if state and n == 1 + 1 + len(state):
            orders = [("g", "x", *state), ("x", *state, "g"), *orders]
        if state and n == 1 + len(state):
            orders = [*orders, ("g", "x", *state[:-1])]
        guessed = tuple(_layer_role(r, question) for r in told)
        if n > 1 and guessed.count("") == 1 and "cache" not in guessed:
            guessed = tuple(role or "cache" for role in guessed)
        if n and all(guessed) and len({*guessed}) == n:
            others = [] if "g" in guessed else [o for o in orders if o != guessed]
            orders = [guessed, *others]
    if definition.is_class and definition.kind == "loss" and n == 0:
        yield {}
    usual = ("x", "target")
    if definition.kind != "loss":
        usual = (*UPSTREAM[: question.outputs], "x", *state)
    for order in orders:
        yield {} if not definition.is_class and order == usual else {"backward": order}
    if not orders:
        yield {}


def _layer_role(role: str, question: Question) -> str:
    if role == "prediction":
        return "cache" if question.further else "y"
    known = ("g", "gc", "x", "cache", "lr", *question.further, *question.state)
    return role if role in known else ""
