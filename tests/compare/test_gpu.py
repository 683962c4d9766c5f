"""`make gpu`: every part ends in time and is told, and its commands are understood."""

import shlex
from datetime import date

import pytest
import torch
from typer.testing import CliRunner

from benchmarks import gpu
from benchmarks.gpu import Outcome, Part, markdown, run
from compare.cli import app

needs_no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="has a device")
HANGING = Part("timeit 'while True: pass'", 2)


def test_a_part_that_fails_or_hangs_stops_no_other():
    parts = [Part("no_such_module", 60), HANGING, Part("timeit -n 1 -r 1 ''", 60)]
    found = list(run(parts, 60))
    assert [one.status for one in found] == ["exit 1", "ended after 2 s", "ok"]
    assert "no_such_module" in found[0].output


def test_all_parts_together_end_in_time():
    first, second = run([HANGING._replace(limit=60), HANGING], 0.5)
    assert first.seconds < 30
    assert second.status.startswith("not started")


def test_the_page_says_how_each_part_ended():
    parts = [
        Outcome(Part("compare bench or", 9), "ok", 5.4, "table of or\n"),
        Outcome(Part("compare run or_gate", 9), "exit 1", 1.6, "x\n" * 99 + "why\n"),
    ]
    text = markdown(parts, ["- driver 999"], date(2026, 1, 2))
    for words in (
        "2026-01-02",
        "- driver 999",
        "| `compare bench or` | ok | 5 |",
        "| `compare run or_gate` | exit 1 | 2 |",
        "table of or\n```",
        "why\n```",
    ):
        assert words in text
    assert text.count("x\n") == gpu.LAST_LINES - 1


def test_on_a_device_the_page_is_written_after_each_part(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H999")
    monkeypatch.setattr(gpu, "on_cuda", lambda: [HANGING, Part("timeit -n 1 ''", 60)])
    monkeypatch.setattr(gpu, "PAGE", tmp_path / "page.md")
    seen = []
    write = gpu.page.write
    monkeypatch.setattr(
        gpu.page, "write", lambda *given: (write(*given), seen.append(given[1]))
    )
    with pytest.raises(SystemExit) as stop:
        gpu.main()
    assert stop.value.code is True
    assert len(seen) == 2
    assert gpu.PAGE.read_text(encoding="utf-8") == seen[1]
    for words in ("machine: H999", "driver: ", f"torch {torch.__version__}", "| ok |"):
        assert words in seen[1]


@needs_no_cuda
@pytest.mark.parametrize(
    "part", [p for p in gpu.on_cuda() if p.command.startswith("compare")], ids=str
)
def test_all_that_a_command_lacks_here_is_a_device(part):
    _, *words = shlex.split(part.command)
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert "finds no CUDA device" in " ".join(answer.output.split())


@pytest.mark.slow
@needs_no_cuda
def test_without_a_device_the_rehearsal_passes_and_writes_nothing(capsys):
    before = gpu.PAGE.read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        gpu.main()
    said = capsys.readouterr().out
    assert not stop.value.code, said
    assert said.endswith("no CUDA device: rehearsed on the CPU, nothing written\n")
    assert "torch_ref, eager" in said
    assert gpu.PAGE.read_text(encoding="utf-8") == before
