"""The course's exercises come out alike on paper, by hand and in PyTorch."""

import dataclasses

import numpy as np
import pytest
from oracles import complex_step
from typer.testing import CliRunner

import compare
import handmade
from compare.cli import app
from compare.cli._console import out
from compare.solved_exercises import EXERCISES, by_heading, chosen


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


# -- the working -----------------------------------------------------------------------


def test_a_neuron_is_worked_with_its_numbers():
    (tanh, sigmoid) = chosen("Bh")
    assert tanh.answer().by_hand == "tanh(1 + 2·1 + 3·2) = tanh(9) = 0.9999999"
    assert sigmoid.answer().by_hand == "σ(1 + 2·1 + 3·2) = σ(9) = 0.9999"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: f"{e.id}: {e.question}")
def test_no_answer_is_rounded_to_a_whole_number(exercise):
    answer = exercise.answer()
    for shown in (answer.handmade, answer.torch_ref):
        numbers = shown.replace("−", "-").translate(str.maketrans("[],", "   ")).split()
        for number, true in zip(numbers, exercise.paper.ravel(), strict=True):
            assert float(number).is_integer() == true.is_integer(), shown


def test_the_first_row_of_or_is_worked_as_on_the_slide():
    shown = [exercise.answer().by_hand for exercise in chosen("D6")[:4]]
    assert shown == [
        "½ + ½·1 + ½·1 = 1½",
        "(1½ − 1)² = ¼",
        "2·(1½ − 1)·[1, 1, 1] = [1, 1, 1]",
        "[½, ½, ½] − ¼·[1, 1, 1] = [¼, ¼, ¼]",
    ]


def test_after_four_rows_the_neuron_is_or():
    *_, weights, outputs = chosen("D6")
    assert weights.paper.tolist() == [5 / 16, 1 / 2, 3 / 8]
    assert outputs.paper.tolist() == [1, 1, 1, 0]


# -- the command -----------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch):
    monkeypatch.setattr(out, "_width", 80)
    return lambda *words, typed="": CliRunner().invoke(
        app, ["exercises", *words], input=typed
    )


def test_nothing_is_wider_than_80_columns_and_no_row_of_a_matrix_is_broken(call):
    answer = call()
    assert answer.exit_code == 0
    assert max(map(len, answer.stdout.splitlines())) <= 80
    for exercise in EXERCISES:
        for line in exercise.answer().by_hand.splitlines():
            assert line in answer.stdout


@pytest.mark.parametrize(
    ("part", "count"), [("D6", 17), ("Bh", 2), ("b h", 2), ("C 3", 1), ("C", 8)]
)
def test_a_part_or_a_chapter_is_chosen(part, count):
    assert len(chosen(part)) == count


def test_an_exercise_that_is_not_there_is_refused(call):
    answer = call("Z9")
    assert answer.exit_code == 2
    assert "'Z9'" in answer.output
    assert "D6" in answer.output


@pytest.mark.parametrize(
    ("id", "typed", "right"),
    [
        ("Bf", "0.4621", True),
        ("Bf", "0,46", True),
        ("Bf", "0.47", False),
        ("Bh", "1", False),
        ("Bh", "0.9999999", True),
        ("C3", "[−4/25, 0.08]", True),
        ("C3", "-4/25 2/25", True),
        ("C3", "4/25, 2/25", False),
        ("D6", "1½", True),
        ("BW·Xᵀ,tanh", "0 0 0 0 .905 .462 .762 .964 " * 2, False),
    ],
)
def test_a_typed_answer_is_judged(id, typed, right):
    assert chosen(id)[0].judge(typed).agrees is right


@pytest.mark.parametrize(("typed", "words"), [("x", "'x'"), ("1 2 3", "got 3")])
def test_what_is_no_answer_is_refused(typed, words):
    with pytest.raises(ValueError, match=words):
        chosen("C1")[0].judge(typed)


def test_the_quiz_asks_again_judges_and_counts(call):
    answer = call("C", "--quiz", typed="x\n4 -2\n12, -3\n\nq\n")
    assert answer.exit_code == 1
    for words in ("expected numbers", "right", "wrong", "1 of 3 right"):
        assert words in answer.stdout
    assert "[3x², 3y²] = [3·2², 3·(−1)²] = [12, 3]" in answer.stdout
    assert "[−0.4161, 0.3679]" not in answer.stdout  # of a question not asked


def test_all_answers_right_is_exit_status_0(call):
    assert call("C1", "--quiz", typed="4 -2\n").exit_code == 0
    assert compare.exercises().row_count == len(EXERCISES)
