"""What the page of a run says of its verdict."""

from typing import Any

EXPLANATION = (
    "One-step difference: the hand-written side takes a step from PyTorch's full "
    "state; loss, gradients and new state are compared. It decides the verdict.",
    "Tolerance: what rounding can explain at most in one step.",
    "After all steps, accumulated: each side goes on from its own weights, so rounding "
    "errors add up; this difference has no limit of its own.",
    "All differences are relative to the largest entry that the tensor has had so far.",
)
"""What the numbers of a verdict mean."""


def sentence(verdict: dict[str, Any]) -> str:
    """The verdict of a trial in a sentence, from what summary.json says of it."""
    kind, words = verdict["kind"], verdict["words"]
    return words if kind in ("equal", "rounding") else f"mistake: {words}"
