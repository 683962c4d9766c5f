"""What is left, and what is said, when a run is cut short."""

import csv
import io
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from markdown import markdown
from PIL import Image
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner, Result

from compare import checkpoint
from compare.cli import _results, app
from compare.experiments.common import digits
from compare.logger import RunLogger
from compare.tensorboard import RUNS

Write = Callable[..., str]
LONG = "steps=10_000_000"
HOT = """
learners={"linear": backprop(
    model=lambda nn: nn.Linear(2, 1),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=1e30),
)}
"""


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def start(
    *words: object, before: tuple[str, ...] = (), **how: Any
) -> subprocess.Popen[str]:
    """The command line in a process of its own, started by the command `before`."""
    command = [*before, sys.executable, "-m", "compare", "run", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes | how)


def only_run(logdir: Path) -> Path:
    (folder,) = logdir.glob("*/*")
    return folder


def summary(folder: Path) -> dict[str, Any]:
    """The summary, read as strictly as JSON is defined: NaN is no number."""

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    return json.loads((folder / "summary.json").read_text(), parse_constant=refuse)


def csv_steps(folder: Path) -> list[int]:
    lines = (folder / "curves.csv").read_text(encoding="utf-8").splitlines()
    return [int(row["step"]) for row in csv.DictReader(lines)]


def logged_steps(folder: Path, side: str, tag: str = "loss/train") -> list[int]:
    events = EventAccumulator(str(folder / side), size_guidance={"scalars": 0})
    return [point.step for point in events.Reload().Scalars(tag)]


# Stopped from outside


@pytest.fixture
def long_run(
    tmp_path: Path, own_lesson: Write, eventually: Callable[..., Any]
) -> Iterator[subprocess.Popen[str]]:
    """A run without end that has taken 20 steps."""
    logdir = tmp_path / "runs"
    with start(own_lesson(LONG), "--logdir", logdir) as process:
        try:
            eventually(lambda: len(csv_steps(next(logdir.glob("*/*"), logdir))) > 20)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_stopped_run_keeps_everything_up_to_then(
    stop: signal.Signals, status: int, tmp_path: Path, long_run: subprocess.Popen[str]
):
    long_run.send_signal(stop)
    _, errors = long_run.communicate(timeout=300)
    folder = only_run(tmp_path / "runs")
    steps = csv_steps(folder)
    assert long_run.returncode == status
    assert "own: interrupted" in errors
    assert errors.endswith(f"/own.py --resume {folder}\n")
    assert "Traceback" not in errors
    assert summary(folder)["status"] == "interrupted"
    assert summary(folder)["ok"] is False
    assert steps == list(range(len(steps)))
    for side in RUNS:
        tag = "difference/loss_log10/train" if side == "compare" else "loss/train"
        logged = logged_steps(folder, side, tag)
        assert logged[: len(steps)] == steps
        assert len(logged) <= len(steps) + 1


@pytest.mark.slow
def test_a_killed_run_loses_no_point_that_is_older_than_a_second(
    tmp_path: Path, long_run: subprocess.Popen[str]
):
    time.sleep(1.5)
    killed = time.time()
    long_run.kill()
    long_run.communicate(timeout=300)
    folder = only_run(tmp_path / "runs")
    steps = csv_steps(folder)
    assert summary(folder)["status"] == "running"
    for side in ("handmade", "torch_ref"):
        events = EventAccumulator(str(folder / side), size_guidance={"scalars": 0})
        points = events.Reload().Scalars("loss/train")
        assert [p.step for p in points][: len(steps)] == steps
        assert len(points) <= len(steps) + 1  # A step's events come before its row.
        assert points[-1].wall_time > killed - 1


@pytest.mark.parametrize(("array", "begun"), [("numpy", ["first"]), ("auto", [])])
def test_an_interrupted_lesson_ends_all_of_them(
    tmp_path: Path, own_lesson: Write, array: str, begun: list[str]
):
    """With auto it is interrupted where its size is asked for, before it begins."""
    stop = "data=lambda rng: __import__('signal').raise_signal(2)"
    first, second = own_lesson(stop, "first"), own_lesson("steps=3", "second")
    logdir = tmp_path / "runs"
    answer = call("run", first, second, "--logdir", logdir, "--array", array)
    assert answer.exit_code == 130
    assert [p.parent.name for p in logdir.glob("*/*")] == begun


# Divergence


@pytest.fixture(scope="module")
def diverged(
    tmp_path_factory: pytest.TempPathFactory, own_lesson: Write
) -> tuple[Result, Path]:
    """A run whose learning rate is 1e30."""
    logdir = tmp_path_factory.mktemp("hot")
    return call("run", own_lesson(HOT), "--logdir", logdir), only_run(logdir)


def test_divergence_exits_1_and_names_step_and_tensor(diverged: tuple[Result, Path]):
    answer, folder = diverged
    assert answer.exit_code == 1
    assert summary(folder)["status"] == "diverged"
    assert re.match(
        r"step \d+: (loss|(gradient|parameter) \w+)( at .*)? is \S+ of handmade and ",
        summary(folder)["reason"],
    )


def test_divergence_is_said_to_the_user(diverged: tuple[Result, Path]):
    answer, folder = diverged
    assert summary(folder)["reason"] in " ".join(answer.stdout.split())


def test_divergence_keeps_what_was_logged(diverged: tuple[Result, Path]):
    _, folder = diverged
    last = int(summary(folder)["reason"].split()[1].rstrip(":"))
    assert last > 0
    assert csv_steps(folder) == list(range(last + 1))  # the last with its losses only
    for side in ("handmade", "torch_ref"):
        assert logged_steps(folder, side) == list(range(last + 1))


def test_a_number_that_json_lacks_is_written_as_a_word(
    tmp_path: Path, own_lesson: Write
):
    metric = "metrics={'odd': lambda *_: math.inf, 'none': lambda *_: math.nan}"
    call("run", own_lesson(f"steps=2, {metric}"), "--logdir", tmp_path / "runs")
    metrics = summary(only_run(tmp_path / "runs"))["metrics"]["handmade"]["train"]
    assert metrics == {"odd/train": "inf", "none/train": "nan"}


# Others at the same time


@pytest.mark.slow
def test_four_runs_at_once_never_share_a_folder(tmp_path: Path, own_lesson: Write):
    lesson, logdir = own_lesson("steps=5"), tmp_path / "runs"
    processes = [start(lesson, "--logdir", logdir) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    folders = list(logdir.glob("own/*"))
    assert len(folders) == 4
    for folder in folders:
        assert [len(list((folder / side).iterdir())) for side in RUNS] == [1, 1, 1]
        assert csv_steps(folder) == list(range(5))


def test_runs_in_one_second_get_folders_of_their_own(tmp_path: Path):
    records = [RunLogger.new(tmp_path, "own") for _ in range(5)]
    assert len({record.folder for record in records}) == 5
    for record in records:
        record.close()


# Nowhere to write to


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error_of_the_run(tmp_path: Path, own_lesson: Write):
    process = start(own_lesson("steps=5"), "--logdir", tmp_path / "runs")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=300)
    assert errors == ""
    assert summary(only_run(tmp_path / "runs"))["status"] == "finished"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_screen_is_reported(
    tmp_path: Path, own_lesson: Write, monkeypatch: pytest.MonkeyPatch
):
    with Path("/dev/full").open("wb", buffering=0) as full:
        screen = io.TextIOWrapper(full, write_through=True)
        monkeypatch.setattr(_results, "out", Console(file=screen))
        answer = call("run", own_lesson("steps=5"), "--logdir", tmp_path / "runs")
    assert answer.exit_code == 2
    assert answer.stderr == "error: [Errno 28] No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_device_is_no_log_folder(own_lesson: Write):
    answer = call("run", own_lesson("steps=5"), "--logdir", "/dev/full")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert "/dev/full" in answer.stderr


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_reported(tmp_path: Path, own_lesson: Write):
    # Not by preexec_fn: it forks this process, of which JAX, if loaded, warns.
    limit = ("sh", "-c", 'ulimit -f 40; exec "$@"', "sh")
    logdir = tmp_path / "runs"
    process = start(own_lesson(LONG), "--logdir", logdir, before=limit)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2
    assert errors.startswith(f"error: own, logged in {logdir}: ")
    assert errors.endswith("File too large\n")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("may not mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_reported(tiny_disk: Path, own_lesson: Write):
    answer = call("run", own_lesson(LONG), "--logdir", tiny_disk)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: own, logged in {tiny_disk}: ")
    assert "No space left on device" in answer.stderr
    assert summary(only_run(tiny_disk))["status"] in ("running", "failed")


VANISHES = {
    "while it trains": "metrics={{'gone': lambda *_: {remove}}}",
    "in a check": "claims={{'it ran': lambda side: ({remove} == 0, '')}}",
    "in a figure": "figures={{'f': lambda side: {remove} or curve(side)}}",
    "in a file": "files={{'f.txt': lambda *sides: {remove} or ''}}",
}


@pytest.mark.parametrize("changes", VANISHES.values(), ids=[*VANISHES])
def test_a_log_folder_that_vanishes_is_reported(
    changes: str, tmp_path: Path, own_lesson: Write
):
    logdir = tmp_path / "runs"
    remove = f"(shutil.rmtree({str(logdir)!r}, True) or 0)"
    lesson = own_lesson(f"steps=50, {changes.format(remove=remove)}")
    with_curve(lesson)
    answer = call("run", lesson, "--logdir", logdir)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: own, logged in {logdir}: ")
    assert "No such file or directory" in answer.stderr


def with_curve(lesson: str) -> None:
    """Give a lesson file a function that draws."""
    text = Path(lesson).read_text(encoding="utf-8")
    words = "from matplotlib.figure import Figure\ncurve = lambda side: Figure()\n"
    Path(lesson).write_text(words + text, encoding="utf-8")


FULL = {
    "a figure": "figures={'big': curve}",
    "a file": "files={'big.txt': lambda *sides: 'x' * 100_000}",
}


def require_no_trace(logdir: Path) -> None:
    """No draft, no empty file of events, no picture that cannot be opened."""
    assert not [*logdir.rglob("*.tmp")]
    assert all(path.stat().st_size for path in logdir.rglob("events.*"))
    for path in logdir.rglob("*.png"):
        Image.open(path).load()


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, 16, 60])
@pytest.mark.parametrize("changes", FULL.values(), ids=[*FULL])
def test_a_limit_is_blamed_and_leaves_no_cut_file(
    changes: str, blocks: int, tmp_path: Path, own_lesson: Write
):
    """`ulimit -f`, in blocks of 512 bytes."""
    lesson, logdir = own_lesson(f"steps=20, {changes}"), tmp_path / "runs"
    with_curve(lesson)
    limit = ("sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh")
    with start(lesson, "--logdir", logdir, before=limit) as process:
        _, errors = process.communicate(timeout=300)
    require_no_trace(logdir)
    if process.returncode:
        assert process.returncode == 2
        assert errors.startswith(f"error: own, logged in {logdir}: ")
        assert errors.endswith("File too large\n")
    else:
        assert blocks >= 40


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, 2, 3, 5, 10])
def test_a_full_disk_leaves_no_cut_file(free: int, tiny_disk: Path, own_lesson: Write):
    """`free` pages of 4 kB."""
    (tiny_disk / "ballast").write_bytes(b"x" * 4096 * (15 - free))
    lesson = own_lesson("steps=100, figures={'big': curve}")
    with_curve(lesson)
    answer = call("run", lesson, "--logdir", tiny_disk / "runs")
    assert (answer.exit_code, type(answer.exception)) == (2, SystemExit)
    assert "No space left on device" in answer.stderr
    assert "figure" not in answer.stderr
    require_no_trace(tiny_disk)


def test_a_file_of_events_stays_whole_on_a_full_disk(tiny_disk: Path):
    with RunLogger.new(tiny_disk, "own") as log:
        log.metrics("handmade", "train", 0, {"loss": 1.0})
        ballast = (tiny_disk / "ballast").open("wb", buffering=0)
        with ballast, suppress(OSError):
            while True:
                ballast.write(bytes(512))

        def log_without_end() -> None:
            for step in itertools.count(1):
                log.metrics("handmade", "train", step, {"loss": 1.0})

        with pytest.raises(OSError, match="No space"):
            log_without_end()
        (tiny_disk / "ballast").unlink()
        log.metrics("handmade", "train", 1000, {"loss": 1.0})
    logged = logged_steps(log.folder, "handmade", "loss")
    assert logged == [*range(len(logged) - 1), 1000]


# Exit codes


@pytest.mark.skipif(
    bool(os.environ.get("http_proxy") or os.environ.get("https_proxy")),
    reason="reaches a network through a proxy",
)
def test_data_that_cannot_be_fetched_are_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    asked = []

    def unreachable(*words: Any, **options: Any) -> None:
        asked.append(words)
        raise URLError("no route to host")

    monkeypatch.setattr(digits, "fetch_openml", unreachable)
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    answer = call("run", "digits_softmax", "--data", "mnist", "--logdir", tmp_path)
    assert answer.exit_code == 2
    assert len(asked) == 1
    assert answer.stderr.count("error: ") == 1
    assert answer.stderr.count("MNIST is not on this machine") == 1
    assert (answer.stderr + capfd.readouterr().err).count("fetching") <= 1
    assert not [*tmp_path.iterdir()]


def test_a_line_in_a_number_does_not_break_the_table(tmp_path: Path, own_lesson: Write):
    claims = "claims={'|x| < 1': lambda side: (True, '|0.5| a\\nb 0.7')}"
    call("run", own_lesson(f"steps=3, {claims}"), "--logdir", tmp_path / "runs")
    events = EventAccumulator(str(only_run(tmp_path / "runs") / "compare")).Reload()
    (event,) = events.Tensors("verdict")
    text = event.tensor_proto.string_val[0].decode()
    html = markdown(text, extensions=["tables"])  # as TensorBoard does
    assert "<td>|x| &lt; 1</td>\n<td>|0.5| a b 0.7</td>" in html


@pytest.mark.slow
def test_a_reader_that_leaves_changes_no_exit_code(tmp_path: Path, own_lesson: Write):
    for claims, status in (("True", 0), ("False", 1)):
        lesson = own_lesson(f"steps=5, claims={{'c': lambda s: ({claims}, '')}}")
        process = start(lesson, "--logdir", tmp_path / "runs")
        process.stdout.close()
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.wait(timeout=300) == status


def test_a_lesson_that_breaks_is_summed_up_as_failed(tmp_path: Path, own_lesson: Write):
    broken = "metrics={'broken': lambda *_: 1 / 0}"
    answer = call("run", own_lesson(broken), "--logdir", tmp_path / "runs")
    folder = only_run(tmp_path / "runs")
    assert answer.exit_code == 2
    assert re.search(
        r"ZeroDivisionError: division by zero \(.*, line \d+\)", answer.stderr
    )
    assert summary(folder)["status"] == "failed"
    assert summary(folder)["reason"] == "ZeroDivisionError: division by zero"
    assert os.listdir(folder / "handmade")


def test_a_check_that_fails_is_named_at_the_end(own_lesson: Write, tmp_path: Path):
    failing = own_lesson("claims={'it flies': lambda side: (False, '3 of 4')}")
    answer = call("run", failing, "--logdir", tmp_path)
    assert answer.exit_code == 1
    assert "own  fails: it flies (3 of 4)" in answer.stdout


# Killed at random moments

KILLS = 10
DROPOUT = """
learners={"net": backprop(
    model=lambda nn: nn.Sequential(nn.Linear(2, 8), nn.Dropout(), nn.Linear(8, 1)),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.Adam(parameters),
)}, start={}, seeds=2, steps=400, batch_size=2
"""


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_bit_identical(
    tmp_path: Path, own_lesson: Write
):
    """kill -9 and resume, ten times, at any moment between start and end."""
    lesson, rng = own_lesson(DROPOUT), random.Random(0)
    began = time.monotonic()
    with start(lesson, "--logdir", tmp_path / "whole") as process:
        assert process.wait(timeout=600) == 0
    whole, seconds = only_run(tmp_path / "whole"), time.monotonic() - began
    afresh = words = (lesson, "--logdir", tmp_path / "cut")
    kills = 0
    while kills < KILLS:
        with start(*words) as process:
            try:
                process.wait(rng.uniform(0.3, 1) * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            errors = process.communicate()[1]
        assert process.returncode in (0, -signal.SIGKILL), errors
        # Nothing is left of a run that was killed before it began.
        left = [path.parent for path in (tmp_path / "cut").glob("*/*/summary.json")]
        words = (lesson, "--resume", left[0]) if left else afresh
        if left and summary(left[0])["status"] == "finished":
            require_the_same(left[0], whole)
            shutil.rmtree(tmp_path / "cut")
            words = afresh
    with start(*words) as process:
        assert process.communicate()[1] == ""
    require_the_same(only_run(tmp_path / "cut"), whole)


def require_the_same(folder: Path, whole: Path) -> None:
    """What a run leaves that was killed is what it leaves if it is not."""
    assert summary(folder)["status"] == "finished"
    assert same_parts(folder) == same_parts(whole)
    for side in ("handmade", "torch_ref"):
        assert logged_steps(folder, side, "loss/seed 1") == [*range(400)]
    require_no_trace(folder)


def same_parts(folder: Path) -> tuple[bytes, dict[str, bytes], Any]:
    """What two runs of the same have in common, bit for bit.

    Adam's count of steps comes back as float64, which torch begins as float32.
    """
    with np.load(folder / checkpoint.NAME, allow_pickle=False) as file:
        names = [name for name in file.files if name.startswith("array_")]
        arrays = {name: file[name].astype(float).tobytes() for name in names}
    verdict = summary(folder)["verdict"]
    return (folder / "curves.csv").read_bytes(), arrays, verdict
