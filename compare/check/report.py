"""The result of checking a file: for people, graders (JSON) and CI (JUnit)."""

import html
import io
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from compare.report import COLORS

BAD = ("mistake", "wrong")
"""The kinds of finding that fail a file."""
LENIENT = ("convention", "not judged")
"""The kinds that fail it under `strict` only."""
SMALL = 1e6
"""Up to so many units in the last place a difference may be a matter of rounding."""


Kind = Literal["equal", "rounding", "convention", "mistake", "wrong", "not judged"]
"""What came of checking a name.

equal, rounding: PyTorch's value and gradient.
convention: not as in PyTorch, but the gradient is that of its own value.
mistake: wrong, and the mistake has a name.
wrong: wrong, and the cause is not recognised.
not judged: its form was not understood.
"""


@dataclass(frozen=True)
class Finding:
    """The result of checking one name."""

    label: str  # its name in the file
    name: str  # the class that it was compared with
    kind: Kind
    words: str  # what is wrong, or how large the difference is
    hint: str = ""  # how to mend it, or where to look; "repair" in JSON
    case: str = ""  # the smallest test case that fails, as a call
    input: str = ""  # its inputs and parameters
    expected: str = ""  # torch's result
    got: str = ""  # the file's result
    ulp: float = 0.0  # the largest difference, in units in the last place
    cases: int = 0  # how many test cases there were
    not_tested: list[str] = field(default_factory=list)  # "not_covered" in JSON

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with the keys of its first version; infinity becomes null."""
        keys = {"hint": "repair", "not_tested": "not_covered"}
        found = {keys.get(key, key): value for key, value in asdict(self).items()}
        return found | {"ulp": self.ulp if math.isfinite(self.ulp) else None}


@dataclass
class Outcome:
    """The result of checking a file."""

    file: str  # its path, or the names of what was checked
    problem: str = ""  # why it cannot be checked at all
    findings: list[dict[str, Any]] = field(default_factory=list)  # of each name
    hints: list[str] = field(default_factory=list)  # what was not checked, and why

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(as_text(self))}</pre>"

    def failed(self, strict: bool = False) -> list[dict[str, Any]]:
        """The findings that fail the file.

        With `strict` also conventions, and what was not judged or not tested.
        """
        found = self.findings
        if not strict:
            return [f for f in found if f["kind"] in BAD]
        return [f for f in found if f["kind"] in BAD + LENIENT or f["not_covered"]]

    def exit_status(self, strict: bool = False) -> int:
        """1: something is wrong; 2: nothing could be judged; else 0."""
        is_judged = any(f["kind"] != "not judged" for f in self.findings)
        return int(bool(self.failed(strict))) if is_judged and not self.problem else 2


def show(outcome: Outcome, out: Console, strict: bool = False) -> None:
    """Print one paragraph for each name, and what fails only under `strict`."""
    for finding in outcome.findings:
        kind = finding["kind"]
        parts = (finding["label"], "bold"), ": ", (kind, COLORS[kind])
        line = Text.assemble(*parts, f", {finding['words']}")
        out.print(line, soft_wrap=True)
        for label, text in _details(finding):
            indented = text.replace("\n", "\n" + " " * 13)
            out.print(Text(f"  {label:10} {indented}"), soft_wrap=True)
    for hint in outcome.hints:
        out.print(Text(hint), soft_wrap=True)
    for finding in outcome.failed(strict):
        if finding["kind"] not in BAD:
            line = f"--strict fails {finding['label']}: {_why(finding)}"
            out.print(Text(line, style="red"), soft_wrap=True)


def as_text(outcome: Outcome) -> str:
    """The same without colours; also what kept the file from being checked."""
    text = io.StringIO()
    # Set explicitly, since notebooks ask rich for HTML and for colours.
    plain = {"force_jupyter": False, "color_system": None, "highlight": False}
    show(outcome, Console(file=text, **plain))
    problem = f"error: {outcome.problem}\n" if outcome.problem else ""
    return text.getvalue() + problem


def as_json(outcome: Outcome, strict: bool) -> str:
    """The same for graders."""
    report = {
        "file": outcome.file,
        "exit_status": outcome.exit_status(strict),
        "problem": outcome.problem,
        "hints": outcome.hints,
        "failed": {f["label"]: _why(f) for f in outcome.failed(strict)},
        "findings": outcome.findings,
    }
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def as_junit(outcome: Outcome, strict: bool) -> str:
    """The same for CI: one test case for each name."""
    failed, file = outcome.failed(strict), outcome.file
    counts = {"tests": len(outcome.findings) or 1, "failures": len(failed)}
    counts["errors"] = int(bool(outcome.problem))
    texts = {name: str(count) for name, count in counts.items()}
    suite = ElementTree.Element("testsuite", texts, name=file)
    if outcome.problem:
        case = ElementTree.SubElement(suite, "testcase", name="load")
        ElementTree.SubElement(case, "error", message=outcome.problem)
    for finding in outcome.findings:
        of = {"name": finding["label"], "classname": file}
        case = ElementTree.SubElement(suite, "testcase", of)
        if finding in failed:
            failure = ElementTree.SubElement(case, "failure", message=_why(finding))
            rows = (f"{label}: {text}" for label, text in _details(finding))
            failure.text = "\n".join(rows)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _details(finding: dict[str, Any]) -> list[tuple[str, str]]:
    ulp = finding["ulp"]
    is_small = (
        finding["kind"] in BAD + LENIENT and finding["expected"] and ulp and ulp < SMALL
    )
    names = ("case", "input", "expected", "got")
    rows = {"hint": finding["repair"], **{name: finding[name] for name in names}}
    rows["distance"] = f"{ulp:.3g} ULP" if is_small else ""
    rows["not tested"] = "\n".join(finding["not_covered"])
    return [(label, text) for label, text in rows.items() if text]


def _why(finding: dict[str, Any]) -> str:
    """Why a finding fails."""
    if finding["kind"] in BAD + LENIENT:
        return f"{finding['kind']}: {finding['words']}"
    return f"not tested: {'; '.join(finding['not_covered'])}"
