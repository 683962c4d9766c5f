"""Losses of shares and classes: how surprised the output is by the truth."""

import math
from typing import Any

import numpy as np

from handmade._array import (
    Array,
    array_namespace,
    floating_namespace,
    is_integral,
    known,
    require_shape,
)
from handmade._numbers import real_number
from handmade.nn._gate import sigmoid
from handmade.nn._infinity import minus, times
from handmade.nn._reduction import Loss
from handmade.nn._targets import (
    class_weights,
    classes_first,
    expected,
    one_hot,
    require_integers,
    right_classes,
    swapped,
)
from handmade.nn.activation import log_softmax

LOG_FLOOR = -100.0
"""BCELoss takes no logarithm below this, as in torch."""
VARIANCE_FLOOR = float(np.float32(1e-12))
"""BCELoss divides by no p (1 − p) below this: a float32 constant in torch, too."""


class BCELoss(Loss):
    """Cross-entropy of a yes-or-no answer given as a probability.

    Forward:
        Lₙ = −wₙ (yₙ log xₙ + (1 − yₙ) log(1 − xₙ)), averaged over all elements

    Backward:
        ∂Lₙ/∂xₙ = wₙ (xₙ − yₙ) / (xₙ (1 − xₙ))
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x in [0, 1] and y alike, any shape; w broadcasts to it.

    Stability:
        Logarithms stop at −100 and the division at 1e-12, both as in torch; prefer
        `BCEWithLogitsLoss`, which needs neither.

    Torch:
        `torch.nn.BCELoss`; the mean over no elements is NaN there and refused here.
    """

    buffer_names = ("weight",)

    def __init__(self, weight: Array | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.weight = weight

    def forward(self, input: Array, target: Array) -> Array:
        xp = self._same_shape(input, target)
        if known(xp.any(~((input >= 0) & (input <= 1)))):  # NaN, too
            raise ValueError("BCELoss: every element of input must lie in [0, 1]")
        self.saved = input, target, _weights("BCELoss", self.weight, input)
        yes = _clamped_log(xp, xp.log, input, input > 0)
        no = _clamped_log(xp, xp.log1p, -input, input < 1)
        losses = -(target * yes + (1 - target) * no) * self.saved[2]
        return self._reduced(xp, losses, math.prod(input.shape))

    def backward(self, grad_output: Array | None = None) -> Array:
        input, target, weight = self.saved
        xp = array_namespace("BCELoss", input=input)
        grad_losses = self._grad_losses(grad_output, math.prod(input.shape)) * weight
        variance = xp.clip(input * (1 - input), VARIANCE_FLOOR, None)
        return grad_losses * ((input - target) / variance)


class BCEWithLogitsLoss(Loss):
    """Cross-entropy of a yes-or-no answer, straight from the weighted sum x.

    Forward:
        Lₙ = −wₙ (p yₙ log σ(xₙ) + (1 − yₙ) log σ(−xₙ)), averaged over all elements

    Backward:
        ∂Lₙ/∂xₙ = wₙ ((1 − yₙ) σ(xₙ) − p yₙ σ(−xₙ))
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape; w and p (how much a yes counts) broadcast to it.

    Stability:
        log σ(x) = min(x, 0) − log(1 + e^-|x|): no overflow at any x.

    Torch:
        `torch.nn.BCEWithLogitsLoss`, with `weight` = w and `pos_weight` = p; the mean
        over no elements is NaN there and refused here. The loss at x = −∞ and y = 1 is
        NaN there and ∞ here.
    """

    buffer_names = ("weight", "pos_weight")

    def __init__(
        self,
        weight: Array | None = None,
        *,
        reduction: str = "mean",
        pos_weight: Array | None = None,
    ) -> None:
        super().__init__(reduction=reduction)
        self.weight = weight
        self.pos_weight = pos_weight

    def forward(self, input: Array, target: Array) -> Array:
        xp = self._same_shape(input, target)
        weight = _weights("BCEWithLogitsLoss", self.weight, input)
        yes = target * _weights("BCEWithLogitsLoss", self.pos_weight, input)
        no = 1 - target
        self.saved = input, yes, no, weight
        log_small = xp.log1p(xp.exp(-xp.abs(input)))
        above, below = xp.clip(input, 0, None), xp.clip(-input, 0, None)
        losses = times(log_small + below, yes) + times(log_small + above, no)
        return self._reduced(xp, losses * weight, math.prod(input.shape))

    def backward(self, grad_output: Array | None = None) -> Array:
        input, yes, no, weight = self.saved
        grad_losses = self._grad_losses(grad_output, math.prod(input.shape)) * weight
        return grad_losses * (no * sigmoid(input) - yes * sigmoid(-input))


class NLLLoss(Loss):
    """The negative log-probability of the right class.

    Forward:
        Lₙ = −w[yₙ] xₙ[yₙ], and their mean is Σₙ Lₙ / Σₙ w[yₙ]

    Backward:
        ∂Lₙ/∂xₙ[c] = −w[c] [c = yₙ]

    Shape:
        x (n, c, …) log-probabilities, y (n, …) class indices, w (c,); or one example,
        x (c,) and y ().

    Args:
        weight: w, one number a class.
        ignore_index: examples with this target count for nothing.
        reduction: as for every loss.

    Torch:
        `torch.nn.NLLLoss`; the mean over no examples, or only ignored ones, is NaN
        there and refused here.
    """

    buffer_names = ("weight",)

    def __init__(
        self,
        weight: Array | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.weight = weight
        self.ignore_index = ignore_index

    def forward(self, input: Array, target: Array) -> Array:
        xp = floating_namespace("NLLLoss", input=input)
        log_p = classes_first("NLLLoss", input)
        self._nonempty(input)
        q = one_hot("NLLLoss", log_p, target, self.ignore_index)
        q = q * class_weights("NLLLoss", self.weight, log_p)
        total = _total_weight(xp, q, self)
        self.saved = q, total
        return self._reduced(xp, expected(xp, q, -log_p), total)

    def backward(self, grad_output: Array | None = None) -> Array:
        q, total = self.saved
        return swapped(-q * self._grad_losses(grad_output, total))


class CrossEntropyLoss(Loss):
    """How surprised the softmax of x is by the truth: a sure wrong answer costs most.

    Forward:
        Lₙ = −Σ_c q[n, c] log softmax(xₙ)[c]
        q = w[c] ((1 − ε) [c = yₙ] + ε / C) for class indices; for probabilities y
        the bracket is yₙ[c]. The mean is Σₙ Lₙ / Σₙ w[yₙ] for indices, Σₙ Lₙ / N for
        probabilities.

    Backward:
        ∂Lₙ/∂xₙ[c] = softmax(xₙ)[c] Σ_k q[n, k] − q[n, c]

    Shape:
        x (n, c, …), y (n, …) class indices or (n, c, …) probabilities, w (c,); or one
        example without n.

    Stability:
        log softmax is computed whole, so no probability is rounded to 0 before its
        logarithm.

    Args:
        weight: w, one number a class.
        ignore_index: examples with this class index count for nothing.
        reduction: as for every loss.
        label_smoothing: ε in [0, 1].

    Torch:
        `torch.nn.CrossEntropyLoss`; the mean over no examples, or only ignored ones, is
        NaN there and refused here.
    """

    buffer_names = ("weight",)

    def __init__(
        self,
        weight: Array | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction=reduction)
        eps = real_number("CrossEntropyLoss", "label_smoothing", label_smoothing)
        if not 0 <= eps <= 1:
            raise ValueError(
                f"CrossEntropyLoss: label_smoothing must lie in [0, 1], "
                f"got {label_smoothing}"
            )
        self.weight = weight
        self.ignore_index = ignore_index
        self.label_smoothing = eps

    def forward(self, input: Array, target: Array) -> Array:
        xp = floating_namespace("CrossEntropyLoss", input=input)
        scores = classes_first("CrossEntropyLoss", input)
        self._nonempty(input)
        array_namespace("CrossEntropyLoss", input=input, target=target)
        weighed = self._of_classes if is_integral(target) else self._of_shares
        q, mass, total = weighed(xp, scores, target)
        log_p = log_softmax(scores, 0)
        self.saved = q, mass, log_p, total
        return self._reduced(xp, -expected(xp, q, log_p), total)

    def backward(self, grad_output: Array | None = None) -> Array:
        q, mass, log_p, total = self.saved
        xp = array_namespace("CrossEntropyLoss", input=log_p)
        grad = xp.exp(log_p)
        if mass is not None:  # it is 1
            grad *= mass
        grad -= xp.astype(q, log_p.dtype)
        grad *= self._grad_losses(grad_output, total)
        return swapped(grad)

    def _of_classes(
        self, xp: Any, scores: Array, target: Array
    ) -> tuple[Array, Any, Any]:
        """The weights q; Σ_k q[k, n], None where it is 1; and the mean's divisor."""
        owner, eps = "CrossEntropyLoss", self.label_smoothing
        right, every = right_classes(owner, xp, scores, target, self.ignore_index)
        if every and self.weight is None and eps == 0:
            return right, None, math.prod(target.shape)
        hot = xp.astype(right, scores.dtype)
        share = eps / scores.shape[0] * xp.sum(hot, axis=0)
        weight = class_weights(owner, self.weight, scores)
        q = ((1 - eps) * hot + share) * weight
        return q, xp.sum(q, axis=0), _total_weight(xp, hot * weight, self)

    def _of_shares(
        self, xp: Any, scores: Array, target: Array
    ) -> tuple[Array, Any, Any]:
        """As `_of_classes`, where the target holds probabilities."""
        owner, eps = "CrossEntropyLoss", self.label_smoothing
        if not xp.isdtype(target.dtype, "real floating"):
            require_integers(owner, target)
        floating_namespace(owner, input=scores, target=target)
        shape = swapped(scores).shape
        require_shape(owner, "target (probabilities)", target, shape)
        if self.ignore_index >= 0:
            raise ValueError(
                f"{owner}: ignore_index {self.ignore_index} names a class, but "
                f"target holds probabilities"
            )
        shares = (1 - eps) * swapped(target) + eps / scores.shape[0]
        q = shares * class_weights(owner, self.weight, scores)
        return q, xp.sum(q, axis=0), math.prod(scores.shape[1:])


class KLDivLoss(Loss):
    """How much more surprising the truth y is to who believes x than it need be.

    Forward:
        Lₙ = yₙ (log yₙ − xₙ), 0 where yₙ = 0 and xₙ is finite; with `log_target` y is
        given as its logarithm: Lₙ = exp(yₙ) (yₙ − xₙ), for a finite yₙ

    Backward:
        ∂Lₙ/∂xₙ = −yₙ, or −exp(yₙ)

    Shape:
        x log-probabilities and y alike, any shape.

    Args:
        reduction: also "batchmean", which divides the sum by the number of examples:
            the divergence itself. "mean" divides by the number of all elements.
        log_target: whether y is given as its logarithm.

    Torch:
        `torch.nn.KLDivLoss`. A negative target has the value NaN there and is refused
        here, as is the mean over no elements or examples. "batchmean" of a single
        number x () is its sum. Both are NaN where a share of 0 meets ±∞.
    """

    reductions = (*Loss.reductions, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, input: Array, target: Array) -> Array:
        xp = self._same_shape(input, target)
        if self.log_target:
            shares = xp.exp(target)
            losses = times(minus(target, input), shares)
        else:
            shares = target
            losses = _share_times_log(xp, target) - times(input, target)
        total = _divergences(self.reduction, input)
        self.saved = shares, total
        return self._reduced(xp, losses, total)

    def backward(self, grad_output: Array | None = None) -> Array:
        shares, total = self.saved
        return self._grad_losses(grad_output, total) * -shares


def _divergences(reduction: str, input: Array) -> int:
    """What the mean divides by: all elements, or the examples."""
    if reduction == "batchmean":
        return input.shape[0] if input.ndim else 1
    return math.prod(input.shape)


def _share_times_log(xp: Any, share: Array) -> Array:
    """P log p, which is 0 at p = 0."""
    if known(xp.any(~(share >= 0))):  # NaN, too
        raise ValueError(
            "KLDivLoss: every element of target must be a share, at least 0; give "
            "logarithms with log_target=True"
        )
    return share * xp.log(xp.where(share > 0, share, xp.ones_like(share)))


def _clamped_log(xp: Any, log: Any, p: Array, finite: Array) -> Array:
    """`log(p)`, but never below LOG_FLOOR, and silent where it is −∞."""
    logs = log(xp.where(finite, p, xp.ones_like(p)))
    return xp.where(finite, xp.clip(logs, LOG_FLOOR, None), LOG_FLOOR + 0 * p)


def _weights(owner: str, weight: Array | None, input: Array) -> Any:
    """The weight of each element, or 1."""
    if weight is None:
        return 1.0
    floating_namespace(owner, input=input, weight=weight)
    trailing = tuple(input.shape)[input.ndim - weight.ndim :]
    fits = all(w in (1, n) for w, n in zip(weight.shape, trailing, strict=False))
    if weight.ndim > input.ndim or not fits:
        raise ValueError(
            f"{owner}: a weight of shape {tuple(weight.shape)} does not broadcast to "
            f"input of shape {tuple(input.shape)}"
        )
    return weight


def _total_weight(xp: Any, weighted: Array, loss: Loss) -> Any:
    """Σₙ w[yₙ], which the mean divides by."""
    total = xp.sum(weighted)
    if loss.reduction == "mean" and known(total == 0):
        raise ValueError(
            f"{type(loss).__name__}: the mean over no examples does not exist; every "
            f"target is ignore_index or has weight 0"
        )
    return total
