"""Starting the child process, and outliving whatever it does."""

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
    """What checking a file came to.

    Args:
        file: which.
        problem: why it cannot be checked at all, or "".
        findings: one for each name, as `Finding.as_dict`.
        hints: what was not checked, and which known name it may have been meant for.
    """

    file: str
    problem: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        from compare.check import report

        return f"<pre>{html.escape(report.as_text(self))}</pre>"

    def exit_status(self, strict: bool = False) -> int:
        """0: all equal or rounding; 1: a convention or bug; 2: cannot be loaded.

        Args:
            strict: what is not covered fails, too.
        """
        if self.problem:
            return 2
        bad = any(f["kind"] in BAD for f in self.findings)
        gaps = strict and any(f["not_covered"] for f in self.findings)
        return int(bad or gaps)


def check_file(path: Path, names: list[str], seconds: float) -> Outcome:
    """Check a file in a process of its own.

    Args:
        path: the file.
        names: what of it to check; nothing checks all.
        seconds: how long loading, and each name, may take.
    """
    if not path.is_file():
        return Outcome(str(path), f"there is no file {path}")
    outcome, left = Outcome(str(path)), list(names)
    while True:
        said, ending = _asked(path, left, seconds)
        outcome.findings += [line["finding"] for line in said if "finding" in line]
        hinted = [line["hints"] for line in said if "hints" in line]
        outcome.hints = outcome.hints or [hint for hints in hinted for hint in hints]
        problems = [line["problem"] for line in said if "problem" in line]
        found = next((line["found"] for line in said if "found" in line), None)
        if problems or found is None:
            outcome.problem = (problems or [f"while it was loaded, it {ending}"])[0]
            return outcome
        began = [line["began"] for line in said if "began" in line]
        finished = {finding["label"] for finding in outcome.findings}
        if began and began[-1] not in finished:
            outcome.findings.append(_lost(began[-1], ending))
            finished.add(began[-1])
        left = [name for name in names or found if name not in finished]
        if not left:
            return outcome


def _asked(path: Path, names: list[str], seconds: float) -> tuple[list[Any], str]:
    """What one child said, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers.jsonl"
        child = subprocess.Popen(
            [sys.executable, "-m", CHILD, str(path), str(out), *names],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ending = _ended(child, out, seconds)
        _kill(child)  # and whatever it started
        text = out.read_text(encoding="utf-8") if out.exists() else ""
    said = []
    for line in text.splitlines():
        with suppress(json.JSONDecodeError):
            said.append(json.loads(line))
    return said, ending


def _ended(child: "subprocess.Popen[bytes]", out: Path, seconds: float) -> str:
    """Wait for the child as long as it says something new every `seconds`."""
    size = -1
    while True:
        try:
            status = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            now = out.stat().st_size if out.exists() else 0
            if now > size >= 0 or (size < 0 < now):
                size = now
                continue
            _kill(child)
            return f"did not end within {seconds:g} s"
        return f"ended the process with status {status}"


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def _lost(label: str, ending: str) -> dict[str, Any]:
    from compare.check.checker import Finding

    return Finding(label, label, "bug", ending).as_dict()
