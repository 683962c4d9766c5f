"""What checking a file came to, for people, graders and CI."""

import io
import json
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from compare.check.sandbox import BAD, Outcome
from compare.report import COLORS


def show(outcome: Outcome, out: Console, strict: bool = False) -> None:
    """Print one paragraph for each name, and what else fails it if that is strict."""
    for finding in outcome.findings:
        kind = finding["kind"]
        line = Text.assemble(
            (finding["label"], "bold"),
            ": ",
            (kind, COLORS[kind]),
            f", {finding['words']}",
        )
        out.print(line, soft_wrap=True)
        for label, text in _details(finding):
            out.print(Text(f"  {label:9} {_indented(text)}"), soft_wrap=True)
    for hint in outcome.hints:
        out.print(Text(hint), soft_wrap=True)
    for finding in outcome.findings:
        if strict and (why := _too_little(finding)):
            line = f"--strict fails {finding['label']}: {why}"
            out.print(Text(line, style="red"), soft_wrap=True)


def _too_little(finding: dict[str, Any]) -> str:
    """Why what is right fails under --strict; "" where that is not the reason."""
    bad, gaps = finding["kind"] in BAD, finding["not_covered"]
    return f"not covered: {'; '.join(gaps)}" if gaps and not bad else ""


def as_text(outcome: Outcome) -> str:
    """The same without colours; also what kept the file from being checked."""
    text = io.StringIO()
    # Said outright, since notebooks ask rich for HTML and for colours.
    plain = {"force_jupyter": False, "color_system": None, "highlight": False}
    show(outcome, Console(file=text, **plain))
    problem = f"error: {outcome.problem}\n" if outcome.problem else ""
    return text.getvalue() + problem


def _details(finding: dict[str, Any]) -> list[tuple[str, str]]:
    distance = finding["ulp"]
    off = finding["kind"] in BAD and finding["expected"]
    rows = [
        ("repair", finding["repair"]),
        ("case", finding["case"]),
        ("input", finding["input"]),
        ("expected", finding["expected"]),
        ("got", finding["got"]),
        ("distance", f"{distance:.3g} ULP" if off and _tells(distance) else ""),
        ("no cover", "\n".join(finding["not_covered"])),
    ]
    return [(label, text) for label, text in rows if text]


def _tells(ulp: float | None) -> bool:
    """Whether a distance is small enough to be a matter of rounding."""
    return ulp is not None and ulp < 1e6


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 12)


def as_json(outcome: Outcome, strict: bool) -> str:
    """The same for graders."""
    return json.dumps(
        {
            "file": outcome.file,
            "exit_status": outcome.exit_status(strict),
            "problem": outcome.problem,
            "hints": outcome.hints,
            "failed": {f["label"]: _why(f) for f in _failed(outcome, strict)},
            "findings": outcome.findings,
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def as_junit(outcome: Outcome, strict: bool) -> str:
    """The same for CI: one test case for each name."""
    failed = _failed(outcome, strict)
    suite = ElementTree.Element(
        "testsuite",
        name=outcome.file,
        tests=str(len(outcome.findings) or 1),
        failures=str(len(failed)),
        errors=str(int(bool(outcome.problem))),
    )
    if outcome.problem:
        case = ElementTree.SubElement(suite, "testcase", name="load")
        ElementTree.SubElement(case, "error", message=outcome.problem)
    for finding in outcome.findings:
        case = ElementTree.SubElement(
            suite, "testcase", name=finding["label"], classname=outcome.file
        )
        if finding in failed:
            failure = ElementTree.SubElement(case, "failure", message=_why(finding))
            rows = (f"{label}: {text}" for label, text in _details(finding))
            failure.text = "\n".join(rows)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _failed(outcome: Outcome, strict: bool) -> list[dict[str, Any]]:
    """The findings for which the exit status is 1."""
    return [
        f for f in outcome.findings if f["kind"] in BAD or (strict and f["not_covered"])
    ]


def _why(finding: dict[str, Any]) -> str:
    """What failed a finding, in words."""
    return _too_little(finding) or f"{finding['kind']}: {finding['words']}"
