"""Every lesson agrees and keeps its claims; a claim can fail."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from compare import registry
from compare.arrays import Backend
from compare.run import Settings, run

BACKENDS = [
    Backend(array, "cpu", dtype)
    for array in ("numpy", "torch")
    for dtype in ("float64", "float32")
]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: f"{b.array}-{b.dtype}")
@pytest.mark.parametrize("name", registry.names())
def test_both_sides_agree_and_all_claims_hold(name, backend, tmp_path):
    lesson, experiment = registry.load(name)
    if backend != Backend():  # all seeds once, some on the other arrays
        experiment = dataclasses.replace(experiment, seeds=min(4, experiment.seeds))
    result = run(lesson, experiment, Settings(backend, logdir=tmp_path))
    assert result.verdict.agrees, result.verdict.words
    assert {
        text: found for text, (holds, found) in result.claims.items() if not holds
    } == {}
    assert result.ok
    drawn = {"curves", *experiment.figures}
    assert {path.stem for path in result.folder.glob("*.png")} == drawn


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", registry.names())
def test_lessons_hold_on_cuda_too(name, tmp_path):
    lesson, experiment = registry.load(name)
    backend = Backend("torch", "cuda", "float64")
    assert run(lesson, experiment, Settings(backend, logdir=tmp_path)).ok


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
    result = run("sky", lesson, Settings(logdir=tmp_path))
    assert result.verdict.agrees
    assert not result.ok
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["claims"]["the sky is green"] == {
        "holds": False,
        "found": "it is blue",
    }


def test_a_claim_must_hold_on_both_sides(tmp_path):
    lesson = short(claims={"it is ours": lambda side: (side.library == "handmade", "")})
    assert not run("ours", lesson, Settings(logdir=tmp_path)).ok


def test_the_untrained_net_fails_the_accuracy_claim(tmp_path):
    lesson = short("digits_softmax", steps=1)
    result = run("digits", lesson, Settings(logdir=tmp_path))
    assert not result.claims["at least 94% of the test digits are right"][0]


def test_a_summary_holds_what_is_needed_to_run_it_again(tmp_path):
    result = run("or_gate", short(), Settings(Backend("torch"), 3, 7, tmp_path))
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


def test_curves_have_a_row_for_every_step(tmp_path):
    result = run("or_gate", short(), Settings(logdir=tmp_path))
    rows = (result.folder / "curves.csv").read_text().splitlines()
    assert len(rows) == 1 + 5
    assert rows[1].split(",")[:4] == ["linear", "0", "0", "0.125"]


def test_another_seed_gives_another_run_and_the_same_seed_the_same(tmp_path):
    def losses(seed):
        result = run("d", short("digits_mlp"), Settings(seed=seed, logdir=tmp_path))
        rows = (result.folder / "curves.csv").read_text().splitlines()[1:]
        return [float(row.split(",")[3]) for row in rows]

    assert losses(0) == losses(0)
    assert not np.allclose(losses(0), losses(1))


def test_test_digits_are_never_trained_on():
    from compare.experiments._digits import digits

    data = digits()
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
    assert run(name, experiment, Settings(steps=150, logdir=tmp_path)).ok
