"""Checking what a file defines, in every test case that it can express."""

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import (
    course_functions,
    example,
    functions,
    optimizers,
    random_layers,
)
from compare.check.adapters import Answer, answer
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.definitions import CASES, Definition, NotTested
from compare.check.diagnosis import diagnosis
from compare.check.failure import Failure
from compare.check.finding import (
    Finding,
    bug,
    how_to_call,
    not_tested,
    raised,
    right,
    wrong,
)
from compare.check.results import TOLERANCE, close, relative, wrong_results
from compare.testing import Case
from compare.testing.reference import Question, Results, drawn, torchs

OPTIONAL = {
    *("one example", "one number", "empty batch", "many leading dimensions", "N-d")
}
"""Notes of the test cases whose kind of input a beginner's version need not take."""

CHECKS: dict[str, Callable[[Definition], Finding]] = {
    "dropout": random_layers.dropout,
    "sample": random_layers.sample,
    "optimizer": optimizers.optimizer,
    "scalar": functions.scalar,
    "rosenblatt": course_functions.rosenblatt,
    "descend": course_functions.descend,
    "newton": course_functions.newton,
    "blind": course_functions.blind,
}
"""By the kind of a definition, but for layers and losses."""


def check(definition: Definition) -> Finding:
    """Check one definition; whatever it raises becomes part of the finding."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if definition.kind in ("layer", "loss"):
            return _Cases(definition).finding()
        try:
            return CHECKS[definition.kind](definition)
        except NotTested as error:
            return bug(definition, str(error))
        except Exception as error:
            return bug(definition, raised(error), how_to_call(definition, error))


class _Cases:
    """A layer or a loss in all of its test cases."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.failures: list[Failure] = []
        self.side_effects: list[tuple[str, Question]] = []
        self.raised: tuple[Case, Exception] | None = None
        self.unwritten = ""
        self.arguments: set[str] = set()
        self.messages: dict[str, list[str]] = {}
        self.largest = 0.0
        self.cases = 0

    def finding(self) -> Finding:
        """Run every test case and say what came of it."""
        found = self._finding()
        missing = {words: [] for words in without_default(self.definition)}
        words = not_tested(self.arguments, self.messages | missing)
        return replace(found, cases=self.cases, not_tested=words)

    def _finding(self) -> Finding:
        definition = self.definition
        for number, case in enumerate(CASES[definition.name]):
            given, missing = expressible(definition, case)
            self.arguments |= missing
            if given is not None:
                self._run(given, is_default=number == 0)
            if self.unwritten:
                return bug(definition, self.unwritten)
        others = other_defaults(definition)
        unexplained = [f for f in self.failures if not _by_default(f, others)]
        if unexplained:
            name, failure = diagnosis(unexplained), example.smallest(unexplained)
            where, fields = example.where(failure), example.fields(failure)
            return wrong(definition, name, where, **fields)
        if self.failures:
            return wrong(definition, "other default", default_words(definition))
        if self.raised:
            case, error = self.raised
            self.messages.pop(raised(error), None)  # it is said once
            hint = how_to_call(definition, error)
            return bug(definition, raised(error), hint, case=case.id)
        if self.side_effects:
            name, question = self.side_effects[0]
            words = f"{question.name} {example.inputs_of(question)}"
            return wrong(definition, name, words)
        if not self.cases:
            return bug(definition, self._why_no_case())
        return right(definition, self.largest, cases=self.cases)

    def _run(self, case: Case, is_default: bool) -> None:
        """Compare with torch in one test case."""
        question = drawn(case)
        want = torchs(question)
        try:
            got = answer(self.definition, question)
        except NotTested as why:
            what = str(why).partition(";")[0]  # the rest is about this test case only
            if not any(words.startswith(what) for words in self.messages):
                self.messages[str(why)] = []
            return
        except Exception as error:
            if is_default and isinstance(error, NotImplementedError):
                self.unwritten = raised(error)
            elif is_default:
                self.raised = case, error
            else:
                self._skip(raised(error), case)
            return
        # torch clamps at 1e-12, a float32 constant: that shows at exactly 0 or 1.
        tolerance = 1e-6 if case.note == "at 0 and 1" else TOLERANCE
        names = wrong_results(got.results, want, tolerance)
        shapes_differ = any(got.results[n].shape != want[n].shape for n in names)
        if case.note in OPTIONAL and shapes_differ:
            self._skip("shapes differ", case)
            return
        self.cases += 1
        if names:
            self.failures.append(Failure(self.definition, question, want, got, names))
            return
        found = (relative(got.results[n], want[n]) for n in want if n in got.results)
        self.largest = max(self.largest, *found)
        self._look_for_side_effects(question, want, got)

    def _look_for_side_effects(
        self, question: Question, want: Results, got: Answer
    ) -> None:
        """Mistakes that leave the numbers of one pass right."""
        if got.mutated:
            self.side_effects.append(("input mutated", question))
        with contextlib.suppress(Exception):
            in_float32 = example.changed(question, lambda a: a.astype(np.float32))
            single = answer(self.definition, in_float32).results
            if any(r.dtype != np.float32 for r in single.values() if r.ndim):
                self.side_effects.append(("dtype changed", question))
        if question.state:
            twice = answer(self.definition, question, passes=2).results
            names = [f"gradient {name}" for name in question.state]
            if not all(close(twice[n], 2 * want[n], 1e-9) for n in names):
                self.side_effects.append(("gradient overwritten", question))

    def _skip(self, why: str, case: Case) -> None:
        self.messages.setdefault(why, []).append(case.id)

    def _why_no_case(self) -> str:
        """Why there was no test case to run."""
        if self.messages:
            why = next(iter(self.messages))
            del self.messages[why]  # it is said once
            return why
        names = ", ".join(map(repr, sorted(self.arguments)))
        return f"every case needs an argument that it does not take: {names}"


def _by_default(failure: Failure, others: dict[str, Any]) -> bool:
    """Whether torch answers the same when it is given the other defaults."""
    kwargs = failure.question.kwargs
    if others.keys() <= kwargs.keys():
        return False
    try:
        want = torchs(replace(failure.question, kwargs={**others, **kwargs}))
    except Exception:  # torch takes no such value, or not with these parameters
        return False
    return not wrong_results(failure.got, want)
