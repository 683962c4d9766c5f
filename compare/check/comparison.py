"""What every check shares: collect the results of all test cases, then conclude."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from compare.check import mistakes, wording
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.definitions import CASES, Definition
from compare.check.report import Finding
from compare.check.results import EPS, TOLERANCE, Answer, Failure, relative, wrong_in
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
            found = self._wrong(diagnosis(unexplained), where, **fields)
        elif self.failures:
            case = wording.call_of(self.failures[0].question)
            words = default_words(self.definition)
            found = self._wrong("other default", words, case=case)
        elif self.error:
            case, error = self.error
            found = replace(bug_of(self.definition, error), case=case)
            self.skipped.pop(found.words, None)  # it is said once
        elif self.mistakes:
            found = self._wrong(*self.mistakes[0])
        elif words := problem or self._why_no_case():
            found = finding_of(self.definition, "bug", words)
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

    def _wrong(self, mistake: str, where: str, **fields: Any) -> Finding:
        kind, hint = "convention", mistakes.HINTS.get(mistake, "")
        if not mistake:
            kind, mistake = "bug", "cause not recognised"
        return finding_of(self.definition, kind, f"{mistake}: {where}", hint, **fields)

    def _right(self, agreement: str) -> Finding:
        found = f"within {self.largest:.1e}" if self.largest else "equal bit for bit"
        words = f"{agreement}{found} in {self.cases} case{'s' * (self.cases != 1)}"
        kind, ulp = "rounding" if self.largest else "equal", self.largest / EPS
        return finding_of(self.definition, kind, words, ulp=ulp)

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


def finding_of(
    definition: Definition, kind: str, words: str, hint: str = "", **fields: Any
) -> Finding:
    """The finding of a definition."""
    return Finding(definition.label, definition.name, kind, words, hint, **fields)


def bug_of(definition: Definition, error: Exception) -> Finding:
    """What a definition raised."""
    hint = wording.how_to_call(definition, error)
    return finding_of(definition, "bug", wording.raised(error), hint)
