"""What losses answer with a mistake of their own, and what their means divide by."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from compare.check.failures import Failure, close
from compare.testing.reference import Question, torchs


def of_losses(failure: Failure) -> str:
    """The mistake that gives just these wrong results, if it is one of certain losses.

    Of the loss as it would be with the mistake all results are computed, not one.
    """
    for name, question in _misread(failure.question):
        wrong = torchs(question)
        if all(close(failure.answer.results[r], wrong[r]) for r in failure.wrong):
            return name
    if failure.question.name == "KLDivLoss" and failure.wrong == ("output",):
        return _of_divergence(failure)
    if failure.question.name == "SmoothnessPenalty":
        return _of_neighbours(failure)
    return ""


def _misread(question: Question) -> Iterator[tuple[str, Question]]:
    """What a loss would be asked if one of its arguments were misunderstood."""
    kwargs = question.kwargs
    for option in ("beta", "delta", "margin", "p", "log_target"):
        if option in kwargs:
            others = {k: v for k, v in kwargs.items() if k != option}
            yield "option ignored", replace(question, kwargs=others)
    if question.name == "ExpectedCostLoss":
        turned = {**kwargs, "cost": kwargs["cost"].T}
        yield "transposed cost matrix", replace(question, kwargs=turned)
    if question.name == "WeightedSum":
        plain = [(1.0, loss) for _, loss in question.args[0]]
        yield "weights of the sum forgotten", replace(question, args=(plain,))


def _of_divergence(failure: Failure) -> str:
    """A value that is the cross-entropy, of which the gradient is the same."""
    question = failure.question
    if question.kwargs.get("log_target"):
        return ""
    y = question.inputs[1]
    lost = y * np.log(np.where(y > 0, y, 1.0))
    if question.kwargs.get("reduction", "mean") != "none":
        lost = lost.sum() / total(question)
    if close(failure.answer.results["output"] + lost, failure.want["output"]):
        return "entropy of the target missing"
    return ""


def _of_neighbours(failure: Failure) -> str:
    """Differences that go round the edge of the image."""
    weight, shape = failure.question.state["weight"], failure.question.args[1]
    images = weight.reshape(-1, *shape)
    ahead = [np.roll(images, -1, axis) - images for axis in (1, 2)]
    behind = [np.roll(images, 1, axis) - images for axis in (1, 2)]
    wrapped = {
        "output": np.sum(np.square(ahead)),
        "gradient weight": -2 * np.sum([*ahead, *behind], axis=0).reshape(weight.shape),
    }
    for pairs in (2 * images.size, _pairs(images)):
        got = {name: pairs * failure.answer.results[name] for name in failure.wrong}
        if all(close(got[name], wrapped[name]) for name in failure.wrong):
            return "wrap-around neighbours"
    return ""


def _pairs(images: np.ndarray) -> int:
    k, h, w = images.shape
    return k * (h * (w - 1) + (h - 1) * w)


def examples(question: Question) -> float:
    """How many examples a loss is given: rows, or everything but the classes."""
    x, target = question.inputs
    if target.shape != x.shape:
        return float(target.size)
    if question.name == "CrossEntropyLoss":
        return float(x.size / x.shape[min(1, x.ndim - 1)])
    return float(len(x))


def total(question: Question) -> float:
    """What the mean of a loss divides by, as torch does."""
    if question.name == "SmoothnessPenalty":
        weight, shape = question.state["weight"], question.args[1]
        return float(_pairs(weight.reshape(-1, *shape)))
    averages = question.kwargs.get("reduction", "mean").endswith("mean")
    if not averages or question.name == "WeightedSum":
        return 1.0
    summed = replace(question, kwargs={**question.kwargs, "reduction": "sum"})
    return float(torchs(summed)["output"] / torchs(question)["output"])
