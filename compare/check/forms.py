"""In which form a layer or a loss is written: found by its names, and by trying it.

A `Form` says how it is called. Where a name tells what an argument is ("y_true",
"dout", "cache"), it decides. Where none does, the first form in which some ordinary
test cases run and are right is taken; if none is right, the first in which they run.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from compare.check.arguments import expressible, spelled, torchs_defaults
from compare.check.calling import MODES, UPSTREAM, Call, answer
from compare.check.definitions import (
    BACKWARD,
    CASES,
    FORWARD,
    Definition,
    Form,
    method_of,
    plain,
    roles,
)
from compare.check.parameters import IN_OUT
from compare.check.results import BackwardFailed, close, wrong_in
from compare.check.roles import usual_roles
from compare.check.signatures import arguments_of, code_of, required
from compare.testing.reference import Question, Results, drawn, torchs

SINGLE = ("batch 1", "one example", "one number")
UNUSUAL = (
    *("extreme", "strided", "empty batch", "many leading dimensions", "N-d"),
    *("at 0 and 1", "eval", "nested", "class probabilities", *SINGLE),
)
"""Notes of test cases that some right forms do not take."""
NEAR = 1e-3
"""Up to here, relatively, a result is nearly right, as with an ε in a logarithm."""
SHAPES_DIFFER = 0.905
"""A form is so wrong if it does not run, or if a result has another shape."""
OF_BATCHES = re.compile(r"axis|shape\[1\]|keepdims|batch")
"""What shows in code that it is for several examples."""
MOST = 3
"""So many test cases are tried."""
OTHER_MEANINGS = {
    "CrossEntropyLoss": ("CrossEntropyOfProbabilities", "BCELoss"),
    "BatchNorm1d": ("BatchNorm2d",),
    "MultiMarginLoss": ("BinaryHingeLoss",),
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


@dataclass
class Trial:
    """A definition in a form, and what came of trying it."""

    definition: Definition
    score: float = 1.0  # how wrong it is on average: 0 if right, 1 if it does not run
    least: float = 1.0  # how wrong it is where it is least wrong
    most: float = 1.0  # and where it is most wrong
    error: Exception | None = None

    @property
    def runs(self) -> bool:
        """Whether some test case runs."""
        return self.score < 1


def formed(definition: Definition) -> Definition:
    """The definition in the form in which it is called.

    Raises:
        NotTested: in none of the forms does it run.
        Exception: what it raises in every form, from within its own lines.
    """
    best = _best_form(definition)
    for name in OTHER_MEANINGS.get(definition.name, ()):
        has_one = best.runs and name.endswith("WithoutWeight")
        if best.score and not has_one:
            other = _best_form(replace(definition, name=name))
            # A hinge of signs runs with one-hot rows, too, but not the other way round.
            is_of_signs = name == "BinaryHingeLoss" and other.score <= best.score < 1
            best = other if is_of_signs else _better(best, other)
    if not best.runs:  # perhaps it takes one example only
        single = _best_form(definition, is_single=True)
        # Right for one example, it may still fail on the way back through a batch.
        is_late = isinstance(best.error, BackwardFailed) and best.error.is_right
        if single.runs and not (single.least == 0 and is_late):
            return single.definition
        if isinstance(best.error, BackwardFailed) and not is_late:
            return _with_layout(best, is_single=False).definition
        if best.error is not None:
            raise best.error
    return best.definition


def running(definition: Definition, question: Question) -> Definition:
    """The definition in the first form in which it runs in a test case.

    Raises:
        Exception: what it raises in the last form, if it runs in none.
    """
    errors = []
    for form in _candidates(definition, question):
        tried = replace(definition, form=form)
        try:
            answer(tried, question)
        except Exception as error:
            errors.append(error)
        else:
            return tried
    raise errors[-1]


def _better(one: Trial, other: Trial) -> Trial:
    """The trial that is less wrong, with the error that tells more."""
    tells_more = isinstance(other.error, BackwardFailed)
    error = other.error if one.error is None or tells_more else one.error
    goes_further = tells_more and not isinstance(one.error, BackwardFailed)
    is_better = other.score < one.score or (goes_further and not one.runs)
    return replace(other if is_better else one, error=error)


def _best_form(definition: Definition, is_single: bool = False) -> Trial:
    """The form that is least wrong."""
    question = next(iter(_ordinary(definition)), None)
    best = _best_of(_candidates(definition, question), definition, is_single)
    if best.score and _gives_many(best.definition, is_single):
        many = _candidates(definition, question, reduction=["mean", "none"])
        best = _better(best, _best_of(many, definition, is_single))
    worst = best.most if definition.kind == "loss" else best.score
    if worst > SHAPES_DIFFER and not is_single:
        best = _of_vectors(best, question)
    if not best.runs and definition.kind == "layer":
        given = {"by_number": [True], "library": ["numpy"]}
        of_numbers = _candidates(definition, question, **given)
        best = _better(best, _best_of(of_numbers, definition, is_single))
    return _with_layout(best, is_single) if best.runs else best


def _of_vectors(trial: Trial, question: Question | None) -> Trial:
    """A layer for one example (column, row, vector), or a loss of vectors, if right."""
    definition = trial.definition
    code = code_of(definition.make)
    if not code or OF_BATCHES.search(code):
        return trial
    is_layer = definition.kind == "layer"
    shapes: list[dict[str, Any]] = [{"columns": [False], "flat": [True]}]
    if is_layer:
        shapes.insert(0, {"columns": [True] if trial.runs else [True, False]})
    for shape in shapes:
        forms = _candidates(definition, question, one_by_one=[is_layer], **shape)
        alone = _best_of(forms, definition, False)
        if not alone.score:
            return alone
    return trial


def _best_of(forms: Iterable[Form], definition: Definition, is_single: bool) -> Trial:
    best, asked = Trial(definition), {}
    for form in forms:
        tried = replace(definition, form=form)
        if form.reduction not in asked:
            questions = _ordinary(tried, is_single)[:MOST]
            asked[form.reduction] = [(each, torchs(each)) for each in questions]
        best = _better(best, _tried(tried, asked[form.reduction]))
        if best.score == 0:
            break
    return best


def _tried(definition: Definition, asked: list[tuple[Question, Results]]) -> Trial:
    """How wrong a form is in these test cases, whose right answers are given."""
    found = Trial(definition, 0.0, most=0.0)
    for question, want in asked:
        error: Exception | None = None
        try:
            score = _how_wrong(answer(definition, question).results, want)
        except BackwardFailed as failed:
            score, error = 1.0, failed
            is_right = failed.is_right = close(failed.output, want["output"])
            is_alike = failed.output.shape == want["output"].shape
            if not is_right and not (definition.is_class and is_alike):
                error = failed.reason
        except Exception as raised:
            score, error = 1.0, raised
        if found.error is None or isinstance(error, BackwardFailed):
            found.error = error
        found.least, found.most = min(found.least, score), max(found.most, score)
        found.score += score / len(asked)
    return found


def _how_wrong(got: Results, want: Results) -> float:
    """0 for right results, ½ for nearly right ones, else 0.9: more if shapes differ."""
    wrong = wrong_in(got, want)
    if wrong and not wrong_in(got, want, NEAR):
        return 0.5
    far = sum(
        n not in got or got[n].shape != want[n].shape or not np.isfinite(got[n]).all()
        for n in wrong
    )
    return 0.9 + (10 * far + len(wrong)) / 1000 if wrong else 0.0


def _gives_many(definition: Definition, is_single: bool) -> bool:
    """Whether a loss that should be one number is many."""
    if "reduction" not in torchs_defaults(definition):
        return False
    for question in _ordinary(definition, is_single)[:MOST]:
        with suppress(Exception):
            output = Call(definition, question).forward()
            if output.ndim and "reduction" not in question.kwargs:
                return True
    return False


def _with_layout(trial: Trial, is_single: bool) -> Trial:
    """The same; weights that are stored (in, out) stay so where they are square."""
    definition = trial.definition
    with suppress(Exception):
        question = _ordinary(definition, is_single)[0]
        if IN_OUT in Call(definition, question).conventions:
            form = replace(definition.form, transposed=True)
            trial.definition = replace(definition, form=form)
    return trial


def _ordinary(definition: Definition, is_single: bool = False) -> list[Question]:
    """The usual test cases, or those of a single example."""
    cases = [expressible(definition, case)[0] for case in CASES[definition.name]]
    taken = [case for case in cases if case is not None and case.training]
    fits = [c for c in taken if is_single == (c.note in SINGLE)]
    fits = [c for c in fits if is_single or c.note not in UNUSUAL]
    return sorted(map(drawn, fits), key=lambda question: question.inputs[0].ndim != 2)


# -- the forms that are possible -------------------------------------------------------


def _candidates(
    definition: Definition, question: Question | None, **given: list[Any]
) -> Iterator[Form]:
    """Every form that is possible in a test case, the usual ones first."""
    if question is None:
        yield definition.form
        return
    if "by_number" in given and (question.state or question.further):
        return
    has_matrix = any(a.ndim == 2 for a in question.state.values())
    has_classes = len(question.inputs) > 1 and question.inputs[-1].dtype.kind in "iu"
    in_columns = has_matrix or has_classes or definition.name == "Softmax"
    may_be = [False, True]
    choices = {
        "library": _libraries(definition),
        "reduction": [""],
        "columns": may_be if in_columns else [False],
        "one_hot": may_be if has_classes else [False],
        "forward": [*dict.fromkeys(_forwards(definition, question))],
        "transposed": may_be if has_matrix else [False],
        "backward": [*dict.fromkeys(_backwards(definition, question))],
    }
    choices |= given
    for values in itertools.product(*choices.values()):
        yield Form(**dict(zip(choices, values, strict=True)))


def _libraries(definition: Definition) -> list[str]:
    """NumPy, and what else the file imports."""
    module = sys.modules.get(getattr(definition.make, "__module__", ""))
    own = vars(module).values() if module else ()
    modules = [value.__name__ for value in own if issubclass(type(value), ModuleType)]
    imported = {name.partition(".")[0] for name in modules}
    return ["numpy", *(name for name in ("torch", "jax") if name in imported)]


def _forwards(definition: Definition, question: Question) -> Iterator[tuple[str, ...]]:
    """Orders of the arguments of the forward pass; () is torch's."""
    method = method_of(definition.make, FORWARD) if definition.is_class else ""
    function = getattr(definition.make, method) if method else definition.make
    names = _arguments_of(function, bool(method), question)
    usual = usual_roles(question, definition)
    if definition.kind == "loss":
        first = _target_is_first(names)
        orders = {False: usual, True: ("target", "x")}
        yield from orders.values() if first is None else [orders[first]]
        return
    further = [*question.further]
    if len(further) > 1 and len(names) == len(usual) - 1:  # (h, c) as one argument
        yield ("x", "further", *usual[1 + len(further) :])
    known = ("x", "training", "options", *further, *question.state)
    told = ["x" if role == "prediction" else role for role in roles(names)]
    told = [role if role in known else "" for role in told]
    rest = iter([role for role in usual if role not in told])
    guessed = tuple(role or next(rest, "") for role in told)
    if all(guessed) and len({*guessed}) == len(guessed):
        yield guessed
    if definition.is_class or _places(definition, question) >= len(usual):
        yield ()


def _places(definition: Definition, question: Question) -> int:
    """How many arguments of a function are no options."""
    options = spelled(definition.make, dict.fromkeys(torchs_defaults(definition)))
    names = arguments_of(definition.make)
    by_role = zip(names, roles(names), strict=True)
    return sum(n not in options or role in question.state for n, role in by_role)


def _arguments_of(
    function: Callable[..., Any], is_method: bool, question: Question
) -> list[str]:
    """The arguments that must be given and are no options, without `self`."""
    names = required(function)[is_method:]
    options = {*spelled(function, dict.fromkeys(question.kwargs))}
    more = [n for n in arguments_of(function) if n not in names]
    told = zip(more, roles(more), strict=True)
    names = names + [n for n, role in told if role in question.state]
    return [n for n in names if n not in options and plain(n) not in MODES]


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


LOSS_ORDERS = [
    [()],
    [("g",), ("x",), ("target",), ("cache",)],
    [("x", "target"), ("target", "x"), ("g", "cache")],
    [("g", "x", "target"), ("g", "target", "x")],
]
LAYER_ORDERS = [
    [()],
    [("g",), ("x",), ("cache",), ("y",)],
    [("g", "x"), ("x", "g"), ("g", "cache"), ("g", "y"), ("g", "lr"), ("cache", "g")],
    [("g", "x", "lr"), ("g", "cache", "lr")],
]
"""What a backward pass may be given, by the number of its arguments."""


def _backwards(
    definition: Definition, question: Question
) -> Iterator[tuple[str, ...] | None]:
    """Orders of the arguments of the backward pass; None is torch's."""
    function: Any = definition.backward
    is_class, is_loss = definition.is_class, definition.kind == "loss"
    if is_class and (method := method_of(definition.make, BACKWARD)):
        function = getattr(definition.make, method)
    if function is None:
        yield None
        return
    names = _arguments_of(function, is_class, question)
    if is_loss:
        orders = _loss_orders(names)
        usual = None if is_class else ("x", "target")
    else:
        orders = _layer_orders(names, question)
        upstream = UPSTREAM[: question.outputs]
        usual = None if is_class else (*upstream, "x", *question.state)
    if not orders or (is_class and is_loss and not names):
        yield None
    yield from (None if order == usual else order for order in orders)


def _loss_orders(names: list[str]) -> list[tuple[str, ...]]:
    orders = LOSS_ORDERS[len(names)] if len(names) < len(LOSS_ORDERS) else []
    first = _target_is_first(names[-2:])
    if first is None:
        return orders
    both = [order for order in orders if {"x", "target"} <= {*order}]
    fitting = [o for o in both if (o.index("target") < o.index("x")) == first]
    return fitting or orders


def _layer_orders(names: list[str], question: Question) -> list[tuple[str, ...]]:
    n, state = len(names), (*question.further, *question.state)
    orders = LAYER_ORDERS[n] if n < len(LAYER_ORDERS) else []
    if question.outputs > 1:
        several = [("gs",), ("g", "gc"), ("gs", "cache"), ("g", "gc", "cache")]
        orders = [order for order in several if len(order) == n]
    if state and n == 2 + len(state):
        orders = [("g", "x", *state), ("x", *state, "g"), *orders]
    if state and n == 1 + len(state):
        orders = [*orders, ("g", "x", *state[:-1])]
    output = "cache" if question.further else "y"
    told = [output if role == "prediction" else role for role in roles(names)]
    known = ("g", "gc", "x", "cache", "y", "lr", *state)
    guessed = tuple(role if role in known else "" for role in told)
    fills = ("cache", "x", "y") if n > 1 and guessed.count("") == 1 else ("",)
    guesses = [tuple(role or fill for role in guessed) for fill in fills]
    guesses = [g for g in guesses if n and all(g) and len({*g}) == n]
    if "g" in guessed and guesses:
        return guesses
    return [*guesses, *(order for order in orders if order not in guesses)]
