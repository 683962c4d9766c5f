"""The bench: fair rounds, nothing timed that disagrees, and an honest page."""

import io
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import handmade
from compare import bench as bench_module
from compare import cuda
from compare.bench import (
    COLUMNS,
    CUDA_COLUMNS,
    Column,
    Disagreement,
    How,
    Row,
    bench,
    on_cuda,
    paper,
    report,
)
from compare.bench import contestants as by
from compare.bench.timing import interleaved
from compare.bench.workloads import CUDA_WORKS, WORKS, work
from compare.cli import app

EAGER = {name: COLUMNS[name] for name in ("numpy", "torch", "torch_ref", "floor")}


def start_of(name):
    """The weights that a work begins with."""
    drawn = work(name).learner(handmade).parameters()
    return {name: array.astype("float32") for name, array in drawn.items()}


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def __call__(self) -> float:
        return self.now

    def worker(self, name: str, seconds: float):
        def step() -> None:
            self.now += seconds
            self.log.append(name)

        return step


def test_everyone_has_a_turn_in_every_round():
    clock = Clock()
    names = {"a": 0.01, "b": 0.02, "c": 0.03}
    steps = {name: clock.worker(name, s) for name, s in names.items()}
    found = interleaved(steps, 4, clock)
    for name, seconds in names.items():
        assert found[name] == pytest.approx([seconds] * 4)
    turns = "".join(clock.log[-24:])  # each: a step that warms up, and one that counts
    assert turns == "aabbccbbccaaccaabbaabbcc"


def test_a_slow_round_is_slow_for_all_and_leaves_the_ratio_alone():
    row = Row(
        work("or"),
        {"torch_ref": np.array([4.0, 8.0, 4.0]), "numpy": np.array([1.0, 2.0, 1.0])},
    )
    assert row.speedups("numpy") == pytest.approx([4.0, 4.0, 4.0])
    assert row.quartiles("numpy") == pytest.approx((1.0, 1.0, 1.5))


@pytest.mark.parametrize("name", ["or", "xor", "digits", "digits-128", "cnn"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hand_and_autograd_agree_before_they_are_timed(name: str, dtype: str):
    (row,) = bench([name], How(dtype=dtype, rounds=1), EAGER)
    assert row.seconds.keys() == EAGER.keys()


class Doubled(by.OnNumpy):
    """A gradient that is twice as large as it should be."""

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.learner.optimizer.param_groups[0]["lr"] *= 2


class WrongLoss(by.OnNumpy):
    """A loss with a factor ½."""

    def step(self) -> float:
        return super().step() / 2


@pytest.mark.parametrize(
    ("wrong", "tensor"), [(Doubled, "the loss|0.weight"), (WrongLoss, "the loss")]
)
@pytest.mark.parametrize("name", ["or", "digits-128", "784-128"])
def test_a_bench_of_things_that_disagree_is_refused(name: str, wrong, tensor: str):
    columns = {**EAGER, "wrong": Column("wrong", wrong)}
    with pytest.raises(Disagreement, match=f"wrong disagrees .*({tensor})"):
        list(bench([name], How(rounds=1), columns))


def test_the_command_times_nothing_that_disagrees(monkeypatch: pytest.MonkeyPatch):
    columns = {**EAGER, "wrong": Column("wrong", Doubled)}
    monkeypatch.setattr(bench_module, "COLUMNS", columns)
    result = CliRunner().invoke(app, ["bench", "or", "--rounds", "1"])
    assert result.exit_code == 1
    assert "nothing was timed" in result.stderr
    assert result.stdout == ""


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch):
    other = replace(EAGER["numpy"], title="other", needs="no_such_package")
    monkeypatch.setattr(bench_module, "COLUMNS", {**EAGER, "other": other})
    result = CliRunner().invoke(app, ["bench", "or", "--rounds", "1"])
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if "other" in line)
    assert "not installed" in line


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["ore"], "no work 'ore' to bench; did you mean or? (known: or, xor"),
        (["or_gat"], "did you mean or?"),
        (["qqqqq"], "no work 'qqqqq' to bench (known: or, xor"),
        (["8192-8192"], "the work '8192-8192' needs device cuda"),
        (["or", "--rounds", "0"], "at least 1"),
        (["or", "--threads", "0"], "at least 1"),
        (["or", "--write"], "name none"),
        (["or", "--scaling"], "works of its own"),
        (["--scaling", "--device", "cuda"], "works of its own, on the cpu"),
        (["or", "--clock", "cpu", "--threads", "2"], "needs threads 1"),
        (["or", "--clock", "sun"], "'sun' is not one of 'wall', 'cpu'"),
        (["or", "--tf32"], "tf32 needs device cuda, got cpu"),
        (["or", "--dtype", "bfloat16"], "'bfloat16' is not one of 'float32'"),
    ],
)
def test_a_request_without_sense_is_a_usage_error(words: list[str], complaint: str):
    result = CliRunner().invoke(app, ["bench", *words])
    assert result.exit_code == 2
    assert complaint in result.stderr


@pytest.fixture
def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    columns = ("numpy", "torch_ref")
    absent = {"jax": "not installed"}
    return [
        Row(one, {name: 1e-4 + rng.random(5) * 1e-5 for name in columns}, absent)
        for one in WORKS.values()
    ]


SHOWN = {name: COLUMNS[name] for name in ("numpy", "jax", "torch_ref")}


def test_the_page_says_where_how_and_when_it_was_measured(rows: list[Row]):
    text = report.page(rows, SHOWN, How(rounds=5), date(2026, 1, 2))
    said = "threads 1, dtype float32, rounds 5, clock wall"
    for words in ("2026-01-02", said, "numpy 2", "torch 2"):
        assert words in text
    assert paper.machine() in text
    lines = [line for line in text.splitlines() if line.startswith("| handmade, JAX")]
    assert lines == ["| handmade, JAX jit |" + " not installed |" * len(WORKS)] * 2


def test_page_and_picture_are_written_whole_or_not_at_all(
    rows: list[Row], tmp_path, monkeypatch: pytest.MonkeyPatch
):
    page = report.write(tmp_path, rows, SHOWN, How())
    before = page.read_bytes()
    both = {report.PAGE, report.PAGE.replace(".md", ".png")}
    assert {p.name for p in tmp_path.iterdir()} == both

    def full(*_) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(paper.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        report.write(tmp_path, rows[:2], SHOWN, How(threads=2))
    assert page.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == both


def test_the_table_fits_80_columns_and_says_why_somebody_is_absent():
    columns = {name: np.full(3, 0.123456) for name in COLUMNS}
    absent = {"sklearn": "no convolutions", "micrograd": "one neuron only"}
    absent |= dict.fromkeys(("jax", "JAX"), "not installed")
    shown = {n: s for n, s in columns.items() if n not in absent}
    console = Console(width=80, file=io.StringIO())
    console.print(report.table([Row(work("784-512-256"), shown, absent)], COLUMNS))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2 + len(COLUMNS)  # none was broken in two
    assert any(line.strip() == "micrograd: one neuron only" for line in lines)
    assert sum("123456 – 123456" in line for line in lines) == len(COLUMNS) - 4


def test_torchs_compiler_gets_a_step_without_its_profiler(
    monkeypatch: pytest.MonkeyPatch,
):
    def entered(*_):
        raise AssertionError("the profiler was asked for")

    one, start = work("or"), start_of("or")
    contestant = by.TorchCompiled(one, start, "float32")
    monkeypatch.setattr(torch.autograd.profiler, "record_function", entered)
    with torch.compiler.set_stance("force_eager"):
        losses = [contestant.step() for _ in range(3)]
    plain = by.TorchRef(one, start, "float32")
    monkeypatch.undo()
    assert losses == [plain.step() for _ in range(3)]


def test_works_count_the_products_that_no_step_can_do_without():
    assert work("or").products == ((4, 2, 1), (1, 4, 2))
    assert work("digits-128").multiply_adds == 64 * (2 * 64 * 128 + 3 * 128 * 10)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_torchs_compiler_makes_a_step_for_each_works_own_shapes(monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    limits = {"recompile_limit": 2, "fail_on_recompile_limit_hit": True}
    with torch._dynamo.config.patch(**limits):
        for name in ("or", "xor", "digits", "digits-128"):
            compiled = by.TorchCompiled(work(name), start_of(name), "float32")
            assert all(compiled.step() > 0 for _ in range(3))


# On a device, or as if


def events(log: list[float]):
    """A clock of the device that says when it was asked: half a second each."""

    def now() -> float:
        log.append(len(log) / 2)
        return log[-1]

    return now


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch):
    """A device whose arrays lie on the CPU, and whose graphs are not recorded."""
    log: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "clock", lambda: events(log))
    for kind in (on_cuda.OnCuda, on_cuda.TorchRef, on_cuda.Floor):
        monkeypatch.setattr(kind, "device", "cpu")
    monkeypatch.setattr(on_cuda.ByGraph, "__init__", on_cuda.OnCuda.__init__)
    return log


def test_a_devices_clock_tells_short_times_however_long_it_has_run(monkeypatch):
    moments = iter([0.0, 1000.0, 1000.0 + 1e-5])

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing

        def record(self) -> None:
            self.at = next(moments)

        def synchronize(self) -> None:
            pass

        def elapsed_time(self, later: "Event") -> float:
            return float(np.float32((later.at - self.at) * 1e3))  # as CUDA's own

    monkeypatch.setattr(torch.cuda, "Event", Event)
    now = cuda.clock()
    assert -now() + now() == pytest.approx(1e-5, rel=1e-3)


def test_on_a_device_its_own_clock_counts_and_not_the_hosts(pretended):
    (row,) = bench(["or"], How(device="cuda", rounds=2))
    assert row.seconds.keys() == CUDA_COLUMNS.keys()
    # A step of half a second at least fills its turn: one step, two looks.
    assert all((s == 0.5).all() for s in row.seconds.values())
    assert len(pretended) > 2 * 2 * len(CUDA_COLUMNS)


@pytest.mark.parametrize("allowed", [False, True])
def test_tf32_holds_while_it_is_measured_and_the_page_says_so(
    pretended, monkeypatch: pytest.MonkeyPatch, allowed: bool
):
    def now():
        return [getattr(place, name) for place, name in cuda._switches()]

    seen = []

    class Watching(on_cuda.OnCuda):
        def step(self) -> float:
            seen.append(now())
            return super().step()

    before = now()
    columns = {**CUDA_COLUMNS, "torch": Column("watching", Watching)}
    how = How(device="cuda", tf32=allowed, rounds=1)
    list(bench(["or"], how, columns))
    want = [cuda._position(name, allowed) for _, name in cuda._switches()]
    assert seen
    assert all(found == want for found in seen)
    assert now() == before
    assert how.words()["tf32"] == ("on" if allowed else "off")
    assert how.words()["clock"] == "events"


def test_a_device_has_one_work_more_and_no_time_of_the_processor(pretended):
    assert set(CUDA_WORKS) - set(WORKS) == {"8192-8192"}
    by_hand = 8192**3 * (2 + 3)
    assert CUDA_WORKS["8192-8192"].multiply_adds == by_hand
    with pytest.raises(ValueError, match="needs threads 1 and device cpu"):
        How(device="cuda", clock="cpu")


def test_coarse_products_are_let_pass_but_no_wrong_gradient(pretended):
    how = How(device="cuda", tf32=True, rounds=1)
    columns = {**CUDA_COLUMNS, "wrong": Column("wrong", Doubled)}
    with pytest.raises(Disagreement, match="wrong disagrees"):
        list(bench(["digits-128"], how, columns))


def test_without_a_device_none_is_made_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(app, ["bench", "or", "--device", "cuda"])
    assert result.exit_code == 2
    assert "finds no CUDA device" in result.stderr


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("tf32", [False, True])
def test_a_work_is_measured_on_a_device(tf32: bool):
    (row,) = bench(["digits-128"], How(device="cuda", rounds=3, tf32=tf32))
    assert row.seconds.keys() == CUDA_COLUMNS.keys()
    assert all((s > 0).all() for s in row.seconds.values())
    assert row.quartiles("floor")[1] < row.quartiles("torch")[1]
