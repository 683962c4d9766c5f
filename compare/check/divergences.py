"""The divergence of bell curves as it would be with a mistake that has a name."""

from collections.abc import Iterator

import numpy as np

from compare.testing.reference import Question, Results


def mistaken(
    question: Question, upstream: np.ndarray | None
) -> Iterator[tuple[str, Results]]:
    """What each mistake would give, by its name."""
    if question.name != "GaussianKLLoss":
        return
    (mean, s), (mean_0, s_0) = (np.split(a, 2, axis=-1) for a in question.inputs)
    offset = mean - mean_0
    losses = np.expm1(2 * (s - s_0)) - 2 * (s - s_0) + offset**2 * np.exp(-2 * s_0)
    slopes = [offset * np.exp(-2 * s_0), np.expm1(2 * (s - s_0))]
    yield "log-variance read as log σ", _results(question, upstream, losses, slopes)
    far = offset * np.exp(-s)
    losses = np.expm1(s_0 - s) - (s_0 - s) + offset * far
    slopes = [far, -0.5 * (np.expm1(s_0 - s) + offset * far)]
    yield "divergence the other way round", _results(question, upstream, losses, slopes)


def _results(
    question: Question,
    upstream: np.ndarray | None,
    losses: np.ndarray,
    slopes: list[np.ndarray],
) -> Results:
    """Both results from twice the curves' divergences and the slopes of each."""
    rows = 0.5 * losses.sum(axis=-1)
    gradient = np.concatenate(slopes, axis=-1)
    if question.kwargs.get("reduction", "mean") == "none":
        weight = 1.0 if upstream is None else upstream[..., None]
        return {"output": rows, "input gradient": weight * gradient}
    mean = question.kwargs.get("reduction", "mean") == "mean"
    total = rows.size if mean else 1
    return {"output": rows.sum() / total, "input gradient": gradient / total}
