"""Judging what a file defines: over all cases that it can express, against torch."""

import contextlib
import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.check import dropping, learners, optimizers, sampling, scalars
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.diagnosis import named
from compare.check.driving import Answer, answer
from compare.check.failures import Failure, close
from compare.check.findings import (
    BOUND,
    EPS,
    Finding,
    form,
    gap,
    not_covered,
    raised,
    text,
    text_of,
    texts,
    wrong_results,
)
from compare.check.repairs import REPAIRS
from compare.check.shrinking import shrunk
from compare.check.slopes import belong_together
from compare.check.subjects import CASES, NotCovered, Subject
from compare.testing import Case
from compare.testing.reference import Question, Results, drawn, torchs
from compare.verdict import Kind

BEYOND_DEFAULT = (
    "one example",
    "one number",
    "many leading dimensions",
    "empty batch",
    "N-d",
)
"""Notes of the cases whose kind of input a beginner's version need not take."""


def check(subject: Subject) -> Finding:
    """Judge one subject; whatever it raises becomes part of the finding."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if subject.kind in ("layer", "loss"):
            return _Cases(subject).finding()
        judge = {
            "dropout": dropping.dropout,
            "sample": sampling.sample,
            "optimizer": optimizers.optimizer,
            "scalar": scalars.scalar,
            "rosenblatt": learners.rosenblatt,
            "descend": learners.descend,
            "newton": learners.newton,
            "blind": learners.blind,
        }[subject.kind]
        try:
            return judge(subject)
        except NotCovered as error:
            return Finding(subject.label, subject.name, "bug", str(error))
        except Exception as error:
            words, repair = raised(error), form(subject, error)
            return Finding(subject.label, subject.name, "bug", words, repair)


class _Cases:
    """A layer or a loss, on all of its cases."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.failures: list[Failure] = []
        self.facts: list[tuple[str, Question]] = []
        self.raised: list[tuple[Case, Exception]] = []
        self.unwritten = ""
        self.arguments: set[str] = set()
        self.messages: dict[str, list[str]] = {}
        self.worst = 0.0
        self.cases = 0

    def finding(self) -> Finding:
        """Ask every case, and put into words what came of it."""
        for number, case in enumerate(CASES[self.subject.name]):
            asked, missing = expressible(self.subject, case)
            self.arguments |= missing
            if asked is not None:
                self._ask(asked, is_default=number == 0)
            if self.unwritten:
                return self._finding("bug", self.unwritten)
        beyond = self._beyond_defaults()
        if self.failures and not beyond:
            words = f"other default: {default_words(self.subject)}"
            return self._finding("convention", words, REPAIRS["other default"])
        if beyond:
            self.failures = beyond
            name = named(self.failures, _is_extreme)
            if name is None and self._swaps():
                name = "arguments swapped"
            # A name for what differs explains only what raised nothing.
            return self._failed(name)
        if self.raised:
            case, error = self.raised[0]
            self.messages.pop(raised(error), None)  # it is said once
            repair = form(self.subject, error)
            return self._finding("bug", raised(error), repair, case=case.id)
        if self.facts:
            name, question = self.facts[0]
            words = f"{name}: {question.name} {text_of(question)}"
            return self._finding("convention", words, REPAIRS[name])
        if not self.cases:
            return self._finding("bug", self._nothing())
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
            what = str(why).partition(";")[0]  # what follows tells of this case only
            if not any(words.startswith(what) for words in self.messages):
                self.messages[str(why)] = []
            return
        except Exception as error:
            if is_default and isinstance(error, NotImplementedError):
                self.unwritten = raised(error)
            elif is_default:
                self.raised.append((case, error))
            else:
                self._skip(raised(error), case)
            return
        wrong = wrong_results(got.results, want, _tolerance(case))
        shapes_differ = any(got.results[n].shape != want[n].shape for n in wrong)
        if wrong and case.note in BEYOND_DEFAULT and shapes_differ:
            self._skip("shapes differ", case)
            return
        self.cases += 1
        if wrong:
            belong = partial(
                belong_together, self.subject, question, got.results, got.upstream
            )
            kind = self.subject.kind
            self.failures.append(Failure(question, want, got, wrong, kind, belong))
            return
        gaps = (gap(got.results[n], want[n]) for n in want if n in got.results)
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

    def _skip(self, why: str, case: Case) -> None:
        self.messages.setdefault(why, []).append(case.id)

    def _nothing(self) -> str:
        """Why there was no case to ask, in words."""
        if self.messages:
            why = next(iter(self.messages))
            del self.messages[why]
            return why
        names = ", ".join(map(repr, sorted(self.arguments)))
        return f"every case needs an argument that it does not take: {names}"

    def _failed(self, name: str | None) -> Finding:
        smallest = shrunk(self.subject, self._smallest())
        result = smallest.wrong[0]
        got, want = smallest.answer.results[result], smallest.want[result]
        words = f"{name or 'no known pattern'}: {result}{_where(got, want)}"
        expected, given = texts(want, got)
        return self._finding(
            "convention" if name else "bug",
            words,
            REPAIRS.get(name or "", ""),
            case=_case_of(smallest.question),
            input=text_of(smallest.question),
            expected=expected,
            got=given,
            ulp=gap(got, want) / EPS,
        )

    def _swaps(self) -> bool:
        """Whether the function's partner is right if x is given to it first."""
        partner = self.subject.backward
        if partner is None or self.subject.kind != "layer":
            return False

        def swapped(grad_output: Any, x: Any, *others: Any, **kwargs: Any) -> Any:
            return partner(x, grad_output, *others, **kwargs)

        subject = replace(self.subject, backward=swapped)
        with contextlib.suppress(Exception):
            for failure in self.failures:
                got = answer(subject, failure.question).results
                if wrong_results(got, failure.want):
                    return False
            return True
        return False

    def _beyond_defaults(self) -> list[Failure]:
        """The failures that no other default explains."""
        others = other_defaults(self.subject)
        if not others:
            return self.failures
        return [f for f in self.failures if not _by_default(f, others)]

    def _smallest(self) -> Failure:
        return min(self.failures, key=lambda f: f.question.inputs[0].size)

    def _finding(
        self, kind: Kind, words: str, repair: str = "", **more: Any
    ) -> Finding:
        s = self.subject
        needed: dict[str, list[str]] = {words: [] for words in without_default(s)}
        return Finding(
            s.label,
            s.name,
            kind,
            words,
            repair,
            cases=self.cases,
            not_covered=not_covered(self.arguments, self.messages | needed),
            **more,
        )


def _by_default(failure: Failure, others: dict[str, Any]) -> bool:
    """Whether torch answers the same when it is given the other defaults."""
    kwargs = failure.question.kwargs
    if others.keys() <= kwargs.keys():
        return False
    try:
        want = torchs(replace(failure.question, kwargs={**others, **kwargs}))
    except Exception:  # torch takes no such value, or others than these parameters
        return False
    return not wrong_results(failure.answer.results, want)


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
        shown = text(value) if isinstance(value, np.ndarray) else repr(value)
        args.append(f"{key}={shown}")
    mode = "" if question.training else " in evaluation mode"
    return f"{question.name}({', '.join(args)}){mode}"
