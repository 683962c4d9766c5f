"""The course's exercises come out alike on paper, by hand and in PyTorch."""

import dataclasses

import numpy as np
import pytest
from oracles import complex_step

import handmade
from compare.solved_exercises import EXERCISES, by_heading


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: f"{e.id}: {e.question}")
def test_all_three_answers_agree(exercise):
    answer = exercise.answer()
    assert answer.verdict.agrees, answer.verdict.words


def test_none_of_the_courses_exercises_is_missing():
    ids = [exercise.id for exercise in EXERCISES]
    assert [i for i in ids if len(i) == 3 and i[0] == "B"] == [
        *("B a", "B b", "B c", "B d"),
        *("B e", "B f", "B g", "B h") * 2,
    ]
    assert sum(i.startswith("B W") for i in ids) == 4
    assert [i for i in ids if i[0] == "C"] == [f"C {n}" for n in range(1, 9)]
    assert sum(map(len, by_heading().values())) == len(EXERCISES)


@pytest.mark.parametrize("spoil", [lambda a: 2 * a + 1, lambda a: a + 1e-12])
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: f"{e.id}: {e.question}")
def test_a_wrong_answer_on_paper_is_seen(exercise, spoil):
    wrong = spoil(np.asarray(exercise.by_hand, dtype=float))
    assert not dataclasses.replace(exercise, by_hand=wrong).answer().verdict.agrees


def test_the_diagonal_of_the_matrix_holds_the_single_answers():
    def give(values):
        return np.asarray(values, dtype=float)

    tanh = [e for e in EXERCISES if e.id in ("B e", "B f", "B g", "B h")][:4]
    matrix = next(e for e in EXERCISES if e.id == "B W·Xᵀ, tanh")
    solved = matrix.solve(handmade, give)
    assert np.diag(solved).tolist() == [float(e.solve(handmade, give)) for e in tanh]


@pytest.mark.parametrize(
    ("id", "function", "point"),
    [
        ("C 1", lambda p: p[0] ** 2 + p[1] ** 2, [2, -1]),
        ("C 2", lambda p: p[0] ** 3 + p[1] ** 3, [2, -1]),
        ("C 3", lambda p: 1 / (p[0] ** 2 + p[1] ** 2), [2, -1]),
        ("C 4", lambda p: p[0] ** 2 - 2 * p[0] * p[1] + p[1] ** 2, [2, -1]),
        ("C 5", lambda p: np.sin(p[0]) + np.exp(p[1]), [2, -1]),
        ("C 6", lambda p: p[0] * p[1], [3, 5]),
        ("C 7", lambda p: p[0] + 2 * p[1], [3, 5]),
        ("C 8", lambda p: 2 * p[0] * p[1] ** 2, [3, 5]),
    ],
)
def test_gradients_on_paper_agree_with_the_complex_step(id, function, point):
    on_paper = next(e for e in EXERCISES if e.id == id).by_hand
    exact = complex_step(function, np.array(point, dtype=float))
    np.testing.assert_allclose(on_paper, exact, rtol=1e-15)
