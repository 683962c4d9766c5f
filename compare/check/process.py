"""Checking a file in a process of its own, which may hang, exit or crash.

The child is this module, run as a program. It writes what it finds, line by line; where
it is lost, another one checks the rest.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from compare.check.report import Finding, Outcome

NOTHING = (
    "there is nothing to check: define a class named as in handmade.nn or "
    "handmade.optim, a function such as mse_loss with mse_loss_backward, or f with "
    "grad_f"
)


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
            outcome.findings.append(Finding(last, last, "wrong", ending).as_dict())
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
            [sys.executable, "-m", __spec__.name, str(path), str(out), *names],
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


# -- in the child ----------------------------------------------------------------------


def run_as_child(file: str, out: str, wanted: list[str]) -> None:
    """Load `file`, check what it defines, and write each finding as a line of JSON."""
    import torch  # only here, as the parent needs none of these

    from compare.check.checker import check
    from compare.check.comparison import finding_of
    from compare.check.definitions import MODULE, definitions, own_names

    torch.set_num_threads(1)
    with Path(out).open("w", encoding="utf-8", buffering=1) as lines:

        def write(**news: Any) -> None:
            lines.write(json.dumps(_printable(news)) + "\n")

        try:
            own = own_names(_loaded(Path(file), MODULE))
        except BaseException as error:
            write(problem=_why_not_loaded(error))
            return
        found, hints = definitions(own), {}
        labels = [definition.label for definition in found]
        unknown = [name for name in wanted if name not in labels]
        if unknown:
            write(problem=hints.get(unknown[0], f"it defines no {unknown[0]!r}"))
        elif not found:
            write(problem="\n".join([NOTHING, *hints.values()]))
        else:
            write(found=labels, hints=[] if wanted else [*hints.values()])
        for definition in [] if unknown else found:
            if not wanted or definition.label in wanted:
                write(began=definition.label)
                try:
                    finding = check(definition)
                except BaseException as error:  # sys.exit inside a function, say
                    words = f"raises {type(error).__name__}: {error}"
                    finding = finding_of(definition, "wrong", words)
                write(finding=finding.as_dict())


def _loaded(path: Path, name: str) -> ModuleType:
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _why_not_loaded(error: BaseException) -> str:
    match error:
        case SyntaxError():
            place = f" in line {error.lineno}" if error.lineno else ""
            return f"syntax error{place}: {error.msg}"
        case ModuleNotFoundError():
            return f"it needs the package {error.name!r}, which is not installed here"
        case SystemExit():
            return "it calls sys.exit while it is loaded"
    return f"it fails while it is loaded: {type(error).__name__}: {error}"


def _printable(tree: Any) -> Any:
    """Texts without what no report can hold: lone surrogates, control characters."""
    if isinstance(tree, dict):
        return {key: _printable(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_printable(value) for value in tree]
    if not isinstance(tree, str):
        return tree
    text = tree.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c >= " " or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


if __name__ == "__main__":
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    run_as_child(sys.argv[1], sys.argv[2], sys.argv[3:])
