"""Every exercise of the course, solved on paper, with `handmade` and in PyTorch."""

from itertools import groupby

from compare.solved_exercises.activations import layers, neurons
from compare.solved_exercises.exercise import Answer, Exercise
from compare.solved_exercises.gradients import gradients
from compare.solved_exercises.perceptron import perceptron

__all__ = ["EXERCISES", "Answer", "Exercise", "by_heading", "chosen"]

EXERCISES = [*neurons(), *layers(), *gradients(), *perceptron()]


def by_heading() -> dict[str, list[Exercise]]:
    """All exercises in the order of the course, under their slides' headings."""
    return {h: list(group) for h, group in groupby(EXERCISES, lambda x: x.heading)}


def chosen(id: str) -> list[Exercise]:
    """The exercises of a part or a chapter, such as "D6", "Bh" or "C"; "" for all.

    Raises:
        ValueError: there are none.
    """
    wanted = id.replace(" ", "").lower()
    ids = [(e.id.replace(" ", "").lower(), e) for e in EXERCISES]
    exact = [exercise for name, exercise in ids if name == wanted]
    if found := exact or [e for name, e in ids if name.startswith(wanted)]:
        return found
    known = ", ".join(dict.fromkeys(exercise.id for exercise in EXERCISES))
    raise ValueError(f"there is no exercise {id!r}; there are {known}")
