"""Arguments of another type or value are refused by the name that the caller knows."""

import re

import numpy as np
import pytest

from handmade import nn


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.BatchNorm1d(2.0), "BatchNorm1d: num_features must be a whole"),
        (lambda: nn.BatchNorm1d("a"), "BatchNorm1d: num_features must be a whole"),
        (lambda: nn.Embedding(3.5, 2), "Embedding: num_embeddings must be a whole"),
        (lambda: nn.Embedding(3, 1.5), "Embedding: embedding_dim must be a whole"),
        (lambda: nn.Embedding(3, 2, 1.5), "Embedding: padding_idx must be a whole"),
        (
            lambda: nn.Embedding(3, 2, True),
            "Embedding: padding_idx must be a whole number, got bool",
        ),
        (
            lambda: nn.PReLU(2.5),
            "PReLU: num_parameters must be a whole number, got float",
        ),
        (lambda: nn.LayerNorm(2.5), "LayerNorm: normalized_shape must be a whole"),
        (lambda: nn.LayerNorm([2, "a"]), "LayerNorm: normalized_shape must be a whole"),
        (lambda: nn.GroupNorm(2.0, 4), "GroupNorm: num_groups must be a whole"),
        (lambda: nn.GroupNorm(2, 4.0), "GroupNorm: num_channels must be a whole"),
        (
            lambda: nn.Conv2d(1, 1, True),
            "Conv2d: kernel_size must be a whole number or 2 of them, got True",
        ),
        (
            lambda: nn.MaxPool1d(True),
            "MaxPool1d: kernel_size must be a whole number, got True",
        ),
        (
            lambda: nn.WeightedSum([nn.MSELoss()]),
            "WeightedSum: losses must be pairs (weight, loss), got MSELoss",
        ),
        (
            lambda: nn.WeightedSum(5),
            "WeightedSum: losses must be pairs (weight, loss), got int",
        ),
        (
            lambda: nn.WeightedSum([(1, nn.MSELoss(), 2)]),
            "WeightedSum: losses must be pairs (weight, loss), got tuple",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((2, 4))), 4),
            "SmoothnessPenalty: shape must be (h, w), two whole numbers, got 4",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((2, 4))), (2.0, 2)),
            "SmoothnessPenalty: shape must be a whole number, got float",
        ),
    ],
)
def test_an_argument_of_another_type_is_named(make, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        make()


RAGGED = "ExpectedCostLoss: cost must be (c, c), rows of numbers of one length, got"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: nn.BatchNorm1d(3, momentum=float("nan")),
            "BatchNorm1d: momentum must be finite, got nan",
        ),
        (
            lambda: nn.Softplus(threshold=float("nan")),
            "Softplus: threshold must be a number, got nan",
        ),
        (lambda: nn.ExpectedCostLoss([[1, 2], [3]]), f"{RAGGED} [[1, 2], [3]]"),
        (lambda: nn.ExpectedCostLoss([[1, "a"], [3, 4]]), RAGGED),
        (lambda: nn.ExpectedCostLoss([[1, None], [3, {}]]), RAGGED),
    ],
)
def test_an_argument_of_no_value_is_named(make, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make()


def test_a_count_that_is_no_array_is_refused_by_its_key():
    layer = nn.Sequential(nn.BatchNorm1d(2))
    state = layer.state_dict() | {"0.num_batches_tracked": 5}
    words = r"load_state_dict: 0\.num_batches_tracked must be an array .* got int"
    with pytest.raises(RuntimeError, match=words):
        layer.load_state_dict(state)


@pytest.mark.parametrize(
    "rows",
    [
        ((0, 1), (2, 0)),
        [np.array([0.0, 1.0]), np.array([2.0, 0.0])],
        (range(2), range(2, -1, -2)),
    ],
)
def test_costs_may_be_any_sequence_of_rows(rows):
    cost = nn.ExpectedCostLoss(rows).cost
    np.testing.assert_array_equal(cost, np.array([[0, 1], [2, 0]], np.float32))
    assert cost.dtype == np.float32
