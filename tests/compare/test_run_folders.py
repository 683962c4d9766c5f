"""Folders of runs that are damaged, foreign, read-only or not to be trusted."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from compare import checkpoint, registry, run_folder
from compare.cli import app
from compare.trainer import RunConfig, run

Write = Callable[..., str]
Cut = Callable[..., Path]


def call(*words: object) -> Result:
    command = [str(word) for word in words]
    return CliRunner().invoke(app, command, env={"COLUMNS": "300"})


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path, but the lock, which is empty."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def stop_at(number: int) -> Any:
    """Progress that is interrupted after a step."""

    def progress(steps: Iterator[Any], label: str, total: int) -> Iterator[Any]:
        for step in steps:
            yield step
            if step.number == number:
                raise KeyboardInterrupt

    return progress


@pytest.fixture
def cut(tmp_path: Path, own_lesson: Write, monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Makes the folder of a run that was interrupted after a step."""
    monkeypatch.setattr("compare.trainer.SAVE_SECONDS", 0)
    monkeypatch.setattr("compare.trainer.SAVE_SHARE", 0)

    def interrupted(lesson: str = "", last: int = 20, **config: Any) -> Path:
        name, source, experiment = registry.find(lesson or own_lesson("steps=40"))
        config = {"logdir": tmp_path / "runs", **config}
        with pytest.raises(KeyboardInterrupt):
            run(name, experiment, RunConfig(**config), stop_at(last), source=source)
        return max(config["logdir"].glob(f"{name}/*"), key=os.path.getctime)

    return interrupted


def source(folder: Path) -> str:
    return json.loads((folder / "summary.json").read_text())["source"].split("#")[0]


def resume(folder: Path, *words: str) -> Result:
    """`run --resume`, the lesson's file given again."""
    return call("run", *(words or [source(folder)]), "--resume", folder)


def refused(folder: Path) -> str:
    """What resuming says; it changes nothing."""
    before = contents(folder)
    answer = resume(folder)
    assert (answer.exit_code, type(answer.exception)) == (2, SystemExit), answer.output
    assert contents(folder) == before
    return answer.stderr


def change_summary(folder: Path, **news: Any) -> None:
    path = folder / "summary.json"
    summary = {**json.loads(path.read_text()), **news}
    path.write_text(json.dumps({k: v for k, v in summary.items() if v is not ...}))


# A checkpoint of another run

OTHERS = {
    "dtype": "float32",
    "array": "torch",
    "seed": 1,
    "steps": 30,
    "data": "other",
    "check_every": 7,
    "threads": 2,
    "fast": True,
    "watch": True,
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_made_with_another_option_is_refused(name: str, cut: Cut):
    folder = cut(own_lesson_with_other_data(cut) if name == "data" else "")
    change_summary(folder, **{name: OTHERS[name]})
    assert name in refused(folder)


def own_lesson_with_other_data(cut: Cut) -> str:
    """A lesson that can be run on data named "other" as well."""
    folder = cut()
    path = Path(source(folder))
    with path.open("a", encoding="utf-8") as file:
        file.write(
            "EXPERIMENT = dataclasses.replace(\n"
            "    EXPERIMENT, other_data={'other': lambda: EXPERIMENT}\n)\n"
        )
    return str(path)


def test_a_checkpoint_of_another_lesson_is_refused(cut: Cut, own_lesson: Write):
    mine, other = cut(last=30), cut(own_lesson("steps=41", "other"), last=10)
    saved = checkpoint.load(other / checkpoint.NAME)
    saved["sizes"] = dict.fromkeys(checkpoint.load(mine / checkpoint.NAME)["sizes"], 50)
    checkpoint.save(mine / checkpoint.NAME, saved)
    assert "lesson" in refused(mine)


def test_a_checkpoint_whose_state_does_not_fit_is_refused(cut: Cut):
    folder = cut()
    saved = checkpoint.load(folder / checkpoint.NAME)
    saved["trials"][0]["lockstep"]["handmade"] = {}
    checkpoint.save(folder / checkpoint.NAME, saved)
    assert checkpoint.NAME in refused(folder)


def test_a_checkpoint_of_other_versions_is_resumed_with_a_warning(cut: Cut):
    folder = cut()
    saved = checkpoint.load(folder / checkpoint.NAME)
    saved["run"]["versions"]["numpy"] = "1.0"
    checkpoint.save(folder / checkpoint.NAME, saved)
    answer = resume(folder)
    assert answer.exit_code == 0
    assert "numpy 1.0" in answer.output


def test_a_lesson_of_the_project_that_has_changed_is_refused(cut: Cut):
    folder = cut("or_gate")
    change_summary(folder, source="or_gate#0123456789abcdef")
    assert "or_gate has changed since the run started" in refused(folder)


# Damaged summaries

KEYS = [
    *("source", "array", "device", "dtype", "compile", "graph", "tf32", "status"),
    *("steps", "seed", "threads", "fast", "data", "ranks", "check_every"),
    "watch",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [..., None, [1], {"a": 1}, "odd", -1, 10**30])
def test_a_missing_or_mistyped_key_is_named(key: str, value: Any, cut_once: Path):
    kept = (cut_once / "summary.json").read_bytes()
    change_summary(cut_once, **{key: value})
    try:
        answer = resume_again(cut_once)
        assert answer.exit_code == 2
        assert key in answer.stderr or repr(value).strip("'") in answer.stderr
        assert "Error" not in answer.stderr
    finally:
        (cut_once / "summary.json").write_bytes(kept)


def resume_again(folder: Path) -> Result:
    return call("run", OWN_PATH.read_text(), "--resume", folder)


OWN_PATH = Path()


@pytest.fixture(scope="module")
def cut_once(
    tmp_path_factory: pytest.TempPathFactory, own_lesson: Write
) -> Iterator[Path]:
    """One interrupted run for many questions; none of them resumes it."""
    global OWN_PATH
    logdir, lesson = tmp_path_factory.mktemp("once"), own_lesson("steps=40")
    OWN_PATH = logdir / "path.txt"
    OWN_PATH.write_text(lesson)
    name, where, experiment = registry.find(lesson)
    with pytest.raises(KeyboardInterrupt):
        run(name, experiment, RunConfig(logdir=logdir), stop_at(9), source=where)
    folder = run_folder.newest(logdir)
    assert folder is not None
    before = contents(folder)
    yield folder
    assert contents(folder) == before


DAMAGED = {
    "empty": b"",
    "cut": b'{"lesson": "o',
    "list": b"[1, 2]",
    "number": b"3",
    "not UTF-8": b"\xff\xfe{}",
    "deep": b"[" * 100_000,
    "no status": b"{}",
    "status": b'{"status": ["finished"]}',
    "reason": b'{"status": "failed", "reason": 3}',
    "trials": b'{"status": "finished", "trials": 3}',
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=[*DAMAGED])
def test_a_damaged_summary_is_named_once_and_passed_over(
    text: bytes, cut_once: Path, tmp_path: Path
):
    bad = tmp_path / "own" / "99991231-000000"
    shutil.copytree(cut_once, tmp_path / "own" / "20000101-000000")
    shutil.copytree(cut_once, bad)
    (bad / "summary.json").write_bytes(text)
    listed = call("list", "--logdir", tmp_path)
    assert listed.exit_code == 0, listed.output
    assert listed.output.count("99991231-000000") == 1
    assert "interrupted" in listed.output
    said: list[str] = []
    assert run_folder.newest(tmp_path, skipped=said.append) == bad.with_name(
        "20000101-000000"
    )
    assert len(said) == 1
    assert str(bad) in said[0]
    answer = call("run", "--resume", bad)
    assert answer.exit_code == 2
    assert str(bad) in answer.stderr


# Cut short at any moment


def test_a_run_that_ends_before_its_first_step_can_be_resumed(
    tmp_path: Path, own_lesson: Write
):
    marker = tmp_path / "killed"
    stop = (
        f"data=lambda rng: stop_once({str(marker)!r}) or or_gate.EXPERIMENT.data(rng)"
    )
    lesson = own_lesson(f"steps=5, {stop}")
    path = Path(lesson)
    path.write_text(
        "import os, pathlib, signal\n"
        "def stop_once(name):\n"
        "    if not os.path.exists(name):\n"
        "        pathlib.Path(name).touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n" + path.read_text()
    )
    words = [sys.executable, "-m", "compare", "run", lesson, "--array", "numpy"]
    killed = subprocess.run(
        [*words, "--logdir", str(tmp_path / "runs")], capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    (folder,) = (tmp_path / "runs").glob("*/*")
    assert resume(folder).exit_code == 0
    assert len((folder / "curves.csv").read_text().splitlines()) == 6


def test_the_command_that_an_interrupted_run_prints_resumes_it(
    tmp_path: Path, own_lesson: Write
):
    marker = tmp_path / "stopped"
    stop = (
        "metrics={'m': lambda *_: 0. if __import__('pathlib').Path("
        f"{str(marker)!r}).exists() else (__import__('pathlib').Path({str(marker)!r})"
        ".touch(), __import__('signal').raise_signal(2))}"
    )
    lesson = own_lesson(f"steps=9, {stop}")
    answer = call("run", lesson, "--logdir", tmp_path / "my runs")
    assert answer.exit_code == 130
    advice = answer.stderr.rpartition("python -m compare ")[2].strip()
    assert call(*shlex.split(advice)).exit_code == 0, advice


def test_without_a_checkpoint_no_resuming_is_advised(tmp_path: Path, own_lesson: Write):
    remove = "__import__('pathlib').Path.unlink(next(__import__('pathlib').Path("
    remove += f"{str(tmp_path)!r}).rglob('checkpoint.npz')))"
    stop = (
        f"metrics={{'m': lambda *_: ({remove}, __import__('signal').raise_signal(2))}}"
    )
    answer = call("run", own_lesson(f"steps=9, {stop}"), "--logdir", tmp_path / "runs")
    assert answer.exit_code == 130
    assert "--resume" not in answer.stderr


# Folders from elsewhere


def test_a_lesson_file_runs_again_only_if_it_is_named_again(cut: Cut, tmp_path: Path):
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    folder = cut()
    for told in (f"{evil}#{registry._digest(evil)}", str(evil), "evil.py"):
        change_summary(folder, source=told)
        answer = call("run", "--resume", folder)
        assert answer.exit_code == 2
        assert str(folder) in answer.stderr
        assert not (tmp_path / "ran").exists()


def test_another_lesson_beside_a_resumed_run_is_refused(cut: Cut, own_lesson: Write):
    folder = cut()
    for other in ("or_gate", own_lesson("steps=40")):
        answer = resume(folder, other)
        assert answer.exit_code == 2
        assert source(folder) in answer.stderr


def test_a_lesson_of_the_project_need_not_be_named_again(cut: Cut):
    assert call("run", "--resume", cut("or_gate")).exit_code == 0
    assert call("run", "or_gate", "--resume", cut("or_gate")).exit_code == 0


LINKED = ["curves.csv", "summary.json.tmp", "checkpoint.npz.tmp", "curves.png"]


@pytest.mark.parametrize("name", LINKED)
def test_nothing_is_written_through_a_symbolic_link(
    name: str, cut: Cut, tmp_path: Path
):
    folder, precious = cut(), tmp_path / "precious"
    precious.write_bytes(b"x" * 10_000)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(precious)
    assert name in refused(folder)
    assert precious.read_bytes() == b"x" * 10_000


def test_a_folder_of_events_may_not_be_a_symbolic_link(cut: Cut, tmp_path: Path):
    folder = cut()
    shutil.move(folder / "compare", tmp_path / "elsewhere")
    (folder / "compare").symlink_to(tmp_path / "elsewhere")
    assert "compare" in refused(folder)


def test_a_checkpoint_cuts_only_files_of_its_folder(cut: Cut, tmp_path: Path):
    folder, precious = cut(), tmp_path / "precious"
    precious.write_bytes(b"x" * 10_000)
    saved = checkpoint.load(folder / checkpoint.NAME)
    saved["sizes"][os.path.relpath(precious, folder)] = 1
    checkpoint.save(folder / checkpoint.NAME, saved)
    assert "precious" in refused(folder)
    assert len(precious.read_bytes()) == 10_000


def test_a_draft_that_a_killed_run_left_does_not_hinder(cut: Cut):
    folder = cut()
    (folder / "checkpoint.npz.tmp").write_bytes(b"half")
    assert resume(folder).exit_code == 0
    assert not [*folder.glob("*.tmp")]


def test_reading_a_run_writes_nothing(cut: Cut):
    folder = cut()
    (folder / ".lock").unlink(missing_ok=True)
    assert run_folder.read_summary(folder)["status"] == "interrupted"
    change_summary(folder, status="running")
    assert run_folder.read_summary(folder)["status"] == "interrupted"
    assert not (folder / ".lock").exists()


def test_the_board_shows_a_folder_that_cannot_be_written_to(
    cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = cut()
    change_summary(folder, status="running")
    mount = ["mount", "--bind", "-o", "ro", str(folder.parents[1])]
    place = tmp_path / "read-only"
    place.mkdir()
    if not shutil.which("mount") or subprocess.run([*mount, str(place)]).returncode:
        pytest.skip("may not mount")
    try:
        assert call("list", "--logdir", place).exit_code == 0
        found = run_folder.newest(place)
        assert found == place / folder.parent.name / folder.name
        assert "own" in run_folder.link("http://h", found)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_killed_board_takes_its_tensorboard_along(
    cut: Cut, eventually: Callable[..., Any]
):
    logdir = cut().parents[1]
    words = [sys.executable, "-m", "compare", "board", "--port", "0", "--logdir"]
    with subprocess.Popen([*words, str(logdir)], stdout=subprocess.PIPE) as board:
        board.stdout.readline()
        children = children_of(board.pid)
        assert children
        board.kill()
        eventually(lambda: not any(map(alive, children)), 20)


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True
    )
    return [int(word) for word in listed.stdout.split()]


def alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_tensorboard_is_not_imported_from_the_current_folder(cut: Cut, tmp_path: Path):
    logdir = cut().parents[1]
    (tmp_path / "tensorboard.py").write_text("open('ran', 'w')")
    (tmp_path / "typing.py").write_text("open('ran', 'w')")
    code = f"from compare.tensorboard import Server\nServer({str(logdir)!r}).close()"
    code = code.replace("Server('", "Server(__import__('pathlib').Path('", 1).replace(
        "').close", "')).close"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
