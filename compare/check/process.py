"""Checking files in processes of their own, which may hang, exit or crash.

`check_files` has one warm worker for each core; see `worker` for what it does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from compare.check.report import Finding, Outcome

SECONDS = 10.0
"""How long loading a file, and each name, may take."""
SUFFIXES = (".py", ".ipynb")
IGNORED = ("__pycache__", "site-packages", "node_modules")
ROOT = Path(__file__).parents[2]
START = (  # with our own packages, and no other module that lies beside them
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "import compare, handmade, torch_ref; del sys.path[0]; "
    "from compare.check.worker import serve; serve()"
)


class Worker:
    """A process that judges one file after the other; started when it is needed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.is_closed = False

    def ask(self, request: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """All news of a child that judges a file, and how it ended."""
        if self.is_closed:
            raise InterruptedError("the check was stopped")
        if self.process is None or self.process.poll() is not None:
            self._end()
            self.process = subprocess.Popen(
                # -P: nothing is imported from the current folder.
                [sys.executable, "-P", "-c", START, str(ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for this process alone
                env={**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
            )
        process, lines = self.process, []
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        for line in process.stdout:
            news = json.loads(line)
            if "ended" in news:
                return lines, news["ended"]
            lines.append(news)
        words = f"ended the process with status {process.wait()}"
        said = process.stderr.read().decode(errors="replace").strip().splitlines()
        return lines, "; ".join([words, *said[-3:]])

    def close(self) -> None:
        """End the process, and with it what it judges."""
        self.is_closed = True
        self._end()

    def _end(self) -> None:
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                assert pipe
                with suppress(BrokenPipeError):
                    pipe.close()
            self.process.wait()


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files, and in place of each folder what Python and notebooks lie in it."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            parts = file.relative_to(path).parts
            is_hidden = any(p[0] == "." or p in IGNORED for p in parts)
            if file == path or (
                file.suffix in SUFFIXES and not is_hidden and file.is_file()
            ):
                found[file] = None
    return [*found]


def check_files(
    paths: Sequence[Path],
    names: Sequence[str] = (),
    seconds: float = SECONDS,
    jobs: int = 0,
    meant: Sequence[str] = (),
) -> list[Outcome]:
    """Check files in parallel, each in a process of its own.

    Args:
        paths: the files.
        names: what of them to check; all if empty.
        seconds: how long loading, and each name, may take.
        jobs: how many at the same time; 0: one for each core.
        meant: what names are meant to be, each as "MSELoss=error,error_gradient".
    """
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(paths)))
    workers = [Worker() for _ in range(jobs)]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def one(path: Path) -> Outcome:
        worker = idle.get()
        try:
            return _checked(worker, path, [*names], seconds, meant)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(jobs)
    try:
        return [*(map if jobs == 1 else pool.map)(one, paths)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()


def check_file(
    path: Path,
    names: Sequence[str] = (),
    seconds: float = SECONDS,
    meant: Sequence[str] = (),
) -> Outcome:
    """Check one file."""
    return check_files([path], names, seconds, 1, meant)[0]


def _checked(
    worker: Worker, path: Path, names: list[str], seconds: float, meant: Sequence[str]
) -> Outcome:
    """Check a file; where its process is lost, another one checks the rest."""
    outcome, left = Outcome(str(path)), names
    if not path.is_file():
        outcome.problem = f"there is no file {path}"
        return outcome
    while True:
        request = {"path": str(path), "names": left, "seconds": seconds}
        request["meant"] = [*meant]
        lines, ending = worker.ask(request)
        news: dict[str, list[Any]] = {}
        for line in lines:
            for key, value in line.items():
                news.setdefault(key, []).append(value)
        outcome.findings += news.get("finding", [])
        outcome.hints = outcome.hints or news.get("note", [])
        if "problem" in news or "found" not in news:
            lost = f"while it was loaded, it {ending}"
            outcome.problem = news.get("problem", [lost])[0]
            return outcome
        finished = {finding["label"] for finding in outcome.findings}
        left = [label for label in news["found"][0] if label not in finished]
        began = news.get("began", [""])[-1]
        # A process that ends between two names would do so again: all are lost.
        for label in [began] if began in left else [*left]:
            outcome.findings.append(Finding(label, label, "wrong", ending).as_dict())
            left.remove(label)
        if not left:
            return outcome
