"""A verdict has a name, and every name can be reached."""

import re

import numpy as np
import pytest

from compare.tolerance import Difference, difference, rounding_tolerance
from compare.verdict import Verdict, classify, worst

EPS = float(np.finfo(float).eps)
WANT = np.random.default_rng(0).normal(size=(4, 3))


def verdict(got, want=WANT, **more):
    return classify(got, want, tolerance=1e-14, eps=EPS, **more)


def test_the_same_bits_are_equal():
    assert verdict(WANT.copy()).kind == "equal"


def test_the_same_nan_is_equal():
    want = np.array([np.nan, np.inf, 1.0])
    assert verdict(want.copy(), want).kind == "equal"


def test_one_ulp_is_rounding_and_counted():
    got = WANT.copy()
    got[1, 2] = np.nextafter(got[1, 2], np.inf)
    found = verdict(got)
    assert found.kind == "rounding"
    assert 0 < found.ulp <= 1
    assert found.index == (1, 2)


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (2 * WANT, "factor 2"),
        (WANT / 2, "factor ½"),
        (-WANT, "wrong sign"),
        (4 * WANT, "factor N = 4"),
        (WANT / 4, "factor 1/N = 1/4"),
        (WANT * 4 / 3, r"factor N/(N−1)"),
        (WANT * 3 / 4, r"factor (N−1)/N"),
        (WANT.T, "transposed"),
    ],
)
def test_a_mistake_that_has_a_name_is_named(got, words):
    found = verdict(got, sizes={"N": 4})
    assert found.kind == "mistake"
    assert words in found.words


def test_a_square_transpose_is_named():
    want = WANT[:3]
    assert verdict(want.T.copy(), want).words.startswith("transposed")


def test_anything_else_is_a_mistake_with_its_index_and_both_numbers():
    got = WANT.copy()
    got[2, 1] += 0.25
    found = verdict(got)
    assert found.kind == "mistake"
    assert found.index == (2, 1)
    assert f"got {got[2, 1]:.9g}, expected {WANT[2, 1]:.9g}" in found.words


def test_as_many_digits_are_shown_as_tell_the_numbers_apart():
    want = np.array([-0.1155154031])
    words = verdict(want * (1 + 1e-11), want).words
    got, expected = re.search(r"got (\S+), expected (\S+)", words).groups()
    assert got != expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_non_finite_number_is_a_mistake(bad):
    got = WANT.copy()
    got[3, 0] = bad
    assert verdict(got).kind == "mistake"
    assert verdict(got).index == (3, 0)


def test_another_shape_is_a_mistake():
    assert verdict(WANT[:2]).kind == "mistake"


def test_zero_is_no_rounded_value_of_something():
    assert verdict(0 * WANT).kind == "mistake"
    assert verdict(WANT, 0 * WANT).kind == "mistake"


def test_the_bound_grows_with_length_depth_and_precision():
    assert rounding_tolerance(EPS, 64, 2) == 2 * rounding_tolerance(EPS, 64, 1)
    assert rounding_tolerance(EPS, 128, 1) == 2 * rounding_tolerance(EPS, 64, 1)
    assert rounding_tolerance(2 * EPS, 64, 1) == 2 * rounding_tolerance(EPS, 64, 1)


def test_the_gravest_verdict_wins():
    kinds = ("rounding", "mistake", "equal")
    assert worst([Verdict(kind, "") for kind in kinds]).kind == "mistake"
    small, large = Verdict("rounding", "", 1e-16), Verdict("rounding", "", 1e-15)
    assert worst([large, small]) is large


def test_complex_numbers_are_compared_in_both_parts():
    want = np.array([1 + 2j, 3 - 1j])
    assert difference(want + 1e-9j, want).max_abs == pytest.approx(1e-9, rel=1e-6)
    assert difference(want, want).max_abs == 0


def test_finite_numbers_whose_difference_overflows_are_finite():
    want = np.array([3e38], np.float32)
    found = difference(-want, want)
    assert found.finite
    assert found.max_abs == np.inf


@pytest.mark.parametrize(
    ("scale", "is_within"), [(1e-3, False), (1e3, True), (0.0, True)]
)
def test_a_tolerance_is_relative_but_absolute_where_all_is_0(scale, is_within):
    assert Difference(max_abs=1e-3, scale=scale).within(1e-2) == is_within
