"""`run --jobs`: several lessons at a time give what one after the other gives."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from compare.cli import app

LESSONS = ("xor_mlp", "or_gate", "and_gate")


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def verdicts(stdout: str, *lessons: str) -> list[str]:
    return [line for line in stdout.splitlines() if line.startswith(lessons)]


def files(logdir: Path) -> dict[str, bytes]:
    found = logdir.glob("*/*/curves.csv")
    return {path.parent.parent.name: path.read_bytes() for path in found}


@pytest.mark.parametrize(("words", "given"), [(["0"], "0"), (["2"], "2")])
def test_fewer_than_one_and_several_with_torchrun_are_refused(words, given, tmp_path):
    more = ["--distributed"] if given == "2" else []
    answer = call("run", "or_gate", "--jobs", *words, *more, "--logdir", tmp_path / "r")
    assert answer.exit_code == 2
    assert f"got {given}" in answer.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_results_and_their_order_are_those_of_one_after_the_other(
    tmp_path: Path, own_lesson: Callable[..., str]
):
    one, two = tmp_path / "1", tmp_path / "2"
    words = ["run", *LESSONS, own_lesson("steps=3"), "--fast", "--logdir"]
    alone, together = call(*words, one), call(*words, two, "--jobs", 2)
    assert together.exit_code == alone.exit_code == 0
    assert together.stderr == ""
    found = verdicts(together.stdout, *LESSONS, "own")
    assert len(found) == 4
    assert found == verdicts(alone.stdout, *LESSONS, "own")
    assert files(one).keys() == {*LESSONS, "own"}
    assert files(two) == files(one)


@pytest.mark.slow
def test_a_lesson_that_cannot_be_trained_ends_all(
    tmp_path: Path, own_lesson: Callable[..., str]
):
    broken = own_lesson("batch_size=9", name="broken")
    answer = call("run", broken, "or_gate", "--jobs", 2, "--logdir", tmp_path)
    assert answer.exit_code == 2
    assert verdicts(answer.stdout, "broken") == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_all_lessons_which_can_be_resumed(
    number: str, status: int, tmp_path: Path, eventually: Callable[..., Any]
):
    lessons = ["digits_mlp", "digits_cnn", "or_gate"]
    command = [sys.executable, "-m", "compare", "run", *lessons, "--jobs", "2"]
    process = subprocess.Popen([*command, "--logdir", tmp_path])
    eventually(lambda: len([*tmp_path.glob("*/*/checkpoint.npz")]) == 2)
    process.send_signal(getattr(signal, number))
    assert process.wait(60) == status
    summaries = [json.loads(p.read_text()) for p in tmp_path.glob("*/*/summary.json")]
    assert {s["lesson"]: s["status"] for s in summaries} == dict.fromkeys(
        lessons[:2], "interrupted"
    )
