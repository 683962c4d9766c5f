"""The result of checking a file: for people, graders (JSON) and CI (JUnit)."""

import html
import io
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from compare.report import COLORS
from compare.translation import _

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


def exit_status_of(outcomes: Sequence[Outcome], strict: bool = False) -> int:
    """The same for several files, each of which may have failed to load."""
    found = [outcome.exit_status(strict) for outcome in outcomes]
    if 1 in found or (strict and 2 in found and 0 in found):
        return 1
    return min(found, default=2)


# -- for people ------------------------------------------------------------------------

TRANSLATED = ("hint", "case", "got", "not tested")
"""The details that are text, not only numbers."""
WIDE = 10_000
"""A width in which every table fits."""


def show(outcome: Outcome, out: Console, strict: bool = False) -> None:
    """Print one paragraph for each name, and what fails only under `strict`."""
    width = len(_("not tested"))
    for finding in map(_printable, outcome.findings):
        kind, found = finding["kind"], finding["words"]
        parts = (finding["label"], "bold"), ": ", (_(kind), COLORS[kind])
        out.print(Text.assemble(*parts, f", {_(found)}"), soft_wrap=True)
        for label, text in _details(finding):
            said = _(text) if label in TRANSLATED else text
            indented = said.replace("\n", "\n" + " " * (width + 3))
            line = f"  {_(label):{width}} {indented}"
            out.print(Text(line), soft_wrap=True)
    for hint in outcome.hints:
        line = f"{_('note')}: {_(_printable(hint))}"
        out.print(Text(line), soft_wrap=True)
    for finding in map(_printable, outcome.failed(strict)):
        if finding["kind"] not in BAD:
            fails = _("--strict fails")
            line = f"{fails} {finding['label']}: {_(_why(finding))}"
            out.print(Text(line, style="red"), soft_wrap=True)


def show_table(outcomes: Sequence[Outcome], out: Console) -> None:
    """Print what came of each name in each file; then what did not load."""
    files = _shortened([outcome.file for outcome in outcomes])
    table = _grid(files, outcomes)
    if out.measure(table, options=out.options.update(width=WIDE)).maximum > out.width:
        table = _list(files, outcomes)
    out.print(table)
    for file, outcome in zip(files, outcomes, strict=True):
        problems = [outcome.problem] if outcome.problem else []
        for line in [*problems, *outcome.hints]:
            out.print(Text(f"{file}: {_(_printable(line))}"), soft_wrap=True)
    failed = sum(bool(outcome.failed()) for outcome in outcomes)
    counts = {"files": len(outcomes), "with mistakes": failed}
    counts["not loaded or nothing to judge"] = sum(
        not outcome.failed() and outcome.exit_status() == 2 for outcome in outcomes
    )
    said = [f"{n} {_(what)}" for what, n in counts.items()]
    out.print(Text(", ".join(said)), soft_wrap=True)


def _names(outcomes: Sequence[Outcome]) -> list[str]:
    findings = (finding for outcome in outcomes for finding in outcome.findings)
    return [*dict.fromkeys(f["name"] or f["label"] for f in findings)]


def _grid(files: Sequence[str], outcomes: Sequence[Outcome]) -> Table:
    """A row for each file, and a column for each name."""
    names = _names(outcomes)
    table = Table(_("file"), *map(_printable, names), box=None)
    for file, outcome in zip(files, outcomes, strict=True):
        cells = [_cell(outcome, name) or Text("–") for name in names]
        table.add_row(Text(file), *cells)
    return table


def _list(files: Sequence[str], outcomes: Sequence[Outcome]) -> Table:
    """A row for each name in each file, where the columns would be too narrow."""
    table = Table(Column(_("file"), no_wrap=True, max_width=28), box=None)
    for file, outcome in zip(files, outcomes, strict=True):
        cells = [(name, _cell(outcome, name)) for name in _names([outcome])]
        for name, cell in cells or [("", Text("–"))]:
            said = Text.assemble((_printable(name), "bold"), ": " * bool(name), cell)
            table.add_row(Text(file), said)
            file = ""
    return table


def _shortened(files: Sequence[str]) -> list[str]:
    """Paths without the folder that all of them lie in."""
    full = [os.path.abspath(file) for file in files]
    common = os.path.commonpath([os.path.dirname(file) for file in full])
    return [_printable(os.path.relpath(file, common)) for file in full]


def _cell(outcome: Outcome, name: str) -> Text:
    """What came of a name in a file: its kind, and the mistake's name."""
    text = Text()
    for finding in outcome.findings:
        if (finding["name"] or finding["label"]) == name:
            kind = finding["kind"]
            is_named = kind in (*BAD, "convention")
            what = finding["words"].partition(":")[0] if is_named else ""
            what = f": {_(what)}" if kind != "wrong" and what else ""
            text.append("\n" if text else "")
            text.append(_(kind) + _printable(what), COLORS[kind])
    return text


def as_text(outcome: Outcome) -> str:
    """The same without colours; also what kept the file from being checked."""
    text = io.StringIO()
    # Set explicitly, since notebooks ask rich for HTML and for colours.
    plain = {"force_jupyter": False, "color_system": None, "highlight": False}
    show(outcome, Console(file=text, **plain))
    problem = f"error: {_printable(outcome.problem)}\n" if outcome.problem else ""
    return text.getvalue() + problem


# -- for graders and CI ----------------------------------------------------------------


def as_json(outcomes: Sequence[Outcome], strict: bool) -> str:
    """The report of one file, or "files" with that of each."""
    reports = [_report(outcome, strict) for outcome in outcomes]
    report = reports[0]
    if len(reports) > 1:
        report = {"exit_status": exit_status_of(outcomes, strict), "files": reports}
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def _report(outcome: Outcome, strict: bool) -> dict[str, Any]:
    report = {
        "file": outcome.file,
        "exit_status": outcome.exit_status(strict),
        "problem": outcome.problem,
        "hints": outcome.hints,
        "failed": {f["label"]: _why(f) for f in outcome.failed(strict)},
        "findings": outcome.findings,
    }
    return _printable(report)


def as_junit(outcomes: Sequence[Outcome], strict: bool) -> str:
    """A suite for each file, and in it a test case for each name."""
    suites = [_suite(outcome, strict) for outcome in outcomes]
    root = suites[0]
    if len(suites) > 1:
        root = ElementTree.Element("testsuites")
        root.extend(suites)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(outcome: Outcome, strict: bool) -> ElementTree.Element:
    failed, file = outcome.failed(strict), _printable(outcome.file)
    counts = {"tests": len(outcome.findings) or 1, "failures": len(failed)}
    counts["errors"] = int(bool(outcome.problem))
    texts = {name: str(count) for name, count in counts.items()}
    suite = ElementTree.Element("testsuite", texts, name=file)
    if outcome.problem:
        case = ElementTree.SubElement(suite, "testcase", name="load")
        ElementTree.SubElement(case, "error", message=_printable(outcome.problem))
    for finding in outcome.findings:
        of = {"name": _printable(finding["label"]), "classname": file}
        case = ElementTree.SubElement(suite, "testcase", of)
        if finding in failed:
            finding = _printable(finding)
            failure = ElementTree.SubElement(case, "failure", message=_why(finding))
            rows = (f"{label}: {text}" for label, text in _details(finding))
            failure.text = "\n".join(rows)
    return suite


_UNPRINTABLE = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
"""What XML cannot hold, or a terminal would obey."""


def _printable(tree: Any) -> Any:
    """Texts in which every report can hold all characters."""
    if isinstance(tree, dict):
        return {_printable(key): _printable(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_printable(value) for value in tree]
    if not isinstance(tree, str):
        return tree
    return _UNPRINTABLE.sub(lambda c: ascii(c[0])[1:-1], tree)


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
