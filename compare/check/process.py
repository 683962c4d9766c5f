"""Checking a file in a process of its own, which may hang, exit or crash.

The child (`compare.check.child`) writes what it finds, line by line; where it is lost,
another one checks the rest.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from compare.check.report import Finding, Outcome

CHILD = "compare.check.child"


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
            outcome.findings.append(Finding(last, last, "bug", ending).as_dict())
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
        if hasattr(os, "killpg"):  # and whatever it started
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        text = out.read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        with suppress(json.JSONDecodeError):  # the last one may be cut off
            lines.append(json.loads(line))
    return lines, ending


def _wait(child: "subprocess.Popen[bytes]", out: Path, seconds: float) -> str:
    """How the child ended; it may run while it writes something every `seconds`."""
    size = -1
    while out.stat().st_size > size:
        size = out.stat().st_size
        with suppress(subprocess.TimeoutExpired):
            return f"ended the process with status {child.wait(timeout=seconds)}"
    return f"did not end within {seconds:g} s"
