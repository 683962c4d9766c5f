"""The lesson names_gpt: its data, its baseline, and that both sides write the same."""

import dataclasses
import math

import numpy as np
import pytest

from compare import registry
from compare.experiment import Data
from compare.experiments import names_gpt
from compare.trainer import RunConfig, run


def test_there_are_5163_names_each_once_and_in_small_letters():
    names = names_gpt.first_names()
    assert len(names) == len(set(names)) == 5163
    assert {letter for name in names for letter in name} == {*names_gpt.TOKENS[1:]}
    assert max(map(len, names)) + 1 == names_gpt.LENGTH


def test_the_target_of_each_letter_is_the_next_one():
    x, target = names_gpt.encoded(["abe", "al"])
    assert x[:, :5].tolist() == [[0, 1, 2, 5, 0], [0, 1, 12, 0, 0]]
    assert target[:, :5].tolist() == [[1, 2, 5, 0, -100], [1, 12, 0, -100, -100]]
    names = names_gpt.first_names()
    assert names_gpt.decoded(names_gpt.encoded(names)[0]) == names


def test_the_held_out_names_are_no_training_names():
    data = names_gpt.draw(np.random.default_rng(3))
    seen, unseen = (set(names_gpt.decoded(x)) for _, x, _ in data.parts())
    assert (len(seen), len(unseen)) == (5163 - 516, 516)
    assert not seen & unseen


def test_the_loss_of_counted_pairs_is_that_of_a_hand_count():
    x, target = names_gpt.encoded(["ab", "aa"])
    unseen_x, unseen = names_gpt.encoded(["b"])
    data = Data(x=x, target=target, x_test=unseen_x, target_test=unseen)
    # After ".": a, a. After "b": ".". Each of 27 pairs is counted once more.
    wanted = -(math.log(1 / (2 + 27)) + math.log(2 / (1 + 27))) / 2
    assert names_gpt.bigram_loss(data) == pytest.approx(wanted)


def test_triples_include_both_ends():
    assert names_gpt.triples(["al", "eve"]) == [".al", "al.", ".ev", "eve", "ve."]


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Both sides after a short run."""
    sides = []
    lesson = dataclasses.replace(
        registry.load("names_gpt")[1],
        figures={},
        files={},
        claims={"kept": lambda side: (bool(sides.append(side) or True), "")},
    )
    logdir = tmp_path_factory.mktemp("runs")
    run("names_gpt", lesson, RunConfig(steps=15, logdir=logdir))
    return sides


def test_both_sides_write_the_same_names(sides):
    ours, theirs = (names_gpt.written(side.only, count=50) for side in sides)
    assert ours == theirs
    assert len(set(ours)) > 25
    rows = names_gpt.on_both_sides(*sides).splitlines()[1:]
    assert all(len({*row.split()}) <= 1 for row in rows)


def test_attention_looks_back_only(sides):
    p = names_gpt.attention(sides[0].only, "eve")
    assert p.shape == (4, 4, 4)
    assert np.all(np.triu(p, 1) == 0)
    np.testing.assert_allclose(p.sum(axis=-1), 1)


@pytest.mark.parametrize("number", [0, 1])
def test_logits_that_a_later_letter_changes_fail_the_claim(sides, number, monkeypatch):
    trial = sides[number].only
    assert names_gpt.sees_no_later_letter(sides[number])[0]
    right = trial.predict
    leak = 1e-15
    monkeypatch.setattr(
        trial, "predict", lambda x: right(x) + leak * x.sum(axis=1)[:, None, None]
    )
    assert not names_gpt.sees_no_later_letter(sides[number])[0]
