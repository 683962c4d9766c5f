"""What checking a file came to, for people, graders and CI."""

import json
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from compare.check.sandbox import Outcome
from compare.colors import COLORS


def show(outcome: Outcome, out: Console) -> None:
    """Print one paragraph for each name."""
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


def _details(finding: dict[str, Any]) -> list[tuple[str, str]]:
    distance = finding["ulp"]
    off = finding["kind"] in ("convention", "bug") and finding["expected"]
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
            "findings": outcome.findings,
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def as_junit(outcome: Outcome, strict: bool) -> str:
    """The same for CI: one test case for each name."""
    failed = [f for f in outcome.findings if _fails(f, strict)]
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
            message = f"{finding['kind']}: {finding['words']}"
            failure = ElementTree.SubElement(case, "failure", message=message)
            rows = (f"{label}: {text}" for label, text in _details(finding))
            failure.text = "\n".join(rows)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _fails(finding: dict[str, Any], strict: bool) -> bool:
    bad = finding["kind"] in ("convention", "bug")
    return bad or (strict and bool(finding["not_covered"]))
