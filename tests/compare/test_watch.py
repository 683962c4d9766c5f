"""`run --watch`: norms, updates, dead ReLUs and histograms, the same on both sides."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import handmade
import torch_ref
from compare import registry
from compare.backend import Backend, to_numpy
from compare.cli._resume import reopen
from compare.event_file import EventFile, histogram
from compare.experiment import backprop
from compare.tensorboard import RUNS
from compare.trainer import RunConfig, run
from compare.trial_run import TrialRun
from compare.watch import Watch, norm

SIDES = pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.as_tensor)]
)
NET = backprop(
    model=lambda nn: nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
)
X, TARGET = np.array([[1.0, 2.0], [-1.0, 0.5], [0.5, -1.5]]), np.ones((3, 1))


def watched(library, give, bias):
    """A net of four ReLUs with this bias, whose weights are 0.01, and its watch."""
    learner = NET(library).to(give(np.zeros(1)))
    state = learner.state_dict()
    for name, array in state["model"].items():
        state["model"][name] = give(np.full(tuple(array.shape), 0.01))
    state["model"]["0.bias"] = give(np.array(bias))
    learner.load_state_dict(state)
    return learner, Watch(learner, library.nn.ReLU)


@SIDES
@pytest.mark.parametrize(
    ("bias", "dead"),
    [
        ((1.0, 1, 1, 1), 0),
        ((1.0, -9, 1, 1), 1 / 4),
        ((1.0, -9, -9, -9), 3 / 4),
        ((0.0, 1, 1, 1), 0),  # 0 for one of the examples
    ],
)
def test_a_unit_is_dead_where_it_is_0_for_every_example(library, give, bias, dead):
    learner, watch = watched(library, give, bias)
    learner.step(give(X), give(TARGET))
    assert watch.step()["1"] == {"dead_relu": dead}


@SIDES
def test_a_prediction_between_the_steps_wakes_no_unit(library, give):
    learner, watch = watched(library, give, (1.0, -1, 1, 1))
    learner.predict(give(1000 * X))
    learner.step(give(X), give(TARGET))
    learner.predict(give(1000 * X))
    assert watch.step()["1"] == {"dead_relu": 1 / 4}


@SIDES
def test_a_layer_of_two_widths_has_the_units_of_both(library, give):
    class Shared(library.nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = library.nn.ReLU()

    model = Shared()
    watch = Watch(
        SimpleNamespace(model=model, parameters=dict, gradients=dict), library.nn.ReLU
    )
    for outputs in ([[1.0, -1.0, -1.0]], [[-1.0]], [[-1.0, 1.0, -1.0]]):
        model.relu(give(np.array(outputs)))
    assert watch.step()["relu"] == {"dead_relu": 2 / 4}


@SIDES
def test_units_that_die_are_dead_from_that_step_on(library, give):
    learner, watch = watched(library, give, (1.0, 1, 1, 1))
    for x, dead in ((X, 0), (X - 1000, 1)):
        learner.step(give(x), give(TARGET))
        assert watch.step()["1"] == {"dead_relu": dead}


@SIDES
def test_norms_and_updates_are_those_of_the_arrays(library, give):
    learner, watch = watched(library, give, (1.0, -9, 1, 1))
    for _ in range(2):
        before = {n: to_numpy(a).copy() for n, a in learner.parameters().items()}
        learner.step(give(X), give(TARGET))
        found = watch.step()
        after, gradients = learner.parameters(), learner.gradients()
        assert found.keys() == {*before, "1"}
        for name, old in before.items():
            new, gradient = (to_numpy(a[name]).ravel() for a in (after, gradients))
            update = new - old.ravel()
            wanted = {
                "gradient_norm": np.sqrt(np.sum(gradient**2)),
                "weight_norm": np.sqrt(np.sum(new**2)),
                "update_ratio": np.sqrt(np.sum(update**2) / np.sum(old**2)),
            }
            assert found[name] == pytest.approx(wanted, rel=1e-12)


def test_the_ratio_to_a_weight_of_0_is_left_out():
    learner, watch = watched(handmade, np.asarray, (0.0, 0, 0, 0))
    learner.step(X, TARGET)
    assert watch.step()["0.bias"].keys() == {"gradient_norm", "weight_norm"}
    learner.step(X, TARGET)
    assert "update_ratio" in watch.step()["0.bias"]


def test_of_a_learner_without_gradients_nothing_is_said():
    learner = registry.load("wiggle_digits")[1].learners["random"](handmade)
    learner.to(np.zeros(1))
    watch = Watch(learner, handmade.nn.ReLU)
    learner.step(np.ones((3, 64)), np.zeros(3, int))
    assert watch.step() == {}


def read(folder):
    found = EventAccumulator(str(folder), {"tensors": 0, "scalars": 0})
    return found.Reload()


@pytest.fixture(scope="module")
def watched_run(tmp_path_factory):
    lesson = dataclasses.replace(
        registry.load("digits_mlp")[1], claims={"": lambda side: (True, "")}, figures={}
    )
    config = RunConfig(
        logdir=tmp_path_factory.mktemp("runs"), watch=True, check_every=4, steps=10
    )
    return run("watched", lesson, config)


def test_both_sides_log_the_same_tags_and_numbers(watched_run):
    ours, theirs = (read(watched_run.folder / side) for side in RUNS[:2])
    assert ours.Tags() == theirs.Tags()
    tags = {tag for tag in ours.Tags()["scalars"] if tag.startswith("watch/")}
    names = [f"{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")]
    kinds = ("gradient_norm", "weight_norm", "update_ratio")
    wanted = {f"watch/{kind}/{name}" for kind in kinds for name in names}
    assert tags == wanted | {"watch/dead_relu/1"}
    for tag in tags:
        points, others = (
            [(e.step, e.value) for e in side.Scalars(tag)] for side in (ours, theirs)
        )
        assert [step for step, _ in points] == [*range(10)]
        assert points == [(s, pytest.approx(v, rel=1e-6)) for s, v in others]


def test_tensorboard_reads_the_histograms(watched_run):
    for side in map(read, (watched_run.folder / side for side in RUNS[:2])):
        tags = [t for t in side.Tags()["tensors"] if t.endswith("0.weight")]
        assert sorted(tags) == ["gradients/0.weight", "weights/0.weight"]
        for tag in tags:
            plugin = side.SummaryMetadata(tag).plugin_data.plugin_name
            assert plugin == "histograms"
            events = side.Tensors(tag)
            assert [event.step for event in events] == [0, 4, 8, 9]
            for event in events:
                content = np.frombuffer(event.tensor_proto.tensor_content)
                left, right, count = content.reshape(-1, 3).T
                assert count.sum() == 64 * 128
                np.testing.assert_array_equal(left[1:], right[:-1])


def test_a_histogram_counts_every_value_in_its_bucket(tmp_path):
    array = np.random.default_rng(0).normal(size=(7, 50))
    found = np.frombuffer(histogram("a", array)["tensor"]["tensor_content"])
    left, right, count = found.reshape(-1, 3).T
    counts, edges = np.histogram(array, bins=30)
    np.testing.assert_array_equal(count, counts)
    np.testing.assert_allclose([*left, right[-1]], edges, rtol=1e-12)
    constant = np.frombuffer(histogram("a", np.ones(5))["tensor"]["tensor_content"])
    assert constant.reshape(-1, 3)[:, 2].sum() == 5
    events = EventFile(tmp_path)
    events.add(0, [histogram("a", array)])
    events.close()
    assert read(tmp_path).Tags()["tensors"] == ["a"]


def test_summary_and_report_have_the_last_step(watched_run):
    summary = json.loads((watched_run.folder / "summary.json").read_text())
    assert summary["watch"] is True
    last = summary["watched"]["handmade"]["train"]
    side = read(watched_run.folder / "handmade")
    for name, numbers in last.items():
        for kind, value in numbers.items():
            (*_, event) = side.Scalars(f"watch/{kind}/{name}")
            assert event.value == pytest.approx(value, rel=1e-6)
    report = (watched_run.folder / "report.html").read_text(encoding="utf-8")
    for value in (last["0.weight"]["gradient_norm"], last["1"]["dead_relu"]):
        assert f"<td>{value:.3g}</td>" in report


def test_without_the_option_nothing_is_watched(short_run):
    summary = json.loads((short_run.folder / "summary.json").read_text())
    assert summary["watch"] is False
    assert "watched" not in summary
    tags = read(short_run.folder / "handmade").Tags()
    assert not any(tag.startswith("watch") for tag in tags["scalars"])
    assert tags["tensors"] == []


def test_watching_changes_no_step(tmp_path):
    lesson = registry.load("digits_mlp")[1]
    configs = (RunConfig(steps=5, watch=watch) for watch in (False, True))
    plain, watching = (TrialRun(lesson, "mlp", 0, config, 5) for config in configs)
    for step, other in zip(plain.train(), watching.train(), strict=True):
        assert step == other
    assert not plain.watches


def test_a_resumed_run_goes_on_watching_from_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("compare.trainer.SAVE_SECONDS", 0)
    monkeypatch.setattr("compare.trainer.SAVE_SHARE", 0)

    def cut(steps, label, total):
        for step in steps:
            if label.endswith("seed 1") and step.number == 6:
                raise KeyboardInterrupt
            yield step

    _, source, lesson = registry.find("xor_mlp")
    config = RunConfig(logdir=tmp_path, steps=12, watch=True)
    lesson = dataclasses.replace(lesson, claims={"": lambda side: (True, "")}, seeds=2)
    whole = run("whole", lesson, config, source=source)
    with pytest.raises(KeyboardInterrupt):
        run("cut", lesson, config, cut, source=source)
    (folder,) = tmp_path.glob("cut/*")
    _, again = reopen(folder, [])
    assert again.watch
    resumed = run("cut", lesson, again, resumed=folder, source=source)
    last, again = (
        json.loads((result.folder / "summary.json").read_text())["watched"]
        for result in (whole, resumed)
    )
    assert last == again
    assert [*last["handmade"]] == ["seed 0", "seed 1"]
    for side in RUNS[:2]:
        one, other = read(whole.folder / side), read(resumed.folder / side)
        for tag in one.Tags()["scalars"]:
            points = [(e.step, e.value) for e in one.Scalars(tag)]
            assert points == [(e.step, e.value) for e in other.Scalars(tag)], tag


def test_a_compiled_step_cannot_be_watched():
    with pytest.raises(ValueError, match="--watch cannot be combined with --compile"):
        RunConfig(Backend("torch", compile=True), watch=True)


def test_a_norm_does_not_overflow_where_its_squares_would():
    for largest in (1e200, 1e-200):
        assert norm(largest * np.array([3.0, -4.0])) == pytest.approx(5 * largest)
    assert norm(np.zeros(2)) == norm(np.zeros(0)) == 0
    assert norm(np.array([1, np.inf])) == np.inf
    assert np.isnan(norm(np.array([1, np.nan])))
