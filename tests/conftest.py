"""Fixtures that several test files share."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from compare import registry
from compare.trainer import Result, RunConfig, run

LONG = 1100
OWN_LESSON = """
import dataclasses, math, shutil
from compare.experiment import backprop
from compare.experiments import or_gate

EXPERIMENT = dataclasses.replace(
    or_gate.EXPERIMENT,
    **dict(claims={{"it ran": lambda side: (True, "so it did")}}, figures={{}})
    | dict({changes}),
)
"""


def pytest_configure() -> None:
    """English on every machine; Ctrl-C reaches tests in a background job, too."""
    os.environ["LC_ALL"] = "C.UTF-8"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs torch's Muon where torch is older than 2.9."""
    for item in items:
        if "muon" in item.name.lower() and not hasattr(torch.optim, "Muon"):
            item.add_marker(pytest.mark.skip(reason="this torch has no Muon"))


@pytest.fixture(scope="session")
def own_lesson(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Write a user's lesson file: OR with these changes, as source."""

    def write(changes: str = "", name: str = "own") -> str:
        path = tmp_path_factory.mktemp("lesson") / f"{name}.py"
        path.write_text(OWN_LESSON.format(changes=changes), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Repeat a question until its answer is true; what is not there yet is false.

    The time limit is for a machine under heavy load: only a failure takes that long.
    """

    def wait(ask: Callable[[], Any], seconds: float = 300) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if answer := ask():
                    return answer
            except (URLError, FileNotFoundError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s")

    return wait


@pytest.fixture(scope="session")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log folder of `short_run` and `long_run`."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def short_run(logdir: Path) -> Result:
    """The lesson or_gate, unchanged."""
    return run(*registry.load("or_gate"), RunConfig(logdir=logdir))


@pytest.fixture(scope="session")
def long_run(logdir: Path) -> Result:
    """The same with more steps than TensorBoard keeps by default."""
    _, lesson = registry.load("or_gate")
    return run("long", lesson, RunConfig(steps=LONG, logdir=logdir))
