"""Figures: what each of them shows, that it can be read, and nothing is cut off."""

import io
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from compare import plots, registry
from compare.experiments.common import gates
from compare.results import Side, Trial
from compare.trainer import RunConfig, run

MOST_ENTRIES = 8
QUICK = ("or_gate", "xor_linear")
LESSONS = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in registry.names()
]


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures of runs, as they are written."""
    kept, original = [], plots.png

    def png(figure):
        kept.append(figure)
        images = original(figure)
        FigureCanvasAgg(figure).draw()  # the places of its texts
        return images

    monkeypatch.setattr(plots, "png", png)
    return kept


def legend_entries(figure: Figure) -> int:
    own = [ax.get_legend() for ax in figure.axes]
    legends = [*figure.legends, *(one for one in own if one is not None)]
    return sum(len(legend.get_texts()) for legend in legends)


def drawn_ticks(axis) -> list:
    """Where the tick labels of an axis stand, those that are drawn."""
    low, high = sorted(axis.get_view_interval())
    ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    labels = [t.label1 for t in ticks if t.label1.get_visible()]
    return [t.get_window_extent() for t in labels if t.get_text()]


@pytest.mark.parametrize("name", LESSONS)
def test_every_figure_of_a_lesson_can_be_read(name, figures, tmp_path):
    lesson, experiment = registry.load(name)
    folder = run(lesson, experiment, RunConfig(logdir=tmp_path, fast=True)).folder
    names = {path.stem for path in folder.glob("*.png")}
    assert names == {"curves", "difference", *experiment.figures}
    assert len(figures) == len(names)
    for figure in figures:
        assert figure.get_suptitle().startswith(f"{name} · ")
        assert legend_entries(figure) <= MOST_ENTRIES
        for ax in figure.axes:
            if ax.lines and ax.get_subplotspec().is_last_row():
                assert ax.get_xlabel() or figure.get_supxlabel() or len(figure.axes) > 2
            overlapping = [
                (a, b) for a, b in pairwise(drawn_ticks(ax.xaxis)) if a.overlaps(b)
            ]
            assert not overlapping, ax.get_title()
        titles = [ax.title.get_window_extent() for ax in figure.axes if ax.get_title()]
        assert not any(a.overlaps(b) for a, b in combinations(titles, 2))
        assert cut_off(figure) == []


def cut_off(figure: Figure) -> list[str]:
    """The texts that reach over the edge of the figure."""
    width, height = figure.bbox.width + 1, figure.bbox.height + 1
    boxes = {t: t.get_window_extent() for t in titles_and_labels(figure)}
    return [
        text.get_text()
        for text, box in boxes.items()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width or box.y1 > height
    ]


def titles_and_labels(figure: Figure) -> list[Text]:
    axes = [ax for ax in figure.axes if ax.axison]
    found = [t for ax in axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    found += [t for legend in figure.legends for t in legend.get_texts()]
    return [*found, *figure.texts]


def flat(value: float) -> Trial:
    """A trial of OR whose learner gives the same output everywhere."""
    learner = SimpleNamespace(predict=lambda x: np.full((len(x), 1), value))
    data = gates.gate(gates.OR)(np.random.default_rng(0))
    return Trial("flat", 0, data, learner, np.asarray)


def slanted() -> Trial:
    trial = flat(0.0)
    trial.learner.predict = lambda x: x.sum(axis=1, keepdims=True) - 0.5
    return trial


def lines_and_areas(figure: Figure) -> list[bool]:
    return [c.filled for c in figure.axes[0].collections]


def test_a_constant_output_has_no_decision_line():
    near = flat(0.5)
    near.learner.predict = lambda x: 0.5 + 1e-15 * x.sum(axis=1, keepdims=True)
    for trial in (flat(0.5), near):
        assert lines_and_areas(plots.decision_boundary(trial, "flat")) == [True]
    assert lines_and_areas(plots.decision_boundary(slanted(), "")) == [True, False]


def test_the_colours_of_outputs_are_the_same_in_all_figures():
    for trial in (flat(0.2), slanted()):
        areas = plots.decision_boundary(trial, "").axes[0].collections[0]
        assert (areas.levels.min(), areas.levels.max()) == (0, 1)
        assert np.abs(areas.levels - 0.5).min() > 0.01  # ½ ± rounding has one colour


def rows(one_step: list[float], trajectory: list[float]) -> list[dict[str, str]]:
    """Rows of curves.csv with these differences."""
    pairs = enumerate(zip(one_step, trajectory, strict=True))
    return [
        {"step": str(i), "one_step_diff": repr(a), "trajectory_diff": repr(b)}
        for i, (a, b) in pairs
    ]


def test_the_difference_of_each_trial_lies_under_its_tolerance_on_a_log_axis():
    trials = [rows([1e-16, 3e-16], [1e-16, 5e-16]), rows([2e-16, 1e-15], [0.1, 0.2])]
    (ax,) = plots.differences(trials, [1e-14, 1e-13]).axes
    assert ax.get_yscale() == "log"
    dots = [line.get_ydata() for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots, [[1e-16, 3e-16], [2e-16, 1e-15]])
    levels = [y[0] for y in (line.get_ydata() for line in ax.lines) if y[0] == y[1]]
    assert levels == [1e-14, 1e-13]


def test_a_difference_of_exactly_0_is_shown_on_the_log_axis():
    (ax,) = plots.differences([rows([0.0, 0.0], [0.0, 0.0])], [1e-14]).axes
    low, high = ax.get_ylim()
    assert low == 0
    assert 1e-14 < high < 1e-12
    assert 0 in ax.get_yticks()


def test_a_row_without_a_one_step_check_has_no_dot():
    checked, unchecked = rows([1e-16, 2e-16], [1e-16, 2e-16])
    (ax,) = plots.differences([[checked, unchecked | {"one_step_diff": ""}]], [1]).axes
    assert sorted(len(line.get_xdata()) for line in ax.lines) == [1, 2, 2]


def sides(losses: dict[str, list[float]]) -> list[Side]:
    """Both sides of learners with these losses."""

    def trial(name: str) -> Trial:
        data = gates.gate(gates.OR)(np.random.default_rng(0))
        made = Trial(name, 0, data, SimpleNamespace(), np.asarray)
        made.losses.extend(losses[name])
        return made

    return [Side(n, [trial(name) for name in losses]) for n in ("handmade", "torch")]


def curves(count: int) -> Figure:
    names = [f"learner {i}" for i in range(count)]
    with rc_context(plots.LOOK):
        return plots.loss_curves(*sides({name: [2.0, 1.0] for name in names}))


@pytest.mark.parametrize("count", [1, 2, 6, 7, 12])
def test_no_learner_is_hidden_under_another(count):
    figure = curves(count)
    assert legend_entries(figure) <= MOST_ENTRIES
    axes = [ax for ax in figure.axes if ax.axison]
    thin = [line for ax in axes for line in ax.lines if line.get_linewidth() < 2]
    if len(axes) > 1:
        assert [ax.get_title() for ax in axes] == [f"learner {i}" for i in range(count)]
        assert len(thin) == count
    else:
        assert len({line.get_color() for line in thin}) == count


def test_pytorch_is_wide_and_pale_and_lies_below():
    theirs, ours = curves(1).axes[0].lines
    assert theirs.get_linewidth() > 3 * ours.get_linewidth()
    assert theirs.get_alpha() < 0.5
    assert ours.get_alpha() is None


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([2.0, 1.0], "linear"),
        ([2.0, 1e-3], "log"),
        ([2.0, 1e-3, 0.0], "symlog"),
        ([2.0, 1e-3, -1.0], "linear"),
    ],
)
def test_losses_of_different_orders_have_a_log_axis(losses, scale):
    (ax,) = plots.loss_curves(*sides({"one": losses})).axes
    assert ax.get_yscale() == scale


def test_the_colours_are_okabe_and_itos():
    okabe_ito = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00"}
    okabe_ito |= {"#cc79a7", "#f0e442"}
    assert len({*plots.COLORS} - {plots.GREY}) == 7
    assert {to_hex(c) for c in plots.COLORS if c != plots.GREY} <= okabe_ito
    assert len({*plots.LINES}) == len(plots.COLORS)


@pytest.mark.parametrize(
    ("said", "heading"),
    [
        (
            "identical (bit for bit, 9 steps)",
            "a · B, C · identical (bit for bit, 9 steps)",
        ),
        ("mistake: step 3, loss: factor 2", "a · B, C · mistake"),
    ],
)
def test_lesson_losses_and_verdict_stand_above_a_figure(said, heading):
    figure, _ = plots.canvas()
    plots.add_heading(figure, "a", ["B", "C"], said)
    assert figure.get_suptitle() == heading


def test_a_long_heading_is_broken_before_the_verdict_and_keeps_the_figures_own_title():
    figure, _ = plots.canvas()
    figure.suptitle("Ten digits")
    plots.add_heading(figure, "lesson", ["L" * 70], "equal up to rounding: 1e-16")
    lines = figure.get_suptitle().split("\n")
    assert lines == [f"lesson · {'L' * 70}", "equal up to rounding", "Ten digits"]


def test_a_file_has_twice_the_pixels_that_a_page_shows():
    figure, (ax,) = plots.canvas()
    ax.imshow(np.random.default_rng(0).random((50, 50)), cmap="viridis")
    file, card = map(Image.open, map(io.BytesIO, plots.png(figure)))
    assert file.width == 1200
    assert abs(card.width - plots.CARD_WIDTH) <= 1
    colors = np.asarray(file.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colors, axis=0)) > 100  # a palette, but not a coarse one
