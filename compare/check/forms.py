"""In which form a definition is written: found by its names, and by trying on itself.

Where a name tells what an argument is ("y_true", "dout", "cache"), it decides. Where
none does, the first form in which some ordinary test cases run and are right is taken;
if none is right, the first in which they run.
"""

import contextlib
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from compare.check.adapters import IN_OUT, answer
from compare.check.arguments import expressible
from compare.check.definitions import (
    BACKWARD,
    CASES,
    FORWARD,
    Definition,
    Form,
    NotTested,
    roles,
)
from compare.check.results import BackwardFailed, close, wrong_in
from compare.testing.reference import Question, Results, drawn, torchs

UNUSUAL = (
    *("extreme", "strided", "one example", "one number", "empty batch", "batch 1"),
    *("many leading dimensions", "N-d", "at 0 and 1", "eval", "nested"),
)
"""Notes of test cases that some right forms do not take."""
MOST = 3
"""So many test cases are tried."""


def formed(definition: Definition) -> Definition:
    """The definition in the form in which it is called.

    Raises:
        NotTested: in none of the forms does it run.
        Exception: what it raises in every form, from within its own lines.
    """
    questions = list(itertools.islice(_ordinary(definition), MOST))
    if not questions:
        return definition
    wanted = [torchs(question) for question in questions]
    best: tuple[int, Definition] | None = None
    first_error: BaseException | None = None
    for form in _candidates(definition, questions[0]):
        tried = replace(definition, form=form)
        score = 0
        for question, want in zip(questions, wanted, strict=True):
            wrong, error = _wrong(tried, question, want)
            score += wrong
            if first_error is None or isinstance(error, BackwardFailed):
                first_error = error or first_error
        if score == 0:
            return _with_layout(tried, questions[0])
        if best is None or score < best[0]:
            best = score, tried
    assert best is not None
    if best[0] >= RAISED * len(questions) and first_error is not None:
        raise first_error
    return _with_layout(best[1], questions[0])


def _with_layout(definition: Definition, question: Question) -> Definition:
    """The same; weights that are stored (in, out) stay so where they are square."""
    with contextlib.suppress(Exception):
        if IN_OUT in answer(definition, question).conventions:
            form = replace(definition.form, transposed=True)
            return replace(definition, form=form)
    return definition


RAISED = 1000


def _wrong(
    definition: Definition, question: Question, want: Results
) -> tuple[int, BaseException | None]:
    """How many results are wrong in a test case; many if it cannot be run."""
    try:
        got = answer(definition, question).results
    except BackwardFailed as error:
        if close(error.output, want["output"]):
            return RAISED, error
        return RAISED, error.__cause__ or error
    except Exception as error:
        return RAISED, error
    wrong = wrong_in(got, want)
    shapes = sum(n not in got or got[n].shape != want[n].shape for n in wrong)
    return 10 * shapes + len(wrong), None


def _ordinary(definition: Definition) -> Iterator[Question]:
    cases = [expressible(definition, case)[0] for case in CASES[definition.name]]
    usual = [c for c in cases if c is not None and c.note not in UNUSUAL and c.training]
    questions = [drawn(c) for c in usual]
    return iter(sorted(questions, key=lambda q: q.inputs[0].ndim != 2))


def _candidates(definition: Definition, question: Question) -> Iterator[Form]:
    """Every form that is possible, the usual ones first."""
    forwards = list(_forwards(definition, question))
    backwards = list(_backwards(definition, question))
    has_matrix = any(a.ndim == 2 for a in question.state.values())
    is_class_target = question.inputs[-1].dtype.kind in "iu" and len(question.inputs) > 1
    layouts = [{}, {"transposed": True}] if has_matrix else [{}]
    targets = [{}, {"one_hot": True}] if is_class_target else [{}]
    in_columns = has_matrix or is_class_target or definition.name == "Softmax"
    columns = [{}, {"columns": True}] if in_columns else [{}]
    for library in _libraries(definition):
        options = itertools.product(columns, targets, forwards, layouts, backwards)
        for turned, target, forward, layout, backward in options:
            parts: dict[str, Any] = {**turned, **target, **forward, **layout, **backward}
            yield Form(library=library, **parts)
    if definition.kind == "layer" and not question.state:
        for forward, backward in itertools.product(forwards, backwards):
            yield Form(by_number=True, **forward, **backward)


def _libraries(definition: Definition) -> list[str]:
    """NumPy, and what else the file imports."""
    module = sys.modules.get(getattr(definition.make, "__module__", ""))
    imported = {getattr(v, "__name__", "").partition(".")[0] for v in vars(module).values()} if module else set()
    return ["numpy", *(name for name in ("torch", "jax") if name in imported)]


def _forwards(definition: Definition, question: Question) -> Iterator[dict[str, Any]]:
    """Orders of the arguments of the forward pass."""
    function = definition.make
    if definition.is_class:
        function = next((getattr(function, n) for n in FORWARD if _has(function, n)), function)
    names = _required(function, definition.is_class, question)
    loss = definition.kind == "loss"
    if loss:
        first = _target_is_first(names)
        for order in (False, True) if first is None else (first,):
            given = ("target", "x") if order else ("x", "target")
            yield {"target_first": order, "forward": given} if order or not definition.is_class else {}
        return
    told = [_one_of(role, question) for role in roles(names)]
    usual = ["x", *question.state] if not definition.is_class else ["x"]
    by_order = [t or u for t, u in itertools.zip_longest(told, usual, fillvalue="")]
    if len(names) != len(usual) or by_order != usual:
        rest = iter([u for u in usual if u not in told])
        guessed = tuple(t or next(rest, "") for t in told)
        if all(guessed) and len({*guessed}) == len(guessed):
            yield {"forward": guessed}
    yield {}


def _one_of(role: str, question: Question) -> str:
    """A role, if there is something to give for it in a layer."""
    if role == "prediction":
        return "x"
    return role if role in ("x", "training", "options", *question.state) else ""


def _has(owner: Any, name: str) -> bool:
    return callable(getattr(owner, name, None)) and not (
        name == "__call__" and inspect.isclass(owner) and "__call__" not in dir_of(owner)
    )


def dir_of(owner: type) -> set[str]:
    """The names that a class or its bases (but object) define."""
    return {name for base in owner.__mro__[:-1] for name in vars(base)}


def _required(function: Callable[..., Any], is_method: bool, question: Question) -> list[str]:
    """The arguments without a default that are not options of the test case."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    own = parameters[1:] if is_method else parameters
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        p.name
        for p in own
        if p.kind in positional
        and p.default is p.empty
        and p.name not in question.kwargs
    ]


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
        function = next((getattr(definition.make, n) for n in BACKWARD if _has(definition.make, n)), None)
    if function is None:
        yield {}
        return
    names = _required(function, definition.is_class, question)
    told = list(roles(names))
    n, state = len(names), tuple(question.state)
    if definition.kind == "loss":
        orders: list[tuple[str, ...]] = {
            0: [()], 1: [("g",), ("x",), ("target",), ("cache",)],
            2: [("x", "target"), ("target", "x"), ("g", "cache")],
            3: [("g", "x", "target"), ("g", "target", "x")],
        }.get(n, [])
        if n >= 2:
            first = _target_is_first(names[-2:])
            if first is not None:
                orders = [o for o in orders if "target" in o and (o.index("target") < o.index("x")) == first] or orders
    else:
        orders = {
            0: [()],
            1: [("g",), ("x",), ("cache",), ("y",)],
            2: [("g", "x"), ("x", "g"), ("g", "cache"), ("g", "y"), ("g", "lr"), ("cache", "g")],
            3: [("g", "x", "lr"), ("g", "cache", "lr")],
        }.get(n, [])
        if state and n == 1 + 1 + len(state):
            orders = [("g", "x", *state), ("x", *state, "g"), *orders]
        if state and n == 1 + len(state):
            orders = [*orders, ("g", "x", *state[:-1])]
        guessed = tuple(_layer_role(r, question) for r in told)
        if n and all(guessed) and len({*guessed}) == n:
            others = [] if "g" in guessed else [o for o in orders if o != guessed]
            orders = [guessed, *others]
    if definition.is_class and definition.kind == "loss" and n == 0:
        yield {}
    usual = ("x", "target") if definition.kind == "loss" else ("g", "x", *state)
    for order in orders:
        yield {} if not definition.is_class and order == usual else {"backward": order}
    if not orders:
        yield {}


def _layer_role(role: str, question: Question) -> str:
    if role == "prediction":
        return "y"
    return role if role in ("g", "x", "cache", "lr", *question.state) else ""
