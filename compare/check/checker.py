"""Judging what a file defines: over all cases that it can express, against torch."""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.arrays import to_numpy
from compare.cases import Case
from compare.check import dropping, steppers
from compare.check.diagnosis import REPAIRS, Failure, close, named
from compare.check.subjects import (
    CASES,
    COUNTS,
    FUNCTIONS,
    Answer,
    NotCovered,
    Subject,
    answer,
    expressible,
    get_parameter,
    set_parameters,
)
from compare.oracles import complex_step, finite_differences
from compare.twin import Question, Results, drawn, torchs
from compare.verdict import Kind, difference

BOUND = 1e-12
"""Up to here, relatively, float64 results are the same but for rounding."""
BEYOND_DEFAULT = (
    "one example",
    "one number",
    "many leading dimensions",
    "empty batch",
    "N-d",
)
"""Notes of the cases whose kind of input a beginner's version need not take."""
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Finding:
    """What checking one name came to.

    Args:
        label: how the file calls it.
        name: what it was compared with.
        kind: "equal", "rounding", "convention" or "bug".
        words: what is wrong, or how near it is.
        repair: the one-line repair of a convention.
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


def check(subject: Subject) -> Finding:
    """Judge one subject; whatever it raises becomes part of the finding."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if subject.kind in ("layer", "loss"):
            return _Cases(subject).finding()
        judge = {
            "dropout": _dropout,
            "optimizer": _optimizer,
            "scalar": _scalar,
            "rosenblatt": _rosenblatt,
            "descend": _descend,
            "newton": _newton,
        }[subject.kind]
        try:
            return judge(subject)
        except NotCovered as error:
            return Finding(subject.label, subject.name, "bug", str(error))
        except Exception as error:
            return Finding(subject.label, subject.name, "bug", _raised(error))


class _Cases:
    """A layer or a loss, on all of its cases."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.failures: list[Failure] = []
        self.facts: list[tuple[str, Question]] = []
        self.raised: list[tuple[Case, str]] = []
        self.not_covered: list[str] = []
        self.worst = 0.0
        self.cases = 0

    def finding(self) -> Finding:
        """Ask every case, and put into words what came of it."""
        for number, case in enumerate(CASES[self.subject.name]):
            asked, why = expressible(self.subject, case)
            if asked is None:
                self._skip(why)
            else:
                self._ask(asked, is_default=number == 0)
        if self.failures:
            name = named(self.failures, _is_extreme)
            # A name for what differs explains only what raised nothing.
            return self._failed(name)
        if self.raised:
            case, words = self.raised[0]
            return self._finding("bug", words, case=case.id)
        if self.facts:
            name, question = self.facts[0]
            words = f"{name}: {question.name} {_text_of(question)}"
            return self._finding("convention", words, REPAIRS[name])
        if not self.cases:
            return self._finding("bug", "no case could be expressed at all")
        if self.worst == 0:
            return self._finding("equal", f"equal bit for bit in {self.cases} cases")
        words = f"within {self.worst:.1e} in {self.cases} cases"
        return self._finding("rounding", words, ulp=self.worst / EPS)

    def _ask(self, case: Case, is_default: bool) -> None:
        question = drawn(case)
        want = torchs(question)
        try:
            got = answer(self.subject, question)
        except NotCovered as why:
            self._skip(str(why))
            return
        except Exception as error:
            if is_default:
                self.raised.append((case, _raised(error)))
            else:
                self._skip(f"{case.id}: {_raised(error)}")
            return
        wrong = wrong_results(got.results, want, _tolerance(case))
        shapes_differ = any(got.results[n].shape != want[n].shape for n in wrong)
        if wrong and case.note in BEYOND_DEFAULT and shapes_differ:
            self._skip(f"{case.id}: shapes differ")
            return
        self.cases += 1
        if wrong:
            self.failures.append(Failure(question, want, got, wrong, self.subject.kind))
            return
        gaps = (_gap(got.results[n], want[n]) for n in want if n in got.results)
        self.worst = max(self.worst, *gaps)
        self._facts(question, want, got)

    def _facts(self, question: Question, want: Results, got: Answer) -> None:
        """Mistakes that leave the numbers right."""
        if got.mutated:
            self.facts.append(("input mutated", question))
        with contextlib.suppress(Exception):
            single = answer(self.subject, _single(question)).results
            if any(r.dtype != np.float32 for r in single.values() if r.ndim):
                self.facts.append(("dtype changed", question))
        if question.state:
            twice = answer(self.subject, question, passes=2).results
            for name in question.state:
                key = f"gradient {name}"
                if not close(twice[key], 2 * want[key]):
                    self.facts.append(("gradient overwritten", question))

    def _skip(self, why: str) -> None:
        if why not in self.not_covered:
            self.not_covered.append(why)

    def _failed(self, name: str | None) -> Finding:
        smallest = shrunk(self.subject, self._smallest())
        result = smallest.wrong[0]
        got, want = smallest.answer.results[result], smallest.want[result]
        words = f"{name or 'no known pattern'}: {result}{_where(got, want)}"
        return self._finding(
            "convention" if name else "bug",
            words,
            REPAIRS.get(name or "", ""),
            case=_case_of(smallest.question),
            input=_text_of(smallest.question),
            expected=_text(want),
            got=_text(got),
            ulp=_gap(got, want) / EPS,
        )

    def _smallest(self) -> Failure:
        return min(self.failures, key=lambda f: f.question.inputs[0].size)

    def _finding(
        self, kind: Kind, words: str, repair: str = "", **more: Any
    ) -> Finding:
        s = self.subject
        return Finding(
            s.label,
            s.name,
            kind,
            words,
            repair,
            cases=self.cases,
            not_covered=self.not_covered,
            **more,
        )


_COUNTS = tuple(f"buffer {name}" for name in COUNTS)


def wrong_results(got: Results, want: Results, bound: float = BOUND) -> tuple[str, ...]:
    """The names of the results that are not the same but for rounding."""
    asked = (name for name in want if name in got or name not in _COUNTS)
    return tuple(name for name in asked if not _same(got[name], want[name], bound))


def shrunk(subject: Subject, failure: Failure) -> Failure:
    """The same failure on fewer rows and rounder numbers, as far as it still fails."""
    for question in _smaller(failure.question):
        try:
            want, got = torchs(question), answer(subject, question)
            wrong = wrong_results(got.results, want)
        except Exception:
            continue
        if wrong and wrong[0] == failure.wrong[0]:
            failure = replace(
                failure, question=question, want=want, answer=got, wrong=wrong
            )
            break
    for digits in (0, 1):
        question = _rounder(failure.question, digits)
        with contextlib.suppress(Exception):
            want, got = torchs(question), answer(subject, question)
            wrong = wrong_results(got.results, want)
            if wrong and wrong[0] == failure.wrong[0]:
                return replace(
                    failure, question=question, want=want, answer=got, wrong=wrong
                )
    return failure


def _smaller(question: Question) -> Iterator[Question]:
    x, *others = question.inputs
    paired = bool(others) and others[0].shape == x.shape
    rows = len(x) if x.ndim > 1 or (x.ndim == 1 and paired) else 0
    for n in range(1, rows):
        for first in range(rows):
            if first + n <= rows:
                cut = tuple(a[first : first + n] for a in question.inputs)
                yield replace(question, inputs=cut)


def _rounder(question: Question, digits: int) -> Question:
    def rounder(a: np.ndarray) -> np.ndarray:
        return np.round(a, digits) + 0.0 if a.dtype.kind == "f" else a

    inputs = tuple(rounder(a) for a in question.inputs)
    state = {name: rounder(a) for name, a in question.state.items()}
    return replace(question, inputs=inputs, state=state)


def _dropout(subject: Subject) -> Finding:
    """Judge dropout by what holds whichever units are dropped; torch is not asked."""
    tried = dropping.probabilities(subject.options)
    for p in tried:
        if found := dropping.mistake(subject.make, p):
            name, words = found
            if name:
                return _convention(subject, name, words, {"cases": len(tried)})
            return Finding(
                subject.label, subject.name, "bug", f"no known pattern: {words}"
            )
    skipped = [] if len(tried) > 1 else ["p="]
    return _agreed(subject, EPS, {"cases": len(tried), "not_covered": skipped})


def _optimizer(subject: Subject) -> Finding:
    """Judge an optimiser on all of its cases, with and without a change of lr."""
    skipped, failed, worst, cases = [], [], 0.0, 0
    mutated = kept = widened = False
    for case in CASES[subject.name]:
        asked, why = expressible(subject, case)
        if asked is None:
            skipped += [why] if why not in skipped else []
            continue
        asks, shapes = asked.kwargs, _checkable(case)
        for new_lr in (None, 0.03):
            walk = steppers.walked(subject.make, asks, shapes, new_lr=new_lr)
            want = steppers.torchs_path(subject.name, asks, shapes, new_lr)
            cases += 1
            mutated, kept = mutated or walk.mutated, kept or walk.kept
            if all(_same(g, w, 1e-11) for g, w in zip(walk.path, want, strict=True)):
                worst = max(worst, _gap(walk.path[-1], want[-1]))
            else:
                failed.append((asked, new_lr, walk.path, want))
        single = steppers.walked(subject.make, asks, shapes, "float32")
        widened |= any(theta.dtype != np.float32 for theta in single.path)
    about: dict[str, Any] = {"cases": cases, "not_covered": skipped}
    if failed:
        return _misstepped(subject, failed, about)
    for name, true in (("input mutated", mutated), ("dtype changed", widened)):
        if true:
            return _convention(subject, name, "the gradient or the parameters", about)
    if kept:
        words = "zero_grad leaves a gradient that is not 0"
        return Finding(subject.label, subject.name, "bug", words, **about)
    return _agreed(subject, worst, about)


def _checkable(case: Case) -> steppers.Shapes:
    """Without the numbers that NumPy would return for arrays without dimensions."""
    return tuple(shape for shape in case.shapes if shape)


def _misstepped(subject: Subject, failed: list[Any], about: dict[str, Any]) -> Finding:
    """Name the mistake whose path is the one that was gone, in every failing case."""
    common: list[str] | None = None
    for case, new_lr, got, _ in failed:
        shapes = _checkable(case)
        names = [
            name
            for name, path in steppers.mistaken(
                subject.name, case.kwargs, shapes, new_lr
            )
            if all(_same(g, p, 1e-11) for g, p in zip(got, path, strict=True))
        ]
        common = names if common is None else [n for n in common if n in names]
    name = common[0] if common else None
    case, new_lr, got, want = failed[0]
    number = next(i for i, g in enumerate(got) if not _same(g, want[i], 1e-11))
    change = f", lr changed to {new_lr} at step {steppers.STEPS // 2}" if new_lr else ""
    return Finding(
        subject.label,
        subject.name,
        "convention" if name else "bug",
        f"{name or 'no known pattern'}: the parameters part at step {number}",
        REPAIRS.get(name or "", ""),
        case=f"{case.id}{change}",
        input=_text(next(steppers.gradients(_checkable(case)))[-1]),
        expected=_text(want[number]),
        got=_text(got[number]),
        ulp=_gap(got[number], want[number]) / EPS,
        **about,
    )


def near(got: Any, want: np.ndarray) -> bool:
    """Whether two derivatives are the same but for what numeric ones are worth."""
    return bool(np.all(np.abs(np.asarray(got) - want) <= 1e-5 * (1 + np.abs(want))))


def _kinked(f: Callable[..., Any], x: np.ndarray, h: float = 1e-5) -> bool:
    """Whether the slopes to the left and to the right of x differ."""
    for index in np.ndindex(x.shape):
        high, low = x.astype(float), x.astype(float)
        high[index] += h
        low[index] -= h
        here, right, left = (float(f(z)) for z in (x, high, low))
        if not abs((right - here) - (here - left)) <= 1e-3 * h * (1 + abs(here)):
            return True
    return False


def _scalar(subject: Subject) -> Finding:
    """Judge grad_f against f's own derivative, by three oracles."""
    f, gradient = subject.make, subject.backward
    assert gradient is not None
    points = [x for x in _points(f, gradient) if _regular(f, x)]
    if len(points) < 4:
        raise NotCovered("it has a value and a gradient at too few points to judge")
    wrong, worst, factors = [], 0.0, set(_SCALES)
    at_kinks = True
    for x in points:
        want = _derivative(f, x)
        got = np.asarray(gradient(_as_given(x)), dtype=float)
        if not want[1] and _kinked(f, x):
            continue  # a numeric slope says nothing of a kink
        fits = _same(got, want[0], BOUND) if want[1] else near(got, want[0])
        if got.shape == want[0].shape and fits:
            worst = max(worst, _gap(got, want[0]))
            continue
        wrong.append((x, want[0], got))
        at_kinks &= bool(np.all(x == 0))
        factors = {
            name for name in factors if close(got, _SCALES[name] * want[0], 1e-6)
        }
    about: dict[str, Any] = {"cases": len(points)}
    if not wrong:
        if odd := _unlike_torch(subject, points):
            return Finding(subject.label, subject.name, "bug", odd, **about)
        agreed = _agreed(subject, worst, about)
        return replace(agreed, words=f"the gradient is f's own: {agreed.words}")
    name = "value and gradient do not belong together"
    if at_kinks:
        name = "kink value"
    elif factors:
        name = min(factors)
    x, want, got = min(wrong, key=lambda w: float(np.sum(np.abs(w[0]))))
    numbers = {
        "input": f"x = {_text(x)}",
        "expected": _text(want),
        "got": _text(got),
        "ulp": _gap(got, want) / EPS if got.shape == want.shape else math.inf,
    }
    return _convention(subject, name, subject.label, {**about, **numbers})


def _unlike_torch(subject: Subject, points: list[np.ndarray]) -> str:
    """Where a function with one of torch's names has another value, in words."""
    name = FUNCTIONS.get(subject.label, "")
    if name not in ("ReLU", "LeakyReLU", "Step", "Sigmoid", "Tanh"):
        return ""
    theirs = getattr(torch_ref.nn, name)()
    for x in points:
        got = np.asarray(subject.make(_as_given(x)), dtype=float)
        want = theirs(torch.from_numpy(x.copy())).numpy()
        if not _same(got, want, BOUND):
            return f"at x = {_text(x)} it is {_text(got)}, and torch's is {_text(want)}"
    return ""


_SCALES = {"factor 2": 2.0, "factor ½": 0.5, "sign": -1.0}


def _points(
    f: Callable[..., Any], gradient: Callable[..., Any]
) -> Iterator[np.ndarray]:
    """Points in the fewest dimensions that both functions take: 0, and scattered."""
    rng = np.random.default_rng(3)
    for shape in ((), (2,), (3,), (1,), (4,)):
        with contextlib.suppress(Exception):
            sample = np.asarray(rng.uniform(0.1, 2, shape))
            value = np.asarray(f(_as_given(sample)))
            gradient(_as_given(sample))
            if value.size == 1:
                yield np.zeros(shape)
                for scale in (2, 2, 2, 2, 5, 10):
                    yield np.asarray(rng.uniform(-scale, scale, shape))
                    yield np.asarray(rng.uniform(0.1, scale, shape))
                return
    raise NotCovered("f and its gradient take neither a number nor 1 to 4 of them")


def _regular(f: Callable[..., Any], x: np.ndarray) -> bool:
    """Whether x lies inside the domain of f: it is finite there and close by."""
    try:
        near_by = [f(_as_given(x + np.full(x.shape, h))) for h in (-2e-5, 0, 2e-5)]
    except Exception:
        return False
    return bool(np.all(np.isfinite(np.asarray(near_by, dtype=float))))


def _as_given(x: np.ndarray) -> Any:
    return float(x) if x.ndim == 0 else x.copy()


def _derivative(f: Callable[..., Any], x: np.ndarray) -> tuple[np.ndarray, bool]:
    """By autograd where f runs on tensors, else by complex step, else numerically."""

    def value(z: np.ndarray) -> Any:
        return f(z[()] if z.ndim == 0 else z)

    numeric = finite_differences(value, x)
    with contextlib.suppress(Exception):
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        f(leaf).backward()
        # math.exp and the like cut the graph in silence: what is left must fit.
        if leaf.grad is not None and (_kinked(value, x) or near(leaf.grad, numeric)):
            return leaf.grad.numpy(), True
    with contextlib.suppress(Exception):
        exact = complex_step(value, x)
        if close(exact, numeric, 1e-5):
            return exact, True
    return numeric, False


def _rosenblatt(subject: Subject) -> Finding:
    """Judge one step of the perceptron rule, from random weights and from 0."""
    rng = np.random.default_rng(2)
    failures, worst = [], 0.0
    for scale in (1.0, 1.0, 0.0):
        state = {
            "weight": scale * rng.normal(size=(2, 3)),
            "bias": scale * rng.normal(size=2),
        }
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 2)).astype(float)
        got, want = _ours(subject, state, x, y), _theirs(state, x, y)
        fires = np.where(x @ state["weight"].T + state["bias"] > 0, 1.0, 0.0)
        question = Question("Rosenblatt", state=state, inputs=(x, y))
        wrong = wrong_results(got, want)
        if wrong:
            # To the rule, ŷ − y is what the upstream gradient is to a layer.
            gave = Answer(got, fires - y)
            failures.append((scale, Failure(question, want, gave, wrong, "layer")))
        else:
            worst = max(worst, *(_gap(got[n], want[n]) for n in want))
    about: dict[str, Any] = {"cases": 3}
    if not failures:
        return _agreed(subject, worst, about)
    only_at_zero = all(scale == 0 for scale, _ in failures)
    name = named([f for _, f in failures], lambda q: False)
    name = "kink value" if only_at_zero else name
    first = failures[0][1]
    result = first.wrong[0]
    numbers = {
        "input": _text_of(first.question),
        "expected": _text(first.want[result]),
        "got": _text(first.answer.results[result]),
        "ulp": _gap(first.answer.results[result], first.want[result]) / EPS,
    }
    if name is None:
        words = f"no known pattern: {result}"
        return Finding(subject.label, "Rosenblatt", "bug", words, **about, **numbers)
    return _convention(subject, name, result, {**about, **numbers})


def _ours(subject: Subject, state: Results, x: np.ndarray, y: np.ndarray) -> Results:
    learner = subject.make(3, 2)
    set_parameters(learner, state)
    loss = learner.step(x.copy(), y.copy())
    moved = {
        f"gradient {name}": before - np.asarray(get_parameter(learner, name))
        for name, before in state.items()
    }
    return {**moved, "output": np.asarray(loss, dtype=float)}


def _theirs(state: Results, x: np.ndarray, y: np.ndarray) -> Results:
    tensor = torch.from_numpy
    learner = torch_ref.perceptron.Rosenblatt(3, 2).to(torch.zeros(1).double())
    learner.load_state_dict({name: tensor(a.copy()) for name, a in state.items()})
    loss = learner.step(tensor(x), tensor(y))
    moved = {
        f"gradient {name}": before - to_numpy(learner.parameters()[name])
        for name, before in state.items()
    }
    return {**moved, "output": np.asarray(loss)}


def _descend(subject: Subject) -> Finding:
    """Judge the course's loop on x², step by step."""
    made = subject.make(lambda x: x * x, lambda x: 2 * x, 2.0, step=0.1, max_steps=50)
    got = np.asarray(getattr(made, "points", made), dtype=float)
    start = torch.tensor(2.0, dtype=torch.float64)
    trace = torch_ref.descent.descend(lambda x: x * x, start, step=0.1, max_steps=50)
    want = np.array([float(p) for p in trace.points])
    if got.shape == want.shape and _same(got, want, BOUND):
        return _agreed(subject, _gap(got, want), {"cases": 1})
    numbers = {"cases": 1, "expected": _text(want[:4]), "got": _text(got[:4])}
    turns = len(got) > 1 and close(got[1] - got[0], -(want[1] - want[0]))
    if turns:
        return _convention(subject, "sign", "the first step", numbers)
    words = "no known pattern: the points differ"
    return Finding(subject.label, subject.name, "bug", words, **numbers)


def _newton(subject: Subject) -> Finding:
    """Judge H⁻¹∇ on a random symmetric matrix."""
    rng = np.random.default_rng(1)
    root, gradient = rng.normal(size=(3, 3)), rng.normal(size=3)
    hessian = root @ root.T + np.eye(3)
    got = np.asarray(subject.make(gradient.copy(), hessian.copy()))
    want = np.linalg.solve(hessian, gradient)
    if got.shape == want.shape and _same(got, want, 1e-11):
        return _agreed(subject, _gap(got, want), {"cases": 1})
    numbers = {"cases": 1, "expected": _text(want), "got": _text(got)}
    if close(got, -want):
        return _convention(subject, "sign", "the step", numbers)
    words = "no known pattern: the step is not H⁻¹∇"
    return Finding(subject.label, subject.name, "bug", words, **numbers)


def _agreed(subject: Subject, worst: float, about: dict[str, Any]) -> Finding:
    label, name = subject.label, subject.name
    if worst == 0:
        return Finding(label, name, "equal", "equal bit for bit", **about)
    words = f"within {worst:.1e} in {about['cases']} cases"
    return Finding(label, name, "rounding", words, ulp=worst / EPS, **about)


def _convention(
    subject: Subject, name: str, where: str, about: dict[str, Any]
) -> Finding:
    words = f"{name}: {where}"
    label = subject.label
    return Finding(label, subject.name, "convention", words, REPAIRS[name], **about)


def _same(got: np.ndarray, want: np.ndarray, bound: float) -> bool:
    if got.shape != want.shape or got.dtype.kind not in "fiub":
        return False
    finite = np.isfinite(want)
    if not np.array_equal(np.isfinite(got), finite):
        return False
    if not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        return False
    size = float(np.max(np.abs(want[finite]), initial=0.0))
    gap = float(np.max(np.abs(got[finite] - want[finite]), initial=0.0))
    return gap <= bound * (size or 1.0)


def _gap(got: np.ndarray, want: np.ndarray) -> float:
    if got.shape != want.shape:
        return math.inf
    gap = difference(got.astype(float), want.astype(float))
    return gap if math.isfinite(gap) else math.inf


def _single(question: Question) -> Question:
    def single(a: Any) -> Any:
        is_floating = isinstance(a, np.ndarray) and a.dtype.kind == "f"
        return a.astype(np.float32) if is_floating else a

    return replace(
        question,
        inputs=tuple(single(a) for a in question.inputs),
        kwargs={k: single(v) for k, v in question.kwargs.items()},
        state={k: single(v) for k, v in question.state.items()},
        buffers={k: single(v) for k, v in question.buffers.items()},
    )


def _tolerance(case: Case) -> float:
    """At exactly 0 or 1, BCELoss shows that torch's 1e-12 is a float32 constant."""
    return 1e-6 if case.note == "at 0 and 1" else BOUND


def _is_extreme(question: Question) -> bool:
    x = question.inputs[0]
    return bool(np.max(np.abs(x), initial=0.0) >= 1e3) or _at_the_ends(question)


def _at_the_ends(question: Question) -> bool:
    x = question.inputs[0]
    return question.name == "BCELoss" and bool(np.any((x == 0) | (x == 1)))


def _raised(error: Exception) -> str:
    said = str(error).splitlines()[0] if str(error) else ""
    return f"raises {type(error).__name__}: {said[:100]}"


def _where(got: np.ndarray, want: np.ndarray) -> str:
    if got.shape != want.shape:
        return f" has shape {got.shape} where {want.shape} is expected"
    off = np.abs(got - want)
    off = np.where(np.isnan(off), np.inf, off)
    index = [int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape)]
    return f" at {index}" if index else ""


def _case_of(question: Question) -> str:
    args = [*map(repr, question.args)]
    for key, value in question.kwargs.items():
        shown = _text(value) if isinstance(value, np.ndarray) else repr(value)
        args.append(f"{key}={shown}")
    mode = "" if question.training else " in evaluation mode"
    return f"{question.name}({', '.join(args)}){mode}"


def _text_of(question: Question) -> str:
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    parts = [f"{n} = {_text(a)}" for n, a in zip(names, question.inputs, strict=False)]
    state = question.state | question.buffers
    parts += [f"{name} = {_text(a)}" for name, a in state.items()]
    return ", ".join(parts)


def _text(array: np.ndarray) -> str:
    return np.array2string(np.asarray(array), precision=6, separator=", ", threshold=30)
