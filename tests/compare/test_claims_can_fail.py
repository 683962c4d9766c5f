"""Claims fail where nothing was learned; figures show what they are given."""

import dataclasses

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare import registry
from compare.backend import to_numpy
from compare.experiments import few_bits, precision_paths
from compare.experiments.common import figures
from compare.results import Side, Trial
from compare.trainer import RunConfig, run
from handmade.quantize import rounded


@pytest.mark.parametrize("name", ["autoencoder", "generate", "names_gpt"])
def test_what_has_not_learned_fails_the_claims(name, tmp_path):
    _, lesson = registry.load(name)
    lesson = dataclasses.replace(lesson, steps=1, seeds=1, figures={})
    result = run(name, lesson, RunConfig(logdir=tmp_path))
    assert result.verdict.agrees
    failed = [text for text, (holds, _) in result.claims.items() if not holds]
    assert len(failed) >= 2


def test_pictures_stand_in_rows_beside_their_names():
    rows = [np.full((3, 4), 0.5), np.ones((2, 4))]
    figure = figures.pictures(rows, ["many", "few"], "all")
    (ax,) = figure.axes
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (2 * 4, 3 * 4)
    assert shown[:4].sum() == 3 * 4 * 0.5
    assert shown[4:, :8].sum() == 2 * 4
    assert shown[4:, 8:].sum() == 0
    assert [label.get_text() for label in ax.get_yticklabels()] == ["many", "few"]
    assert ax.get_title() == "all"
    with pytest.raises(ValueError, match="number of FixedLocator"):
        figures.pictures(rows, ["many"])


def side(library, trials):
    """Trials whose learner answers with one digit for every picture."""

    class Sure:
        def __init__(self, right, data):
            self.right, self.data = right, data

        def predict(self, x):
            wrong = np.arange(len(x)) >= self.right * len(x)
            answer = (self.data.test_set[1] + wrong) % 10
            return np.eye(10)[answer]

    data = few_bits.EXPERIMENT.data()
    return Side(
        library,
        [Trial(name, 0, data, Sure(right, data), np.asarray) for name, right in trials],
    )


@pytest.mark.parametrize(("few", "holds"), [(0.96, True), (0.94, False)])
def test_the_claim_about_four_bits_can_fail(few, holds, monkeypatch):
    monkeypatch.setattr(few_bits, "size", lambda side, bits: 1)
    trained = side("handmade", [("float", 0.97), ("4_bits", few)])
    found = few_bits.trained_within("4_bits", 2, trained)
    assert found[0] == holds, found


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_shortened_learner_holds_only_short_weights_from_the_first_step(name):
    for library, give in ((handmade, np.asarray), (torch_ref, torch.as_tensor)):
        learner = precision_paths.rounded(name)(library).to(give(np.zeros(1)))
        learner.step(give(np.ones((4, 2))), give(np.zeros((4, 1))))
        for array in learner.parameters().values():
            values = to_numpy(array)
            np.testing.assert_array_equal(values, rounded(values, name))
