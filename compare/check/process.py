"""Checking a file in a process of its own, which may hang, exit or crash.

The child (`compare.check.child`) writes what it finds, line by line; where it is lost,
another one checks the rest.
"""

import html
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHILD = "compare.check.child"
BAD = ("convention", "bug")
"""The kinds of finding that fail a file."""


@dataclass
class Outcome:
    """The result of checking a file.

    Args:
        file: its path, or the names of what was checked.
        problem: why it cannot be checked at all, or "".
        findings: one for each name, as `Finding.as_dict` gives it.
        hints: what was not checked, and which known name it may have been meant for.
    """

    file: str
    problem: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        from compare.check import report

        return f"<pre>{html.escape(report.as_text(self))}</pre>"

    def failed(self, strict: bool = False) -> list[dict[str, Any]]:
        """The findings that fail the file; with `strict`, also what is not tested."""
        return [
            f
            for f in self.findings
            if f["kind"] in BAD or (strict and f["not_covered"])
        ]

    def exit_status(self, strict: bool = False) -> int:
        """0: all equal or rounding; 1: a convention or bug; 2: cannot be loaded.

        Args:
            strict: what is not tested fails, too.
        """
        return 2 if self.problem else int(bool(self.failed(strict)))


def check_file(path: Path, names: list[str], seconds: float) -> Outcome:
    """Check a file in a process of its own.

    Args:
        path: the file.
        names: what of it to check; all if empty.
        seconds: how long loading, and each name, may take.
    """
    if not path.is_file():
        return Outcome(str(path), f"there is no file {path}")
    outcome, left = Outcome(str(path)), list(names)
    while True:
        lines, ending = run_child(path, left, seconds)
        news: dict[str, list[Any]] = {}
        for line in lines:
            for key, value in line.items():
                news.setdefault(key, []).append(value)
        outcome.findings += news.get("finding", [])
        outcome.hints = outcome.hints or news.get("hints", [[]])[0]
        if "problem" in news or "found" not in news:
            lost = f"while it was loaded, it {ending}"
            outcome.problem = news.get("problem", [lost])[0]
            return outcome
        finished = {finding["label"] for finding in outcome.findings}
        last = news.get("began", [""])[-1]
        if last and last not in finished:
            outcome.findings.append(_lost(last, ending))
            finished.add(last)
        left = [name for name in names or news["found"][0] if name not in finished]
        if not left:
            return outcome


def run_child(path: Path, names: list[str], seconds: float) -> tuple[list[Any], str]:
    """What one child wrote, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "findings.jsonl"
        out.touch()
        child = subprocess.Popen(
            [sys.executable, "-m", CHILD, str(path), str(out), *names],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ending = _wait(child, out, seconds)
        _kill(child)  # and whatever it started
        text = out.read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        with suppress(json.JSONDecodeError):  # the last one may be cut off
            lines.append(json.loads(line))
    return lines, ending


def _wait(child: "subprocess.Popen[bytes]", out: Path, seconds: float) -> str:
    """How the child ended; it may run while it writes something every `seconds`."""
    size = 0
    while True:
        try:
            return f"ended the process with status {child.wait(timeout=seconds)}"
        except subprocess.TimeoutExpired:
            if out.stat().st_size > size:
                size = out.stat().st_size
                continue
            _kill(child)
            return f"did not end within {seconds:g} s"


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def _lost(label: str, ending: str) -> dict[str, Any]:
    """The finding of a name during which the child was lost."""
    from compare.check.finding import Finding  # imports torch: only where needed

    return Finding(label, label, "bug", ending).as_dict()
