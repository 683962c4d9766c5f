"""What convolutions and poolings answer with a mistake of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from compare.testing.reference import Question, Results, torchs

CONVOLUTIONS = ("Conv1d", "Conv2d")
POOLINGS = ("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d")


def mistaken(question: Question) -> Iterator[tuple[str, Results]]:
    """Each mistake that sliding windows invite, and the answers that it leads to."""
    if question.name not in (*CONVOLUTIONS, *POOLINGS):
        return
    for option in ("stride", "dilation"):
        if option in question.kwargs or option == "stride":
            yield f"{option} ignored", _with(question, **{option: 1})
    if question.name in CONVOLUTIONS:
        yield "kernel flipped", _flipped(question)
    if question.name[:3] == "Avg" and "padding" in question.kwargs:
        counted = question.kwargs.get("count_include_pad", True)
        yield "padding in the mean", _with(question, count_include_pad=not counted)
    yield from (("overlap overwritten", one) for one in _overwritten(question))


def only_at_ties(question: Question, got: np.ndarray, want: np.ndarray) -> bool:
    """Whether a maximum's gradient is wrong only at numbers that are there twice."""
    x = question.inputs[0]
    if not question.name.startswith("MaxPool") or got.shape != x.shape:
        return False
    values, where, count = np.unique(x, return_inverse=True, return_counts=True)
    tied = (count > 1)[where.reshape(x.shape)] if values.size else x == x
    return bool(np.all(tied | (np.abs(got - want) <= 1e-12)))


def positions_left(got: np.ndarray, want: np.ndarray, upstream: np.ndarray) -> bool:
    """Whether a bias gradient was summed over the examples and over no positions."""
    summed = upstream.sum(axis=0)
    return upstream.ndim > 2 and got.shape == summed.shape and np.allclose(got, summed)


def _with(question: Question, **options: object) -> Results:
    try:
        return torchs(replace(question, kwargs=question.kwargs | options))
    except RuntimeError:  # there may be no such layer on such an input
        return {}


def _flipped(question: Question) -> Results:
    """The kernel turned round, and its gradient with it."""
    weight = question.state["weight"]
    axes = tuple(range(2, weight.ndim))
    state = {**question.state, "weight": np.flip(weight, axes).copy()}
    found = torchs(replace(question, state=state))
    return {**found, "gradient weight": np.flip(found["gradient weight"], axes)}


@dataclass(frozen=True)
class _OneWindow(Question):
    """The same question, its upstream gradient kept in one window only."""

    window: tuple[int, ...] = ()

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        whole = super().grad_output(output)
        assert whole is not None
        kept = np.zeros_like(whole)
        kept[(..., *self.window)] = whole[(..., *self.window)]
        return kept


def _overwritten(question: Question) -> Iterator[Results]:
    """Each window's share written over that of those before it, or behind it."""
    d = int(question.name[-2])
    windows = list(np.ndindex(torchs(question)["output"].shape[-d:]))
    asked = [_OneWindow(**vars(question), window=window) for window in windows]
    shares = [torchs(one)["input gradient"] for one in asked]
    for ordered in (shares, shares[::-1]):
        written = np.zeros_like(question.inputs[0])
        for share in ordered:
            written = np.where(share != 0, share, written)
        yield {"input gradient": written}
