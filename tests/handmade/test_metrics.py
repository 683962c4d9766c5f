"""Metrics count the same in both implementations."""

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
import torch_ref

RNG = np.random.default_rng


def both(name, *arrays, **kwargs):
    ours = getattr(handmade.metrics, name)(*arrays, **kwargs)
    theirs = getattr(torch_ref.metrics, name)(*map(torch.from_numpy, arrays), **kwargs)
    return np.asarray(ours), np.asarray(theirs)


def test_accuracy_is_the_fraction_of_right_answers():
    ours, theirs = both("accuracy", np.array([1, 2, 3, 0]), np.array([1, 2, 0, 0]))
    assert ours == theirs == 0.75


def test_confusion_matrix_has_truth_in_rows_and_answers_in_columns():
    predicted, target = np.array([7, 7, 2]), np.array([2, 7, 2])
    matrix = handmade.metrics.confusion_matrix(predicted, target, 10)
    assert matrix[2, 7] == matrix[7, 7] == matrix[2, 2] == 1
    assert matrix.sum() == 3


def test_confusion_matrices_are_the_same_on_both_sides():
    predicted, target = RNG(0).integers(0, 4, (2, 100))
    ours, theirs = both("confusion_matrix", predicted, target, num_classes=4)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("give", [np.asarray, torch.asarray, array_api_strict.asarray])
def test_confusion_matrices_count_every_cell_in_every_library(give):
    predicted, target = RNG(3).integers(0, 20, (2, 400), dtype=np.uint8)
    want = np.zeros((20, 20), int)
    np.add.at(want, (target, predicted), 1)
    got = handmade.metrics.confusion_matrix(give(predicted), give(target), 20)
    np.testing.assert_array_equal(np.asarray(got), want)
    assert np.asarray(got).dtype == np.int64


def test_the_confusion_of_nothing_is_zero():
    nothing = np.zeros(0, int)
    assert (
        handmade.metrics.confusion_matrix(nothing, nothing, 2).tolist() == [[0, 0]] * 2
    )


def test_argmax_decides_along_the_last_axis():
    ours, theirs = both("argmax", RNG(2).normal(size=(2, 3, 4)))
    assert ours.shape == (2, 3)
    np.testing.assert_array_equal(ours, theirs)
    assert handmade.metrics.argmax(np.array([1.0, 3.0, 2.0])) == 1


def test_a_float64_threshold_is_compared_in_float32():
    x = np.array([0.1], np.float32)
    assert handmade.metrics.threshold(x, np.float64(0.1)) == 0


@pytest.mark.parametrize("name", ["argmax", "threshold"])
def test_decisions_are_the_same_on_both_sides(name):
    ours, theirs = both(name, RNG(1).choice([0.0, 0.5, 1.0], (20, 3)))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype == np.int64


@pytest.mark.parametrize("name", ["accuracy", "confusion_matrix"])
def test_libraries_are_not_mixed(name):
    more = (3,) if name == "confusion_matrix" else ()
    with pytest.raises(TypeError, match="arrays of one library"):
        getattr(handmade.metrics, name)(np.array([1, 2]), torch.tensor([1, 2]), *more)
