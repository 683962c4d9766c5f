"""Tests, trains and measures on a CUDA device, and writes docs/benchmarks-cuda.md.

make gpu, or: python -m benchmarks.gpu

It takes at most 8 minutes and needs no network. Every part is a process of its own with
a time limit, so one that fails or hangs stops no other; the page says how each ended.
Without a CUDA device small parts are rehearsed on the CPU, and nothing is written.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from time import monotonic
from typing import NamedTuple

import torch

from benchmarks import page
from compare.bench.workloads import WORKLOADS

PAGE = page.DOCS / "benchmarks-cuda.md"
SECONDS = 470
"""For all parts together."""
LESSONS = "or_gate xor_mlp digits_softmax digits_mlp digits_cnn"
LAST_LINES = 20
"""So many lines are shown of a part that failed."""


class Part(NamedTuple):
    """A command, `python -m` left out, and its time limit in seconds."""

    command: str
    limit: int


class Outcome(NamedTuple):
    """How a part ended: "ok", or why not."""

    part: Part
    status: str
    seconds: float
    output: str


def main() -> None:
    """Exit 1: a part failed."""
    cuda, outcomes, text = torch.cuda.is_available(), list[Outcome](), ""
    where = conditions() if cuda else []
    for outcome in run(on_cuda() if cuda else rehearsal(), SECONDS):
        print(f"{outcome.status}, {outcome.seconds:.0f} s: {outcome.part.command}")
        outcomes.append(outcome)
        text = markdown(outcomes, where, date.today())
        if cuda:  # after each part, in case that there will be no end
            page.write(PAGE, text)
    if not cuda:
        print(f"{text}\nno CUDA device: rehearsed on the CPU, nothing written")
    sys.exit(any(outcome.status != "ok" for outcome in outcomes))


def on_cuda() -> list[Part]:
    """The most important parts first: time may run out."""
    train = f"compare run {LESSONS} --device cuda --jobs 5 --logdir build/gpu"
    bench = "compare bench --device cuda --no-compiled"
    large = "compare bench 8192-8192 --device cuda --rounds 5 --no-compiled"
    compiled = "compare bench --device cuda --rounds 7"
    small = [name for name in WORKLOADS["cuda"] if name != "8192-8192"]
    return [
        Part("pytest -m cuda -n 4 --continue-on-collection-errors tests", 120),
        Part(f"{train} --dtype float64", 60),
        Part(f"{train} --dtype float32", 60),
        Part(f"{train} --dtype float32 --tf32", 60),
        Part(f"{train} --dtype float64 --graph", 60),
        *(Part(f"{bench} {name}", 30) for name in small),
        *(Part(f"{large}{tf32}", 90) for tf32 in ("", " --tf32")),
        *(Part(f"{compiled} {name}", 60) for name in ("or", "digits", "784-512-256")),
    ]


def rehearsal() -> list[Part]:
    """The same kinds of parts, small, on the CPU."""
    train = f"compare run {LESSONS} --fast --array torch --logdir build/gpu"
    return [
        Part("pytest -m cuda tests/compare", 300),
        *(Part(f"{train} --dtype {dtype}", 120) for dtype in ("float64", "float32")),
        *(
            Part(f"compare bench {name} --rounds 2 --no-compiled", 60)
            for name in ("or", "names_gpt")
        ),
    ]


def run(parts: Sequence[Part], seconds: float) -> Iterator[Outcome]:
    """Run one part after the other; each ends in time, and so do all."""
    end = monotonic() + seconds
    for part in parts:
        if (left := end - monotonic()) > 0:
            yield _run(part, min(part.limit, left))
        else:
            yield Outcome(part, "not started: no time was left", 0.0, "")


def _run(part: Part, limit: float) -> Outcome:
    """Run a part in a process group, so that its own processes end with it."""
    began = monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *shlex.split(part.command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    try:
        output, _ = process.communicate(timeout=limit)
        status = f"exit {process.returncode}" if process.returncode else "ok"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = f"ended after {limit:.0f} s"
    except BaseException:  # Ctrl-C does not reach a group of its own
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Outcome(part, status, monotonic() - began, output)


def conditions() -> list[str]:
    """The machine, its driver and versions, as lines of a Markdown list."""
    driver = "unknown"
    if shutil.which("nvidia-smi"):
        ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        said = subprocess.run(ask, capture_output=True, text=True, check=False)
        driver = said.stdout.partition("\n")[0]
    return [
        f"- machine: {page.machine('cuda')}",
        f"- driver: {driver}; CUDA {torch.version.cuda}",
        page.versions(),
    ]


def markdown(
    outcomes: Sequence[Outcome], conditions: Sequence[str], today: date
) -> str:
    """The page: how each part ended, and what it printed."""
    rows = [
        [f"`{one.part.command}`", one.status, f"{one.seconds:.0f}"] for one in outcomes
    ]
    lines = [
        "# Benchmarks on CUDA",
        "",
        f"Written by `make gpu` on {today.isoformat()}.",
        "",
        *conditions,
        "",
        *page.table(["`python -m`", "outcome", "seconds"], rows),
        "",
    ]
    for one in outcomes:
        shown = one.output.rstrip().splitlines()
        if one.status != "ok":
            shown = shown[-LAST_LINES:]
        elif one.part.command.startswith("pytest"):
            shown = shown[-1:]
        if shown:
            lines += [f"## {one.part.command}", "", "```text", *shown, "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
