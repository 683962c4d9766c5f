"""What is suggested for a name that there is not."""

import pytest

from compare.suggest import nearest

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
def test_a_beginning_comes_first_then_what_is_spelled_alike(word, most, found):
    assert nearest(word, NAMES, most) == found


def test_how_alike_a_name_must_be_can_be_asked_for():
    assert nearest("or_gate", ["or"], like=0.4) == ["or"]
    assert nearest("or_gate", ["or"]) == []
