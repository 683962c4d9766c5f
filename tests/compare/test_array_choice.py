"""`--array auto`: which array library a lesson gets, and that it keeps it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import compare
from compare import api, registry
from compare.api import TORCH_FROM, choose_array, mean_product
from compare.backend import Backend
from compare.cli import app
from compare.experiment import Data, Experiment, backprop
from compare.trainer import RunConfig


def lesson(model, shape, batch_size=None, **changes) -> Experiment:
    data = Data(x=np.zeros(shape), target=np.zeros(shape[0], int))
    learner = backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, p: optim.SGD(p, lr=0.1),
    )
    how = {"learners": {"net": learner}, "data": lambda rng: data, **changes}
    return Experiment(
        title="",
        course=(),
        heading="",
        steps=1,
        batch_size=batch_size,
        claims={"none": lambda side: (True, "")},
        **how,
    )


def wide(nn):
    return nn.Sequential(nn.Linear(1000, 1000), nn.ReLU(), nn.Linear(1000, 1000))


def choice(experiment, **backend):
    """The array library for a lesson, and the reason."""
    config, reason = choose_array(experiment, RunConfig(Backend("torch", **backend)))
    return config.backend.array, reason


def test_a_small_lesson_gets_numpy_and_a_large_model_torch():
    _, or_gate = registry.load("or_gate")
    assert choice(or_gate)[0] == "numpy"
    array, reason = choice(lesson(wide, (64, 1000)))
    assert array == "torch"
    assert "64 million" in reason


def test_the_size_of_a_model_is_its_mean_matrix_product():
    assert mean_product(lesson(wide, (64, 1000))) == 64e6
    assert mean_product(lesson(wide, (64, 1000), batch_size=2)) == 2e6
    deep = lesson(
        lambda nn: nn.Sequential(*[nn.Linear(32, 32) for _ in range(2000)]), (32, 32)
    )
    assert mean_product(deep) == 32**3  # many small products are no large one


def test_data_that_learners_share_are_drawn_once_from_the_seed():
    one, seeds = lesson(wide, (64, 1000)), []

    def draw(rng):
        seeds.append(rng.random())
        return one.data_of("net")(rng)

    several = replace(one, learners=dict.fromkeys("abc", one.learners["net"]))
    assert mean_product(replace(several, data=draw), seed=3) == 64e6
    assert seeds == [np.random.default_rng([3, 1]).random()]


def test_a_kernel_is_multiplied_at_every_pixel():
    def model(nn):
        return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Flatten())

    assert mean_product(lesson(model, (5, 2, 6, 7))) == 5 * (4 * 2 * 9) * (6 * 7)


def test_learners_without_matrices_get_numpy():
    _, newton = registry.load("newton")
    assert mean_product(newton) == 0
    assert choice(newton)[0] == "numpy"


@pytest.mark.parametrize(("size", "array"), [(TORCH_FROM, "torch"), (1, "numpy")])
def test_torch_is_used_from_the_threshold_on(monkeypatch, size, array):
    monkeypatch.setattr(api, "mean_product", lambda *_: size)
    _, or_gate = registry.load("or_gate")
    assert choice(or_gate)[0] == array


@pytest.mark.parametrize("backend", [{"device": "cuda"}, {"compile": True}])
def test_what_numpy_cannot_do_needs_torch(monkeypatch, backend):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    _, or_gate = registry.load("or_gate")
    assert choice(or_gate, **backend)[0] == "torch"


def test_an_error_of_the_lesson_is_left_to_its_run():
    def broken(rng):
        raise OSError("no network")

    array, reason = choice(replace(lesson(wide, (64, 1000)), data=broken))
    assert array == "numpy"
    assert "unknown" in reason


def run(*words):
    return CliRunner().invoke(app, ["run", *map(str, words)])


def arrays(folder):
    """The array library in each summary, by lesson."""
    return {
        path.parts[-3]: json.loads(path.read_text())["array"]
        for path in folder.glob("*/*/summary.json")
    }


@pytest.mark.slow
def test_the_command_chooses_lesson_by_lesson_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "TORCH_FROM", 10)
    words = ("or_gate", "xor_mlp", "--fast", "--logdir")
    answer = run(*words, tmp_path / "auto")
    assert answer.exit_code == 0
    assert arrays(tmp_path / "auto") == {"or_gate": "numpy", "xor_mlp": "torch"}
    assert "torch tensors (large model" in answer.stdout
    answer = run(*words, tmp_path / "own", "--array", "numpy")
    assert arrays(tmp_path / "own") == {"or_gate": "numpy", "xor_mlp": "numpy"}
    assert "torch tensors" not in answer.stdout


@pytest.mark.slow
def test_a_resumed_run_keeps_the_arrays_that_were_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "TORCH_FROM", 1)
    assert run("or_gate", "--steps", 5, "--logdir", tmp_path).exit_code in (0, 1)
    path = next(tmp_path.glob("*/*/summary.json"))
    summary = json.loads(path.read_text())
    assert summary["array"] == "torch"
    path.write_text(json.dumps({**summary, "status": "interrupted"}))
    monkeypatch.setattr(api, "TORCH_FROM", 10**9)
    answer = run("--resume", path.parent)
    assert answer.exit_code in (0, 1), answer.output
    assert arrays(tmp_path) == {"or_gate": "torch"}


def test_the_function_chooses_too(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "TORCH_FROM", 1)
    compare.run("or_gate", fast=True, logdir=tmp_path)
    assert arrays(tmp_path) == {"or_gate": "torch"}
