"""A long run needs hardly more memory than a short one."""

import gc
import importlib.util
import re
import tracemalloc
from collections import deque
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from compare import registry
from compare.backend import Backend
from compare.logger import RunLogger
from compare.pair import PATH_NUMBERS, Pair

STEPS = 1000
A_STEP = 64
"""Bytes a step: two losses are 16, and lists of them grow by an eighth at a time."""


def walked(lesson, steps):
    _, experiment = registry.load(lesson)
    (name,) = experiment.learners
    return Pair(experiment, name, 0, Backend(), steps)


@pytest.mark.parametrize("lesson", ["or_gate", "xor_mlp", "digits_softmax"])
def test_a_step_leaves_next_to_nothing_behind(lesson, tmp_path, monkeypatch):
    # However slow the machine, a stretch holds as many batches at both times.
    monkeypatch.setattr("compare.lockstep.SECONDS", 1e9)
    monkeypatch.setattr("compare.notes.LONGEST", 8)
    pair = walked(lesson, 2 * STEPS)

    def logged(record):
        for step in pair.walk():
            record.step("", 0, "train", step, pair.lockstep.worst_free)
            yield

    with RunLogger.new(tmp_path, lesson) as record:
        steps, held = logged(record), []
        tracemalloc.start()
        try:
            for _ in range(2):  # the first time, all that is needed anyway is made
                deque(islice(steps, STEPS), 0)
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert held[1] - held[0] < A_STEP * STEPS
    assert len((record.folder / "curves.csv").read_text().splitlines()) == 2 * STEPS + 1


def test_a_path_holds_every_step_unless_it_is_very_long():
    pair = walked("or_gate", 20)
    deque(pair.walk(), 0)
    path = pair.trials["handmade"].path
    assert len(path) == 21
    assert path[-1].keys() == {"weight", "bias"}
    np.testing.assert_array_equal(
        path[20]["weight"], pair.trials["handmade"].parameters["weight"]
    )
    assert not np.array_equal(path[19]["weight"], path[20]["weight"])
    long = walked("or_gate", 10 * PATH_NUMBERS).trials["handmade"].path
    assert long.every == 31
    assert 3 * len(long.arrays()) <= PATH_NUMBERS


def test_a_large_learner_keeps_no_path():
    assert len(walked("digits_softmax", 5).trials["handmade"].path) == 0


@pytest.fixture
def measure():
    """`benchmarks/lockstep_cost.py`."""
    path = Path(__file__).parents[2] / "benchmarks" / "lockstep_cost.py"
    spec = importlib.util.spec_from_file_location("measure", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_lockstep_costs_is_measured_as_it_says(measure, tmp_path):
    walk = measure.Walk("or_gate", Backend(), tmp_path)
    walk.steps = 40
    said = measure.ratios(walk, 1)
    assert said.startswith("or_gate, float64, 40 steps, 1 rounds: handmade ")
    ours, theirs, both = map(int, re.findall(r"(\d+) µs", said))
    ratio = float(re.search(r"ratio (\S+)", said)[1])
    assert ratio == pytest.approx(both / (ours + theirs), rel=0.05)


def test_growth_is_measured_on_steps_that_are_all_logged(measure, tmp_path):
    said = measure.grown(measure.Walk("or_gate", Backend(), tmp_path), 50)
    assert said.startswith("or_gate, float64: 50 of 50 steps logged; ")
    before, after = map(float, re.findall(r"(\S+) MiB", said))
    assert 10 < before <= after + 10
