"""A long run needs hardly more memory than a short one."""

import gc
import re
import tracemalloc
from collections import deque
from itertools import islice

import numpy as np
import pytest

from benchmarks import lockstep_cost
from compare import registry
from compare.logger import RunLogger
from compare.results import MAX_NUMBERS
from compare.run_config import RunConfig
from compare.trial_run import TrialRun

STEPS = 800
A_STEP = 64
"""Bytes a step: two losses are 16, and lists of them grow by an eighth at a time."""


def walked(lesson, steps):
    _, experiment = registry.load(lesson)
    (name,) = experiment.learners
    return TrialRun(experiment, name, 0, RunConfig(), steps)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", ["or_gate", "xor_mlp", "digits_softmax"])
def test_a_step_leaves_next_to_nothing_behind(lesson, tmp_path):
    pair = walked(lesson, 2 * STEPS)

    def logged(record):
        for step in pair.train():
            record.log(step, "train", "", 0)
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
    deque(pair.train(), 0)
    path = pair.sides["handmade"].path
    assert len(path) == 21
    assert path[-1].keys() == {"weight", "bias"}
    np.testing.assert_array_equal(
        path[20]["weight"], pair.sides["handmade"].parameters["weight"]
    )
    assert not np.array_equal(path[19]["weight"], path[20]["weight"])
    long = walked("or_gate", 10 * MAX_NUMBERS).sides["handmade"].path
    assert long.every == 31
    assert sum(a.size for a in long._arrays.values()) <= MAX_NUMBERS


def test_a_large_learner_keeps_no_path():
    assert len(walked("digits_softmax", 5).sides["handmade"].path) == 0


def loops(tmp_path):
    return lockstep_cost.Loops("or_gate", RunConfig(logdir=tmp_path))


def test_the_cost_of_lockstep_is_a_ratio_to_both_loops(tmp_path):
    short = loops(tmp_path)
    short.steps = 40
    said = lockstep_cost.ratios(short, 1)
    assert "40 steps, 1 rounds" in said
    ours, theirs, both = map(int, re.findall(r"(\d+) µs", said))
    ratio = float(re.search(r"ratio (\S+)", said)[1])
    assert ratio == pytest.approx(both / (ours + theirs), rel=0.05)


@pytest.mark.slow
def test_a_hundred_thousand_steps_need_hardly_more_memory(tmp_path):
    said = lockstep_cost.growth(loops(tmp_path), 100_000)
    before, after = map(float, re.findall(r"(\S+) MiB", said))
    assert after - before < 18  # in nine tenths of the steps


def test_growth_is_measured_on_steps_that_are_all_logged(tmp_path):
    said = lockstep_cost.growth(loops(tmp_path), 50)
    assert "50 of 50 steps logged" in said
    before, after = map(float, re.findall(r"(\S+) MiB", said))
    assert 10 < before <= after + 10
