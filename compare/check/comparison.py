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
from compare.check.results import (
    EPS,
    TOLERANCE,
    Answer,
    Failure,
    NoNumbers,
    relative,
    wrong_in,
)
from compare.check.slopes import is_own_gradient
from compare.testing import LAYERS, Case
from compare.testing.reference import Results

OPTIONAL = {
    *("one example", "one number", "empty batch", "many leading dimensions", "N-d"),
    "class probabilities",
}
"""Notes of the test cases whose kind of input a beginner's version need not take."""
OF_FORM = (ValueError, IndexError, TypeError, KeyError)
"""Errors that may come from the form of what a file is given."""
WITH_PARAMETERS = {case.name for case in LAYERS if case.args}
"""Layers that people write in several forms."""


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
        self.cases, self.largest, self.value_only = 0, 0.0, False
        self.failures: list[Failure] = []
        self.mistakes: list[tuple[str, str]] = []
        """The name of each mistake in right results ("" if it has none), and where."""
        self.conventions: dict[str, None] = {}
        """The names of what it does in another way than torch, though rightly."""
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
        self.conventions |= dict.fromkeys(answer.conventions)
        self.value_only |= got.keys() == {"output"} and len(want) > 1
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
        agreement: str = "",
    ) -> Finding:
        """What came of all test cases.

        Args:
            diagnosis: the name of the mistake that explains failures, or "".
            shown: which result is wrong, and the fields of a finding that show it.
            agreement: the first words where nothing is wrong.
        """
        unexplained = self._beyond_defaults()
        ordinary = self._ordinary(unexplained)
        name = diagnosis(ordinary) if ordinary else ""
        kind = _kind_of(name, ordinary) if ordinary else "convention"
        grave = [m for m in self.mistakes if _kind_of(m[0], []) != "convention"]
        # A convention hides no mistake and no error.
        if kind != "convention" or (ordinary and not grave and not self.error):
            where, fields = shown(ordinary)
            if self.error:
                where += f"; and {wording.raised(self.error[1])}"
            found = self._wrong(name, where, kind, **fields)
        elif grave:
            found = self._wrong(*grave[0], _kind_of(grave[0][0], []))
        elif self.error:
            found = self._raised(*self.error)
        elif len(unexplained) < len(self.failures):
            case = wording.call_of(self.failures[0].question)
            words = default_words(self.definition)
            found = self._wrong("other default", words, "convention", case=case)
        elif words := self._why_no_case():
            found = finding_of(self.definition, "not judged", words)
        else:
            found = self._right(agreement)
        return replace(found, cases=self.cases, not_tested=self._not_tested())

    def _ordinary(self, failures: list[Failure]) -> list[Failure]:
        """Without those in which the input need not be taken; these are noted."""
        ordinary = [f for f in failures if f.question.note not in OPTIONAL]
        ordinary = ordinary or [f for f in failures if _is_taken(f)]
        if not ordinary:
            notes = dict.fromkeys(f.question.note for f in failures)
            self.skipped |= {f"other results: {note}": [] for note in notes}
        return ordinary

    def _raised(self, case: str, error: Exception) -> Finding:
        found = replace(raised_by(self.definition, error), case=case)
        self.skipped.pop(found.words, None)  # it is said once
        return replace(found, kind="wrong") if self.cases else found

    def _beyond_defaults(self) -> list[Failure]:
        """What stays wrong if torch is given the file's own default options."""
        found = []
        for f in self.failures:
            kwargs = {**self.other_defaults, **f.question.kwargs}
            if self.torchs is None or kwargs.keys() == f.question.kwargs.keys():
                found.append(f)
                continue
            question = replace(f.question, kwargs=kwargs)
            try:
                want = self.torchs(question)
            except Exception:  # torch takes no such value, or not with these parameters
                found.append(f)
                continue
            wrong = wrong_in(f.got, want, self.tolerance)
            if len(wrong) < len(f.wrong):
                self.conventions["other default"] = None
                f = replace(f, question=question, want=want, wrong=wrong)
            if f.wrong:
                found.append(f)
        return found

    def _wrong(self, name: str, where: str, kind: Kind, **fields: Any) -> Finding:
        names = [name]
        if kind == "convention":
            names = [*dict.fromkeys([*self.conventions, name])]
        words = f"{'; '.join(names) or 'cause not recognised'}: {where}"
        hint = self._hint(names)
        return finding_of(self.definition, kind, words, hint, **fields)

    def _hint(self, names: list[str]) -> str:
        hints = (mistakes.hint(name, self.definition.name) for name in names)
        return "; ".join(filter(None, hints))

    def _right(self, agreement: str) -> Finding:
        found = f"within {self.largest:.1e}" if self.largest else "equal bit for bit"
        words = f"{agreement}{found} in {self.cases} case{'s' * (self.cases != 1)}"
        kind: Kind = "rounding" if self.largest else "equal"
        names = [
            *dict.fromkeys([*self.conventions, *(name for name, _ in self.mistakes)])
        ]
        if names:
            words = f"{'; '.join(names)}: otherwise {words}"
            return finding_of(self.definition, "convention", words, self._hint(names))
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
        if self.value_only and not self.definition.has_gradient:
            lines.append(f"gradient: no {self.definition.label}_backward was found")
        if self.definition.form.by_number:
            lines.append("arrays: it takes one number at a time; np.where takes both")
        for why, cases in self.skipped.items():
            what = ", ".join(dict.fromkeys(cases))
            lines.append(f"cannot handle {what}: {why}" if cases else why)
        return lines + (without_default(self.definition) if self.torchs else [])


def _is_taken(f: Failure) -> bool:
    """Whether an input that need not be taken is: the output is right.

    Then the gradient has to be right, too.
    """
    return "output" not in f.wrong and f.question.inputs[0].size > 0


def _kind_of(mistake: str, failures: list[Failure]) -> Kind:
    """The kind of finding: a convention if the gradient is that of its own value."""
    if not mistake:
        return "wrong"
    allowed = mistakes.convention(mistake)
    for f in failures:
        kind, got = f.definition.kind, f.got.values()
        if allowed not in ("any", kind):
            return "mistake"
        is_measured = kind in ("layer", "loss") and not mistakes.is_extreme(f.question)
        if is_measured and is_own_gradient(f) is False:
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
    is_plain = definition.kind == "layer" and definition.name not in WITH_PARAMETERS
    is_understood = is_plain or not isinstance(error, OF_FORM)
    is_its_own = is_understood and wording.line_of(error)
    is_wrong = is_its_own or isinstance(error, NoNumbers)
    kind: Kind = "wrong" if is_wrong else "not judged"
    return finding_of(definition, kind, wording.raised(error), hint)
