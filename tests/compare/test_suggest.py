"""Suggestions for an unknown name."""

import pytest

from compare.suggest import suggest

NAMES = ("MSELoss", "Linear", "LinearLR", "ReLU", "PReLU", "SGD")


@pytest.mark.parametrize(
    ("word", "most", "found"),
    [
        ("mse", 1, ["MSELoss"]),
        ("mseloss", 1, ["MSELoss"]),
        ("MLELoss", 1, ["MSELoss"]),
        ("line", 2, ["Linear", "LinearLR"]),
        ("line", 1, ["Linear"]),
        ("relu", 2, ["ReLU", "PReLU"]),
        ("", 1, []),
        ("quite another", 3, []),
    ],
)
def test_names_that_begin_with_the_word_come_before_those_spelled_like_it(
    word, most, found
):
    assert suggest(word, NAMES, most) == found


def test_the_cutoff_decides_how_similar_a_name_must_be():
    assert suggest("or_gate", ["or"], cutoff=0.4) == ["or"]
    assert suggest("or_gate", ["or"]) == []
