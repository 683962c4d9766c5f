"""Drawers of every loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compare.testing.case import Layer, weight
from strategies.spec import (
    ANSWERS,
    KINDS,
    PROBABILITIES,
    REDUCTIONS,
    SCALES,
    Choose,
    Draw,
    Drawn,
    given,
    number,
    rounded,
    shape,
    values,
    weights,
)


def _difference(name: str) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        kwargs, size = _reduced(choose)
        x, target = (values(choose, rng, size) for _ in range(2))
        tied = np.where(rng.random(size) < choose((0.0, 0.3)), x, target)
        return Layer(name, kwargs=kwargs), (x, tied)

    return draw


BETAS = (1.0, 0.5, 2.0, 1e-2, 10.0)
"""Where SmoothL1Loss and HuberLoss go from squared to straight."""
MARGINS = (1.0, 0.5, 2.0, 0.0, -0.5)


def _rounded_tip(name: str, option: str, options: Sequence[float]) -> Draw:
    def draw(choose: Choose, rng: Any) -> Drawn:
        spec, inputs = _difference(name)(choose, rng)
        more = choose(({}, {option: number(choose, choose(options))}))
        return Layer(name, kwargs=spec.kwargs | more), inputs

    return draw


def _kl_div(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _reduced(choose)
    if kwargs.get("reduction") == "mean":
        kwargs = {"reduction": choose(("mean", "batchmean"))}
    target = rng.uniform(0, 1, size) * (rng.random(size) > choose((0.0, 0.3)))
    if choose((False, True)):
        kwargs, target = {**kwargs, "log_target": True}, -3 * target
    return Layer("KLDivLoss", kwargs=kwargs), (
        values(choose, rng, size),
        rounded(target),
    )


def _hinge_embedding(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _reduced(choose)
    more = choose(({}, {"margin": number(choose, choose(MARGINS))}))
    x = values(choose, rng, size)
    return Layer("HingeEmbeddingLoss", kwargs=kwargs | more), (
        np.where(rng.random(size) < choose((0.0, 0.3)), 1.0, x),
        rng.choice([-1.0, 1.0], size),
    )


def _rows(choose: Choose, rng: Any) -> tuple[dict[str, Any], Any, Any]:
    """A reduction, x (n, c) or (c,) and its class indices; never an empty sum."""
    kwargs, size = _classified(choose)
    size = size[:2]
    # Torch sums no examples to whatever stood in memory.
    if 0 in size:
        kwargs = {"reduction": "none"}
    target = rng.integers(0, size[-1], size[:-1])
    return kwargs, values(choose, rng, size), np.asarray(target)


def _multi_margin(choose: Choose, rng: Any) -> Drawn:
    kwargs, x, target = _rows(choose, rng)
    more = choose(({}, {"margin": number(choose, choose(MARGINS))}))
    more = more | choose(({}, {"p": 2}, {"p": 1}))
    weight = given(weight=_class_weight(choose, rng, x.shape[-1]))
    return Layer("MultiMarginLoss", kwargs=kwargs | more | weight), (x, target)


def _expected_cost(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _classified(choose)
    axis = min(1, len(size) - 1)
    target = np.asarray(rng.integers(0, size[axis], size[:axis] + size[axis + 1 :]))
    cost = rng.uniform(0, 2, (size[axis],) * 2)
    kwargs["cost"] = rounded(cost * (rng.random(cost.shape) > choose((0.0, 0.3))))
    return Layer("ExpectedCostLoss", kwargs=kwargs), (values(choose, rng, size), target)


def penalty(choose: Choose, rng: Any) -> Drawn:
    x = values(choose, rng, shape(choose))
    return _smoothness(choose), (x, x)


def _smoothness(choose: Choose) -> Layer:
    """A penalty on templates, whose numbers are its state."""
    h, w = choose(((2, 3), (1, 2), (3, 1), (4, 4)))
    template = weight(choose((2, 1, 3)), h * w)
    return Layer("SmoothnessPenalty", (template, (h, w)))


def _weighted_sum(choose: Choose, rng: Any) -> Drawn:
    draw = choose((_apart, _classified_apart))
    inner, inputs = draw(choose, rng)
    if choose((False, True)):
        inner = [*inner, _smoothness(choose)]
    if choose((False, True)):
        nested = Layer("WeightedSum", ([(number(choose, 0.5), inner[0])],))
        inner = [nested, *inner[1:]]
    factors = [choose((1.0, 0.3, -2.0, 3)) for _ in inner]
    return Layer("WeightedSum", (list(zip(factors, inner, strict=True)),)), inputs


def _apart(choose: Choose, rng: Any) -> tuple[list[Layer], tuple[np.ndarray, ...]]:
    """One to three losses of differences, and numbers for them."""
    names = ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss")
    size = shape(choose, empty=False)
    inner = [
        Layer(choose(names), kwargs={"reduction": choose(("mean", "sum"))})
        for _ in range(choose((1, 2, 3)))
    ]
    return inner, (values(choose, rng, size), values(choose, rng, size))


def _classified_apart(
    choose: Choose, rng: Any
) -> tuple[list[Layer], tuple[np.ndarray, ...]]:
    """A cross-entropy, perhaps with expected costs, and rows for them."""
    _, x, target = _rows(choose, rng)
    inner = [Layer("CrossEntropyLoss", kwargs={"reduction": "sum"})]
    if choose((False, True)):
        cost = rounded(rng.uniform(0, 2, (x.shape[-1],) * 2))
        inner.append(Layer("ExpectedCostLoss", (cost,), {"reduction": "sum"}))
    return inner, (x, target)


def curves(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray:
    """Gaussians (…, 2k): means of any scale, moderate log-variances."""
    kind, scale = KINDS[choose(tuple(KINDS))], choose((1.0, 1e-3, 3.0, 0.0))
    means = values(choose, rng, size)
    return rounded(np.concatenate([means, scale * kind(*size)(rng)], axis=-1))


def _gaussian_kl(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _reduced(choose)
    # Of one example alone there is one loss, and nothing to keep apart.
    size = (*(size[:3] or (2,)), choose((2, 1, 3)))
    x = curves(choose, rng, size)
    other = choose((curves(choose, rng, size), np.zeros_like(x)))
    return Layer("GaussianKLLoss", kwargs=kwargs), (x, other)


def _bce(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _reduced(choose)
    x = rounded(PROBABILITIES[choose(tuple(PROBABILITIES))](*size)(rng))
    target = rounded(ANSWERS[choose(tuple(ANSWERS))](*size)(rng))
    more = given(weight=weights(choose, rng, size))
    return Layer("BCELoss", kwargs=kwargs | more), (x, target)


def _bce_with_logits(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _reduced(choose)
    target = rounded(ANSWERS[choose(tuple(ANSWERS))](*size)(rng))
    both = {k: weights(choose, rng, size) for k in ("weight", "pos_weight")}
    spec = Layer("BCEWithLogitsLoss", kwargs=kwargs | given(**both))
    return spec, (values(choose, rng, size), target)


def _reduced(choose: Choose) -> tuple[dict[str, str], tuple[int, ...]]:
    """A reduction, and a shape that it exists for: the mean of nothing does not."""
    reduction = choose(REDUCTIONS)
    kwargs = choose(({}, {"reduction": "mean"}))
    if reduction != "mean":
        kwargs = {"reduction": reduction}
    return kwargs, shape(choose, empty=reduction != "mean")


def _nll(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _classified(choose)
    target, more = _indices(choose, rng, size, kwargs)
    return Layer("NLLLoss", kwargs=kwargs | more), (values(choose, rng, size), target)


def _cross_entropy(choose: Choose, rng: Any) -> Drawn:
    kwargs, size = _classified(choose)
    draw = choose((_indices, _indices, _probabilities))
    target, more = draw(choose, rng, size, kwargs)
    if smoothing := choose((0, 0.1, 0.5, 1.0)):
        more["label_smoothing"] = number(choose, smoothing)
    spec = Layer("CrossEntropyLoss", kwargs=kwargs | more)
    return spec, (values(choose, rng, size), target)


def _classified(choose: Choose) -> tuple[dict[str, str], tuple[int, ...]]:
    """A reduction and a shape (n, c, …) or (c,) with at least one class."""
    kwargs, size = _reduced(choose)
    classes = choose((3, 2, 1, 5))
    return kwargs, (*size[:1], classes, *size[1:3])


def _probabilities(choose: Choose, rng: Any, size: tuple[int, ...], kwargs: Any) -> Any:
    """Probabilities of the classes; now and then they do not add to 1."""
    raw = rng.uniform(0, 1, size)
    axis = min(1, len(size) - 1)
    total = raw.sum(axis=axis, keepdims=True)
    target = rounded(raw / choose((total, 1.0)))
    return target, given(weight=_class_weight(choose, rng, size[axis]))


def _indices(choose: Choose, rng: Any, size: tuple[int, ...], kwargs: Any) -> Any:
    """Class indices, some of them ignored; never all, if their mean is wanted."""
    axis = min(1, len(size) - 1)
    classes = size[axis]
    ignored = choose((-100, *range(classes), -1))
    counted = [c for c in range(classes) if c != ignored] or [0]
    more = {} if ignored == -100 or counted == [ignored] else {"ignore_index": ignored}
    some = size[:axis] + size[axis + 1 :]
    target = rng.choice(counted, some)
    hidden = rng.random(some) < choose((0.0, 0.3, 1.0))
    target = np.where(hidden, more.get("ignore_index", -100), target)
    weight = _class_weight(choose, rng, classes)
    if kwargs.get("reduction", "mean") == "mean":
        target.reshape(-1)[0] = counted[0]
        if weight is not None:
            weight[counted[0]] = 1
    return target, more | given(weight=weight)


def _class_weight(choose: Choose, rng: Any, classes: int) -> np.ndarray | None:
    if choose((True, False)):
        return None
    dropped = rng.random(classes) < choose((0.0, 0.3))
    return rounded(choose(SCALES) * np.where(dropped, 0, rng.uniform(0.5, 2, classes)))


LOSSES: dict[str, Draw] = {
    "BCELoss": _bce,
    "BCEWithLogitsLoss": _bce_with_logits,
    "CrossEntropyLoss": _cross_entropy,
    "ExpectedCostLoss": _expected_cost,
    "GaussianKLLoss": _gaussian_kl,
    "HingeEmbeddingLoss": _hinge_embedding,
    "HuberLoss": _rounded_tip("HuberLoss", "delta", BETAS),
    "KLDivLoss": _kl_div,
    "L1Loss": _difference("L1Loss"),
    "MSELoss": _difference("MSELoss"),
    "MultiMarginLoss": _multi_margin,
    "NLLLoss": _nll,
    "SmoothL1Loss": _rounded_tip("SmoothL1Loss", "beta", (*BETAS, 0)),
    "WeightedSum": _weighted_sum,
}
