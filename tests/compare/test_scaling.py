"""How a step grows: the theory counted by hand, the fit on known laws, the page."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from rich.console import Console

import handmade
from benchmarks import page, scaling, scaling_report
from benchmarks.power_law import crossing, fitted, last_decade
from benchmarks.scaling import COMPARED, SWEEPS, Peak, Scaled
from compare.bench import Disagreement, Options, Row, measure
from compare.bench.workloads import TrainingStep

TINY = {
    name: replace(sweep, sizes=sizes)
    for (name, sweep), sizes in zip(
        SWEEPS.items(), [(2, 4, 8), (1, 2, 4), (1, 4, 8)], strict=True
    )
}
PEAKS = {"NumPy": Peak(1e9, 64), "torch": Peak(2e9, 32)}


def scaled(name: str = "batch", c: float = 3e-6, k: float = 1.5) -> Scaled:
    """A sweep with synthetic times: c · nᵏ, NumPy's half of that below 100."""
    rows = []
    for n in SWEEPS[name].sizes:
        seconds = dict.fromkeys(("torch", "torch_ref"), np.full(3, c * n**k))
        seconds["numpy"] = seconds["torch"] * (0.5 if n < 100 else 1.5)
        rows.append(Row(SWEEPS[name].workload(n), seconds))
    return Scaled(SWEEPS[name], rows)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_the_fit_finds_the_exponent_of_a_power_law(exponent: float):
    sizes = np.array([1.0, 10, 100, 300, 1000])
    found = fitted(sizes, 7e-6 * sizes**exponent)
    assert found.exponent == pytest.approx(exponent, abs=1e-12)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_the_fit_looks_at_the_last_decade_alone():
    sizes = np.array([1.0, 10, 99, 100, 300, 1000])
    times = np.where(sizes < 100, 1.0, 1e-6 * sizes**2)
    assert last_decade(sizes).tolist() == [False] * 3 + [True] * 3
    assert fitted(sizes, times).exponent == pytest.approx(2)


def test_the_error_of_the_exponent_is_how_far_it_scatters():
    rng = np.random.default_rng(0)
    sizes = np.geomspace(10, 100, 40)
    found = [fitted(sizes, sizes * np.exp(rng.normal(0, 0.1, 40))) for _ in range(200)]
    spread = np.std([power.exponent for power in found])
    assert np.mean([power.error for power in found]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(
    ("sizes", "times", "complaint"),
    [
        ([1, 10, 100], [1, 2, 3], "needs 3 sizes in the last decade, got 2"),
        ([1, 2, 3], [1, 0, 3], "above 0"),
        ([0, 2, 3], [1, 1, 3], "above 0"),
    ],
)
def test_a_fit_needs_three_positive_points(sizes, times, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        fitted(np.array(sizes, float), np.array(times, float))


def test_the_crossing_is_where_both_take_as_long():
    amounts = np.array([1.0, 100, 10_000])
    leader = amounts**1.0
    assert crossing(amounts, leader, 10 * amounts**0.5) == pytest.approx(100)
    assert crossing(amounts, leader, 100 * amounts**0.5) == pytest.approx(1e4)
    assert crossing(amounts, leader, 31.6227766 * amounts**0.5) == pytest.approx(1e3)
    assert crossing(amounts, leader, 2 * leader) is None
    assert crossing(amounts, leader, leader / 2) == 1


@pytest.mark.parametrize(
    ("name", "n", "by_hand"),
    [  # of each layer 3 · N · in · out, less the first one's gradient by the data
        ("width", 16, 64 * (2 * 64 * 16 + 3 * 16 * 16 + 3 * 16 * 10)),
        ("depth", 1, 32 * 2 * 32 * 10),
        ("depth", 3, 32 * (2 * 32 * 32 + 3 * 32 * 32 + 3 * 32 * 10)),
        ("batch", 7, 7 * (2 * 784 * 128 + 3 * 128 * 10)),
    ],
)
def test_the_theory_is_what_is_counted_by_hand(name: str, n: int, by_hand: int):
    one = Scaled(SWEEPS[name], [Row(SWEEPS[name].workload(n), {})])
    assert one.flops.tolist() == [2 * by_hand]


@pytest.mark.parametrize(("name", "theory"), [("width", 2), ("depth", 1), ("batch", 1)])
def test_every_sweep_has_three_decades_of_work_and_the_exponent_of_theory(name, theory):
    found = scaled(name)
    assert found.flops[-1] / found.flops[0] > 1000
    assert found.sizes[-1] / found.sizes[0] >= 1000
    assert found.theory == pytest.approx(theory, abs=0.05)
    assert found.exponent("torch").exponent == pytest.approx(1.5)


def test_the_share_of_the_peak_is_the_works_flops_by_time():
    found = scaled("batch", c=1e-3, k=1)
    want = 2 * (2 * 784 * 128 + 3 * 128 * 10) / 1e-3 / 1e9
    np.testing.assert_allclose(found.shares("torch", 1e9), want)


def test_torch_catches_up_where_the_times_cross():
    found = scaled()
    works = [row.workload for row in found.rows]
    mean = [work.multiply_adds / len(work.products) for work in works]
    at = list(found.sizes)
    assert found.crossing is not None
    assert mean[at.index(64)] < found.crossing < mean[at.index(256)]


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_the_smallest_and_deep_workloads_agree_before_they_are_timed(name: str):
    sizes = (SWEEPS[name].sizes[0], 100)
    for n in sizes:
        row = measure(SWEEPS[name].workload(n), Options(rounds=1), COMPARED)
        assert row.seconds.keys() == COMPARED.keys()


def test_the_signal_of_a_thousand_layers_neither_vanishes_nor_explodes():
    work = SWEEPS["depth"].workload(1000)
    handmade.manual_seed(0)
    learner = work.learner(handmade).to(np.zeros(1))
    x, target = work.batch()
    assert 0.1 < learner.step(x, target) < 10
    norms = [float(np.abs(g).max()) for g in learner.gradients().values()]
    assert 1e-6 < min(norms) < max(norms) < 1e3


def test_a_sweep_that_disagrees_is_refused(monkeypatch: pytest.MonkeyPatch):
    def doubled(*given) -> TrainingStep:
        step = COMPARED["torch"].prepare(*given)
        return TrainingStep(lambda: 2 * step.take(), step.weights)

    monkeypatch.setitem(COMPARED, "numpy", COMPARED["numpy"]._replace(prepare=doubled))
    with pytest.raises(Disagreement, match="nothing was timed"):
        list(scaling.scaling(Options(rounds=1), TINY))


@pytest.mark.slow
def test_the_command_measures_prints_and_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scaling.scaling, "__defaults__", (TINY,))
    monkeypatch.setattr(scaling.peaks, "__defaults__", ((16, 32),))
    monkeypatch.setattr(page, "DOCS", tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    scaling.main(rounds=1, dtype="float64", write=True)
    printed = capsys.readouterr().out
    for words in ("fastest product", "width: 64-n-n-10", "the FLOPs with"):
        assert words in printed
    stem = scaling_report.PAGE.removesuffix(".md")
    assert {p.name for p in tmp_path.iterdir()} == {f"{stem}.md", f"{stem}.png"}
    text = (tmp_path / f"{stem}.md").read_text(encoding="utf-8")
    assert "threads 1, dtype float64, rounds 1, clock wall" in text


def test_the_page_has_every_number_and_how_it_was_fitted():
    found = [scaled(name) for name in SWEEPS]
    text = scaling_report.markdown(found, PEAKS, Options(rounds=5), date(2026, 1, 2))
    for words in ("2026-01-02", "NumPy 1.0 GFLOP/s (n = 64)", "numpy 2", "rounds 5"):
        assert words in text
    assert "batch, fitted from 2048 to 16384" in text
    assert "torch 1.50 ± 0.00" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == sum(len(s.sizes) + 1 for s in SWEEPS.values())
    flops = scaled().flops[0] / (3e-6 * 2e9)  # of the faster library's peak
    assert f"{flops:.1%}" in text
    assert math.isfinite(flops)


def test_the_table_fits_80_columns():
    for name in SWEEPS:
        table = scaling_report.table(scaled(name, c=1e-4, k=1), PEAKS)
        assert Console(width=500).measure(table).maximum <= 80


def test_the_figure_has_two_panels_a_sweep_and_letters_that_can_be_read():
    figure = scaling_report.figure([scaled(name) for name in SWEEPS], PEAKS)
    assert len(figure.axes) == 2 * len(SWEEPS)
    for ax in figure.axes:
        ticks = ax.get_xticklabels() + ax.get_yticklabels()
        assert all(text.get_fontsize() >= 12 for text in ticks)
    times = figure.axes[0].get_lines()
    assert len(times) == len(COMPARED) + 1
