"""Every command that the README and its guides show is understood, and runs."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from compare.cli import app
from compare.templates import template

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/using.md")
SET_UP = ("python -m venv", ".venv/bin/python")
"""Commands that install: tests/test_package.py tests the wheel."""
FAIL = ("check my_loss.py", "--lr 3", "--hidden 2")
"""What exits with 1, as the pages say: an empty template, a run that diverges, a check
that fails."""
RUN_ID = "runs/or_gate/20260101-120000"


def shown() -> list[str]:
    """All commands in blocks of sh, comments cut off, each once."""
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    lines = [line.split("  #")[0].rstrip() for b in blocks for line in b.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


COMMANDS = [c for c in shown() if not c.startswith(("make ", *SET_UP))]
TARGETS = [c for c in shown() if c.startswith("make ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the commands name."""
    folder = tmp_path_factory.mktemp("user")
    adding = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", adding, re.M | re.S)
    lesson = next(block for block in blocks if "EXPERIMENT = " in block)
    (folder / "my_lesson.py").write_text(lesson, encoding="utf-8")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    rows = [f"{a:.3f},{b:.3f},{'yes' if a + b > 0 else 'no'}" for a, b in x]
    (folder / "data.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    return folder


def _environment() -> dict[str, str]:
    """`python` is this Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def _status(command: str) -> int:
    return int(any(words in command for words in FAIL))


def _cut_short(folder: Path) -> None:
    """Interrupt a run of or_gate, and give it the name that the README resumes."""
    command = "python -m compare run or_gate --steps 20000 --logdir cut"
    with subprocess.Popen(shlex.split(command), cwd=folder, env=_environment()) as run:
        deadline = time.monotonic() + 300
        while not [*folder.glob("cut/or_gate/*/checkpoint.npz")]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
    (made,) = folder.glob("cut/or_gate/*/")
    (folder / RUN_ID).parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder / RUN_ID)


def test_the_pages_show_commands():
    assert len(COMMANDS) > 10
    assert "make run" in TARGETS


@pytest.mark.parametrize("command", TARGETS)
def test_make_knows_the_target(command: str):
    if shutil.which("make") is None:
        pytest.skip("has no make")
    subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True
    )


def words_of(command: str) -> list[str]:
    """The words after `compare`; what goes to a file, or to torchrun, left out."""
    words = shlex.split(command.partition(">")[0])
    return words[words.index("compare") + 1 :]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_knows_every_word(command: str):
    name, *arguments = words_of(command)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    with commands[name].make_context(name, arguments) as context:
        assert not context.args


QUICK = [c for c in COMMANDS if re.search(r"list$|template|run (or_gate|my_lesson)", c)]


@pytest.mark.parametrize("command", QUICK)
def test_a_quick_command_succeeds(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    answer = CliRunner().invoke(app, words_of(command))
    assert answer.exit_code == _status(command), answer.output


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if "board" not in c])
def test_a_command_does_what_the_page_says(command: str, folder: Path):
    if "--resume" in command:
        _cut_short(folder)
    if "check my_loss.py" in command:  # another worker may have had its template
        (folder / "my_loss.py").write_text(template("MSELoss"), encoding="utf-8")
    if "--compile" in command and shutil.which("c++") is None:
        pytest.skip("has no C++ compiler")
    rounds = " --rounds 1" if " bench " in command else ""  # the default takes minutes
    done = subprocess.run(
        command + rounds,
        shell=True,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == _status(command), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if "board" in c])
def test_the_board_prints_its_link(command: str, folder: Path):
    (folder / "runs").mkdir(exist_ok=True)
    words = [*shlex.split(command), "--port", "0"]
    with subprocess.Popen(
        words, cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True
    ) as board:
        try:
            assert board.stdout is not None
            assert "http://127.0.0.1:" in board.stdout.readline()
        finally:
            board.terminate()


def test_the_tally_counts_what_there_is():
    """The counts; the differences depend on the machine."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import tally
    finally:
        sys.path.pop(0)
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    for what, count in tally.counted().items():
        assert f"| {what} | {count}" in said, "run `make docs`"


def test_the_pages_name_every_file_and_folder_of_the_three_packages():
    pages = [ROOT / name for name in ("README.md", "docs/architecture.md")]
    tree = "".join(page.read_text(encoding="utf-8") for page in pages)
    for package in ("handmade", "torch_ref", "compare"):
        for path in (ROOT / package).glob("*"):
            if path.suffix == ".py" and path.stem not in ("__init__", "__main__"):
                assert path.name in tree, path
            elif path.is_dir() and path.name != "__pycache__":
                assert f"{path.name}/" in tree, path
