"""What every check shares: collect the results of all test cases, then conclude."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import mistakes, wording
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.definitions import CASES, Definition
from compare.check.report import Finding, Kind
from compare.check.results import EPS, TOLERANCE, Answer, Failure, relative, wrong_in
from compare.check.slopes import is_own_gradient
from compare.testing import Case
from compare.testing.reference import Results


class Comparison:
    """A definition compared with torch, test case by test case.

    `torchs` gives torch's results in a test case, if it depends on default arguments.
    """

    def __init__(
        self,
        definition: Definition,
        torchs: Callable[[Any], Results] | None = None,
        tolerance: float = TOLERANCE,
    ) -> None:
        self.definition, self.torchs, self.tolerance = definition, torchs, tolerance
        self.other_defaults = other_defaults(definition) if torchs else {}
        self.cases, self.largest = 0, 0.0
        self.failures: list[Failure] = []
        self.mistakes: list[tuple[str, str]] = []
        """The name of each mistake in right results ("" if it has none), and where."""
        self.error: tuple[str, Exception] | None = None
        """A test case that must not raise, and what it raised."""
        self.missing: set[str] = set()
        """Arguments that the definition does not take."""
        self.skipped: dict[str, list[str]] = {}
        """Why test cases were skipped, and which."""

    def given_cases(self) -> Iterator[tuple[int, Case]]:
        """The number of each test case, and the case in arguments that it takes."""
        for number, case in enumerate(CASES[self.definition.name]):
            given, missing = expressible(self.definition, case)
            self.missing |= missing
            if given is not None:
                yield number, given

    def add(
        self,
        question: Any,
        want: Results,
        answer: Answer,
        wrong: tuple[str, ...] | None = None,
    ) -> bool:
        """Add the results of a test case; whether they are right.

        `wrong` names those that differ, if they were compared already.
        """
        got = answer.results
        if wrong is None:
            wrong = wrong_in(got, want, self.tolerance)
        self.cases += 1
        if wrong:
            failure = Failure(self.definition, question, want, answer, wrong)
            self.failures.append(failure)
            return False
        found = (relative(got[name], want[name]) for name in want if name in got)
        self.largest = max(self.largest, *found)
        return True

    def finding(
        self,
        diagnosis: Callable[[list[Failure]], str] = mistakes.diagnosis,
        shown: Callable[[list[Failure]], tuple[str, dict[str, Any]]] = wording.shown,
        problem: str = "",
        agreement: str = "",
    ) -> Finding:
        """What came of all test cases.

        Args:
            diagnosis: the name of the mistake that explains failures, or "".
            shown: which result is wrong, and the fields of a finding that show it.
            problem: what is wrong although all results are right.
            agreement: the first words where nothing is wrong.
        """
        unexplained = [f for f in self.failures if not self._is_by_default(f)]
        if unexplained:
            where, fields = shown(unexplained)
            name = diagnosis(unexplained)
            found = self._wrong(name, where, _kind_of(name, unexplained), **fields)
        elif self.failures:
            case = wording.call_of(self.failures[0].question)
            words = default_words(self.definition)
            found = self._wrong("other default", words, "convention", case=case)
        elif self.error:
            case, error = self.error
            found = replace(raised_by(self.definition, error), case=case)
            self.skipped.pop(found.words, None)  # it is said once
        elif self.mistakes:
            name, where = self.mistakes[0]
            found = self._wrong(name, where, _kind_of(name, []))
        elif problem:
            found = finding_of(self.definition, "wrong", problem)
        elif words := self._why_no_case():
            found = finding_of(self.definition, "not judged", words)
        else:
            found = self._right(agreement)
        return replace(found, cases=self.cases, not_tested=self._not_tested())

    def _is_by_default(self, failure: Failure) -> bool:
        """Whether torch returns the same when it is given the other defaults."""
        given = failure.question.kwargs
        if self.torchs is None or self.other_defaults.keys() <= given.keys():
            return False
        kwargs = {**self.other_defaults, **given}
        try:
            want = self.torchs(replace(failure.question, kwargs=kwargs))
        except Exception:  # torch takes no such value, or not with these parameters
            return False
        return not wrong_in(failure.got, want, self.tolerance)

    def _wrong(self, name: str, where: str, kind: Kind, **fields: Any) -> Finding:
        words = f"{name or 'cause not recognised'}: {where}"
        hint = mistakes.hint(name)
        return finding_of(self.definition, kind, words, hint, **fields)

    def _right(self, agreement: str) -> Finding:
        found = f"within {self.largest:.1e}" if self.largest else "equal bit for bit"
        words = f"{agreement}{found} in {self.cases} case{'s' * (self.cases != 1)}"
        kind: Kind = "rounding" if self.largest else "equal"
        return finding_of(self.definition, kind, words, ulp=self.largest / EPS)

    def _why_no_case(self) -> str:
        if self.cases:
            return ""
        if self.skipped:
            why = next(iter(self.skipped))
            del self.skipped[why]  # it is said once
            return why
        names = ", ".join(map(repr, sorted(self.missing)))
        return f"every case needs an argument that it does not take: {names}"

    def _not_tested(self) -> list[str]:
        names = sorted(self.missing)
        plural = "s" * (len(names) > 1)
        lines = [f"argument{plural} {', '.join(names)}"] if names else []
        for why, cases in self.skipped.items():
            more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
            lines.append(f"cannot handle {cases[0]}{more}: {why}" if cases else why)
        return lines + (without_default(self.definition) if self.torchs else [])


def _kind_of(mistake: str, failures: list[Failure]) -> Kind:
    """The kind of finding: a convention if the gradient is that of its own value."""
    if not mistake:
        return "wrong"
    allowed = mistakes.convention(mistake)
    for f in failures:
        kind, got = f.definition.kind, f.got.values()
        if allowed not in ("any", kind):
            return "mistake"
        is_measurable = kind in ("layer", "loss") and not mistakes.is_extreme(
            f.question
        )
        if is_measurable and is_own_gradient(f) is False:
            return "mistake"
        if mistake == "kink value" and not all(np.isfinite(a).all() for a in got):
            return "mistake"
    return "convention" if allowed == "any" or (allowed and failures) else "mistake"


def finding_of(
    definition: Definition, kind: Kind, words: str, hint: str = "", **fields: Any
) -> Finding:
    """The finding of a definition."""
    return Finding(definition.label, definition.name, kind, words, hint, **fields)


def raised_by(definition: Definition, error: Exception) -> Finding:
    """What a definition raised."""
    hint = wording.how_to_call(definition, error)
    return finding_of(definition, "wrong", wording.raised(error), hint)
