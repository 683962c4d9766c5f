"""`--array auto`: which arrays a lesson gets, why, and that it stays so."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import compare
from compare import registry, sizing
from compare.cli import app
from compare.experiment import Data, Experiment, backprop
from compare.sizing import TORCH_FROM, chosen, mean_product, settled
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


def test_a_small_lesson_gets_numpy_and_a_big_net_torch():
    _, or_gate = registry.load("or_gate")
    assert chosen(or_gate).array == "numpy"
    big = chosen(lesson(wide, (64, 1000)))
    assert big.array == "torch"
    assert big.why == (
        "torch, for about 64 million multiply-adds a matrix product "
        "(torch from 50 million on)"
    )


def test_a_net_is_as_large_as_its_mean_product():
    assert mean_product(lesson(wide, (64, 1000))) == 64e6
    assert mean_product(lesson(wide, (64, 1000), batch_size=2)) == 2e6
    deep = lesson(
        lambda nn: nn.Sequential(*[nn.Linear(32, 32) for _ in range(2000)]), (32, 32)
    )
    assert mean_product(deep) == 32**3  # many small products are no large one


def test_data_that_learners_share_are_drawn_once():
    one, seeds = lesson(wide, (64, 1000)), []

    def draw(rng):
        seeds.append(rng.random())
        return one.data_of("net")(rng)

    several = replace(one, learners=dict.fromkeys("abc", one.learners["net"]))
    assert mean_product(replace(several, data=draw), seed=3) == 64e6
    assert seeds == [np.random.default_rng([3, 1]).random()]


def test_a_kernel_is_used_at_every_place_of_the_picture():
    def model(nn):
        return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Flatten())

    assert mean_product(lesson(model, (5, 2, 6, 7))) == 5 * (4 * 2 * 9) * (6 * 7)


def test_learners_without_matrices_get_numpy():
    _, newton = registry.load("newton")
    assert mean_product(newton) == 0
    assert chosen(newton).array == "numpy"


def test_the_edge_is_where_the_rule_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sizing, "mean_product", lambda *_: TORCH_FROM)
    _, or_gate = registry.load("or_gate")
    assert chosen(or_gate).array == "torch"
    monkeypatch.setattr(sizing, "mean_product", lambda *_: TORCH_FROM - 1)
    assert chosen(or_gate).array == "numpy"


@pytest.mark.parametrize("how", [{"device": "cuda"}, {"traced": True}])
def test_what_numpy_cannot_do_means_torch(how):
    _, or_gate = registry.load("or_gate")
    assert chosen(or_gate, **how).array == "torch"


def test_a_lesson_that_fails_fails_in_its_run():
    def broken(rng):
        raise OSError("no network")

    one = replace(lesson(wide, (64, 1000)), data=broken)
    took, why = settled(one, RunConfig())
    assert took.backend.array == "numpy"
    assert "could not be looked at" in why


def run(*words):
    return CliRunner().invoke(app, ["run", *map(str, words)])


def summary(folder):
    return json.loads(next(folder.glob("*/*/summary.json")).read_text())


def test_the_command_says_which_arrays_it_took_and_why(tmp_path):
    answer = run("or_gate", "--fast", "--logdir", tmp_path)
    assert answer.exit_code == 0
    assert (
        "arrays: NumPy, for about 8 multiply-adds a matrix product (torch from 50"
        in (answer.stdout)
    )
    assert summary(tmp_path)["array"] == "numpy"


def test_lessons_are_sized_one_by_one_and_a_choice_of_ones_own_counts(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sizing, "TORCH_FROM", 100)
    words = ("or_gate", "digits_softmax", "--fast", "--logdir")
    answer = run(*words, tmp_path / "auto")
    assert "arrays of or_gate: NumPy" in answer.stdout
    assert "arrays of digits_softmax: torch" in answer.stdout
    for name, array in (("or_gate", "numpy"), ("digits_softmax", "torch")):
        path = next((tmp_path / "auto" / name).glob("*/summary.json"))
        assert json.loads(path.read_text())["array"] == array
    answer = run(*words, tmp_path / "own", "--array", "numpy")
    assert "arrays" not in answer.stdout.split("logged in")[0]
    path = next((tmp_path / "own" / "digits_softmax").glob("*/summary.json"))
    assert json.loads(path.read_text())["array"] == "numpy"


def test_a_resumed_run_goes_on_with_the_arrays_that_were_chosen(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sizing, "TORCH_FROM", 1)
    assert run("or_gate", "--steps", 5, "--logdir", tmp_path).exit_code in (0, 1)
    path = next(tmp_path.glob("*/*/summary.json"))
    said = json.loads(path.read_text())
    assert said["array"] == "torch"
    path.write_text(json.dumps({**said, "status": "interrupted"}))
    monkeypatch.setattr(sizing, "TORCH_FROM", 10**9)
    answer = run("--resume", path.parent)
    assert answer.exit_code in (0, 1), answer.output
    assert json.loads(path.read_text())["array"] == "torch"


def test_the_function_chooses_too(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sizing, "TORCH_FROM", 1)
    result = compare.run("or_gate", fast=True, logdir=tmp_path)
    said = json.loads((result.folder / "summary.json").read_text())
    assert said["array"] == "torch"
