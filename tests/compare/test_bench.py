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

import torch_ref
from benchmarks import page, steps
from compare.backend import tf32_settings
from compare.bench import (
    IMPLEMENTATIONS,
    Disagreement,
    Implementation,
    Options,
    Row,
    bench,
    table,
    timing,
)
from compare.bench.implementations import learner_step
from compare.bench.memory import peak_memory
from compare.bench.timing import cuda_clock, interleaved
from compare.bench.workloads import WORKLOADS, TrainingStep, find
from compare.cli import app

CPU = IMPLEMENTATIONS["cpu"]
FLOAT64 = pytest.param("float64", marks=pytest.mark.slow)
EAGER = {name: CPU[name] for name in ("numpy", "torch", "torch_ref", "floor")}


class Clock:
    """Time that passes only when a step is taken."""

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


def test_every_step_has_a_turn_in_every_round():
    clock = Clock()
    names = {"a": 0.01, "b": 0.02, "c": 0.03}
    workers = {name: clock.worker(name, s) for name, s in names.items()}
    found = interleaved(workers, 4, clock)
    for name, seconds in names.items():
        assert found[name] == pytest.approx([seconds] * 4)
    turns = "".join(clock.log[-24:])  # each: a step that warms up, and one that counts
    assert turns == "aabbccbbccaaccaabbaabbcc"


def test_a_slow_round_does_not_change_the_speedup():
    row = Row(
        find("or"),
        {"torch_ref": np.array([4.0, 8.0, 4.0]), "numpy": np.array([1.0, 2.0, 1.0])},
    )
    assert row.speedups("numpy") == pytest.approx([4.0, 4.0, 4.0])
    assert row.quartiles("numpy") == pytest.approx((1.0, 1.0, 1.5))


@pytest.mark.parametrize(
    "name", ["or", "xor", "digits", "digits-128", "cnn", "names_gpt"]
)
@pytest.mark.parametrize("dtype", ["float32", FLOAT64])
def test_all_agree_before_they_are_timed(name: str, dtype: str):
    (row,) = bench([name], Options(dtype=dtype, rounds=1), EAGER)
    assert row.seconds.keys() == EAGER.keys()


def held_and_used(make):
    """A step that uses 2 MB for a moment, while 1 MB is held."""

    def prepare() -> TrainingStep:
        kept = make(1_000_000)
        return TrainingStep(lambda: float(make(2_000_000)[0]) * len(kept), dict)

    return prepare


@pytest.mark.parametrize(
    "make",
    [lambda size: np.zeros(size, np.uint8), lambda size: torch.zeros(size // 4)],
    ids=["numpy", "torch"],
)
def test_the_peak_is_what_is_held_and_what_a_step_uses(make):
    peak = peak_memory(held_and_used(make), "cpu")
    assert peak == pytest.approx(3_000_000, rel=0.01)


def test_what_only_the_preparation_uses_does_not_count():
    def prepare() -> TrainingStep:
        for make in (np.zeros, torch.zeros):
            make(5_000_000)
        return held_and_used(np.zeros)()

    assert peak_memory(prepare, "cpu") == pytest.approx(24_000_000, rel=0.01)


def test_memory_is_counted_of_all_that_is_not_compiled():
    implementations = {n: CPU[n] for n in (*EAGER, "compile")}
    implementations["compile"] = CPU["torch"]._replace(compiled=True)
    (row,) = bench(["784-128"], Options(rounds=1), implementations)
    assert row.peaks.keys() == {"numpy", "torch", "torch_ref"}
    weights, batch = 4 * (785 * 128 + 129 * 10), 4 * 64 * 784
    for peak in row.peaks.values():  # each weight has a gradient
        assert 2 * weights + batch < peak < 4 * weights + 2 * batch
    assert row.cells("torch")[3] == f"{row.peaks['torch'] / 1e3:,.0f}"
    assert row.cells("compile")[3] == "–"


@pytest.mark.slow
def test_the_command_leaves_compiled_steps_out(monkeypatch: pytest.MonkeyPatch):
    chosen = {**EAGER, "slow": CPU["torch"]._replace(title="slow", compiled=True)}
    monkeypatch.setitem(IMPLEMENTATIONS, "cpu", chosen)
    for words, count in ([], 1), (["--no-compiled"], 0):
        answer = CliRunner().invoke(app, ["bench", "or", "--rounds", "1", *words])
        assert answer.exit_code == 0
        assert answer.stdout.count("slow") == count


def wrong(factor=1.0, loss_factor=1.0, **options):
    """An implementation whose gradient, or loss, is wrong by a factor."""

    def prepare(workload, dtype):
        rate = workload.lr * factor
        step = learner_step(replace(workload, lr=rate), dtype, array="numpy", **options)
        return TrainingStep(lambda: step.take() * loss_factor, step.weights)

    return Implementation("wrong", prepare)


@pytest.mark.parametrize(
    ("wrong", "tensor"),
    [(wrong(factor=2), "the loss|0.weight"), (wrong(loss_factor=0.5), "the loss")],
)
@pytest.mark.parametrize("name", ["or", "digits-128", "784-128"])
def test_a_wrong_implementation_is_not_timed(name: str, wrong, tensor: str):
    implementations = {**EAGER, "wrong": wrong}
    with pytest.raises(Disagreement, match=f"wrong disagrees .*({tensor})"):
        list(bench([name], Options(rounds=1), implementations))


def test_the_command_times_nothing_that_disagrees(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(IMPLEMENTATIONS, "cpu", {**EAGER, "wrong": wrong(factor=2)})
    result = CliRunner().invoke(app, ["bench", "or", "--rounds", "1"])
    assert result.exit_code == 1
    assert "nothing was timed" in result.stderr
    assert result.stdout == ""


def test_the_command_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch):
    def prepare(*_):
        raise ModuleNotFoundError("no_such_package")

    other = Implementation("other", prepare)
    monkeypatch.setitem(IMPLEMENTATIONS, "cpu", {**EAGER, "other": other})
    result = CliRunner().invoke(app, ["bench", "or", "--rounds", "1"])
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if "other" in line)
    assert "not installed" in line


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["ore"], "did you mean or? (known: or, xor"),
        (["or_gat"], "did you mean or?"),
        (["qqqqq"], "'qqqqq' (known: or, xor"),
        (["8192-8192"], "'8192-8192' needs device cuda"),
        (["or", "--rounds", "0"], "at least 1"),
        (["or", "--threads", "0"], "at least 1"),
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
def rows(monkeypatch) -> list[Row]:
    shown = {name: CPU[name] for name in ("numpy", "jax", "torch_ref")}
    monkeypatch.setattr(steps, "KNOWN", shown)
    rng = np.random.default_rng(0)
    absent = {"jax": "not installed"}
    return [
        Row(
            workload,
            {name: 1e-4 + rng.random(5) * 1e-5 for name in ("numpy", "torch_ref")},
            absent,
        )
        for workload in WORKLOADS["cpu"].values()
    ]


def test_the_page_says_where_how_and_when_it_was_measured(rows: list[Row]):
    text = steps.markdown(rows, Options(rounds=5), date(2026, 1, 2))
    for words in (
        "2026-01-02",
        "threads 1, dtype float32, rounds 5, clock wall",
        "numpy 2",
        "torch 2",
        page.machine(),
    ):
        assert words in text
    lines = [line for line in text.splitlines() if line.startswith("| handmade, JAX")]
    assert lines == ["| handmade, JAX jit |" + " not installed |" * len(rows)] * 3


def test_page_and_figure_are_written_whole_or_not_at_all(
    rows: list[Row], tmp_path, monkeypatch: pytest.MonkeyPatch
):
    steps.write(tmp_path, rows, Options())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {"benchmarks.md", "benchmarks.png"}

    def full(*_) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(page.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        steps.write(tmp_path, rows[:2], Options(threads=2))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_table_fits_80_columns_and_says_why_a_library_is_absent():
    absent = {"sklearn": "no convolutions", "micrograd": "one neuron only"}
    absent |= dict.fromkeys(("jax", "JAX"), "not installed")
    seconds = {name: np.full(3, 0.123456) for name in CPU if name not in absent}
    console = Console(width=80, file=io.StringIO())
    console.print(table(Row(find("784-512-256"), seconds, absent), CPU))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2 + len(CPU)  # none was wrapped
    assert any(line.strip() == "micrograd: one neuron only" for line in lines)
    assert sum("123456 – 123456" in line for line in lines) == len(seconds)


def prepared(name: str, **options):
    return learner_step(find(name), "float32", library=torch_ref, **options)


def test_torch_compile_gets_a_step_without_the_profilers_hook(monkeypatch):
    def entered(*_):
        raise AssertionError("the profiler was called")

    compiled = prepared("or", compiler="torch.compile")
    with monkeypatch.context() as patch, torch.compiler.set_stance("force_eager"):
        patch.setattr(torch.autograd.profiler, "record_function", entered)
        losses = [compiled.take() for _ in range(3)]
    plain = prepared("or")
    assert losses == [plain.take() for _ in range(3)]


def test_workloads_count_the_products_of_a_step():
    assert find("or").products == [(4, 2, 1), (1, 4, 2)]
    assert find("digits-128").multiply_adds == 64 * (2 * 64 * 128 + 3 * 128 * 10)
    tokens, e = 32 * 12, 16
    block = 12 * e * e + 2 * 12 * e  # weights, and attention to 12 letters
    assert find("names_gpt").multiply_adds == 3 * tokens * (block + 27 * e)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_torch_compile_makes_a_step_for_the_shapes_of_each_workload(monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    limits = {"recompile_limit": 2, "fail_on_recompile_limit_hit": True}
    with torch._dynamo.config.patch(**limits):
        for name in ("or", "xor", "digits", "digits-128"):
            compiled = prepared(name, compiler="torch.compile")
            assert all(compiled.take() > 0 for _ in range(3))


# On a CUDA device, real or simulated


def on_cpu(implementation: Implementation, **options) -> Implementation:
    """The same implementation for CUDA, with its arrays on the CPU."""
    make = implementation.prepare
    if make.func is learner_step:
        options["compiler"] = ""
    return implementation._replace(prepare=partial(make, device="cpu", **options))


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch):
    """Implementations for CUDA on the CPU; a clock that advances by half a second."""
    readings: list[float] = []

    def clock():
        readings.append(len(readings) / 2)
        return readings[-1]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(timing, "cuda_clock", lambda: clock)
    held = iter(range(0, 10**6, 1000))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: next(held))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: next(held))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: next(held))
    implementations = {n: on_cpu(i) for n, i in IMPLEMENTATIONS["cuda"].items()}
    monkeypatch.setitem(IMPLEMENTATIONS, "cuda", implementations)
    return readings


def test_the_clock_of_a_device_is_exact_however_long_it_has_run(monkeypatch):
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
    now = cuda_clock()
    now()
    assert -now() + now() == pytest.approx(1e-5, rel=1e-3)


def test_on_a_device_its_own_clock_counts(simulated):
    (row,) = bench(["or"], Options(device="cuda", rounds=2))
    assert row.seconds.keys() == IMPLEMENTATIONS["cuda"].keys()
    assert row.peaks == dict.fromkeys(("torch", "graph", "torch_ref"), 2000)
    # A step of half a second fills its turn: one step, two readings.
    assert all((s == 0.5).all() for s in row.seconds.values())
    assert len(simulated) > 2 * 2 * len(row.seconds)


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [False, True])
def test_tf32_is_set_while_measuring_and_the_page_says_so(simulated, allowed: bool):
    def now():
        return [getattr(owner, name) for owner, name in tf32_settings()]

    seen = []

    def watching(*given):
        step = IMPLEMENTATIONS["cuda"]["torch"].prepare(*given)
        return TrainingStep(lambda: seen.append(now()) or step.take(), step.weights)

    before = now()
    implementations = dict(IMPLEMENTATIONS["cuda"])
    implementations["watching"] = Implementation("watching", watching)
    how = Options(device="cuda", tf32=allowed, rounds=1)
    list(bench(["or"], how, implementations))
    names = [name for _, name in tf32_settings()]
    words = "tf32" if allowed else "ieee"
    assert seen
    for values in seen:
        want = [allowed if name == "allow_tf32" else words for name in names]
        assert values == want
    assert now() == before
    assert f"tf32 {'on' if allowed else 'off'}" in str(how)
    assert "clock events" in str(how)


def test_cuda_has_one_more_workload_and_no_cpu_clock(simulated):
    assert set(WORKLOADS["cuda"]) - set(WORKLOADS["cpu"]) == {"8192-8192"}
    assert WORKLOADS["cuda"]["8192-8192"].multiply_adds == 8192**3 * (2 + 3)
    with pytest.raises(ValueError, match="needs threads 1 and device cpu"):
        Options(device="cuda", clock="cpu")


def test_tf32_excuses_coarse_products_but_no_wrong_gradient(simulated):
    implementations = {**IMPLEMENTATIONS["cuda"], "wrong": wrong(factor=2)}
    how = Options(device="cuda", tf32=True, rounds=1)
    with pytest.raises(Disagreement, match="wrong disagrees"):
        list(bench(["digits-128"], how, implementations))


def test_without_a_device_cuda_is_a_usage_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(app, ["bench", "or", "--device", "cuda"])
    assert result.exit_code == 2
    assert "finds no CUDA device" in result.stderr


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("tf32", [False, True])
def test_a_workload_is_measured_on_a_device(tf32: bool):
    (row,) = bench(["digits-128"], Options(device="cuda", rounds=3, tf32=tf32))
    assert row.seconds.keys() == IMPLEMENTATIONS["cuda"].keys()
    assert all((s > 0).all() for s in row.seconds.values())
    assert row.quartiles("floor")[1] < row.quartiles("torch")[1]
    weights = 4 * (64 * 128 + 128 + 128 * 10 + 10)
    assert all(peak > 2 * weights for peak in row.peaks.values())
