"""Losses of probabilities and classes: cross-entropies and their relatives."""

from typing import Any

import numpy as np

from handmade._array import (
    Array,
    array_namespace,
    check,
    check_alike,
    holds,
    is_integral,
    require_shape,
)
from handmade._numbers import flag, probability, whole
from handmade.nn._gate import sigmoid
from handmade.nn._reduction import Loss
from handmade.nn._targets import class_weights, classes_first, one_hot, swapped
from handmade.nn.activation import log_softmax

LOG_FLOOR = -100.0
"""BCELoss takes no logarithm below this, as in torch."""
VARIANCE_FLOOR = float(np.float32(1e-12))
"""BCELoss divides by no p (1 − p) below this: a float32 constant in torch, too."""


class BCELoss(Loss):
    """Binary cross-entropy of probabilities.

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
        `torch.nn.BCELoss`.
    """

    buffer_names = ("weight",)

    def __init__(self, weight: Array | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.weight = weight

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        _require_probabilities(xp, input=input, target=target)
        weight = _weights("BCELoss", self.weight, input)
        log_yes = _clamped_log(xp, xp.log, input, input > 0)
        log_no = _clamped_log(xp, xp.log1p, -input, input < 1)
        self.saved = input, target, weight
        losses = -(target * log_yes + (1 - target) * log_no) * weight
        return self._reduced(xp, losses)

    def backward(self, grad_output: Array | None = None) -> Array:
        input, target, weight = self.saved
        xp = array_namespace(self, input=input)
        variance = xp.clip(input * (1 - input), VARIANCE_FLOOR, None)
        grad_losses = self._grad_losses(grad_output) * weight
        return grad_losses * ((input - target) / variance)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits: sigmoid and `BCELoss` in one.

    Forward:
        Lₙ = −wₙ (p yₙ log σ(xₙ) + (1 − yₙ) log σ(−xₙ)), averaged over all elements

    Backward:
        ∂Lₙ/∂xₙ = wₙ ((1 − yₙ) σ(xₙ) − p yₙ σ(−xₙ))
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape; w and p (the weight of positives) broadcast to it.

    Stability:
        log σ(x) = min(x, 0) − log(1 + e^-|x|): no overflow at any x.

    Torch:
        `torch.nn.BCEWithLogitsLoss`, with `weight` = w and `pos_weight` = p. Where p is
        infinite, its gradient is ∞ − ∞, NaN; −∞ here.
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
        xp = check_alike(self, input, target)
        weight = _weights("BCEWithLogitsLoss", self.weight, input)
        yes = target * _weights("BCEWithLogitsLoss", self.pos_weight, input)
        no = 1 - target
        self.saved = input, yes, no, weight
        log_small = xp.log1p(xp.exp(-xp.abs(input)))
        below = xp.clip(-input, 0, None)
        above = input + below  # max(x, 0); at −∞ NaN, as in torch
        losses = (log_small + below) * yes + (log_small + above) * no
        return self._reduced(xp, losses * weight)

    def backward(self, grad_output: Array | None = None) -> Array:
        input, yes, no, weight = self.saved
        grad_losses = self._grad_losses(grad_output) * weight
        return grad_losses * (no * sigmoid(input) - yes * sigmoid(-input))


class _ClassLoss(Loss):
    """Base class of losses of class indices."""

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
        self.ignore_index = whole(type(self).__name__, "ignore_index", ignore_index)


class NLLLoss(_ClassLoss):
    """Negative log-likelihood of the right class.

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
        `torch.nn.NLLLoss`.
    """

    def forward(self, input: Array, target: Array) -> Array:
        xp = check(self, input=input)
        x = classes_first(self, input)
        right, _ = one_hot(self, x, target, self.ignore_index)
        q = xp.where(right, class_weights(self, self.weight, x), 0.0)
        self.saved = right, q
        losses = -xp.sum(q * xp.where(right, x, 0.0), axis=0)
        return self._reduced(xp, losses, xp.sum(q))

    def backward(self, grad_output: Array | None = None) -> Array:
        right, q = self.saved
        xp = array_namespace(self, q=q)
        return swapped(xp.where(right, -q * self._grad_losses(grad_output), 0.0))


class CrossEntropyLoss(_ClassLoss):
    """Softmax followed by the negative log-likelihood of the right class.

    Forward:
        Lₙ = −Σ_c q[n, c] log softmax(xₙ)[c]
        q = w[c] ((1 − ε) [c = yₙ] + ε / C) for class indices; for probabilities y
        the bracket is yₙ[c]. The mean is Σₙ Lₙ / Σₙ w[yₙ] for indices, Σₙ Lₙ / N for
        probabilities.

    Backward:
        ∂Lₙ/∂xₙ = softmax(xₙ) − qₙ, where q sums to 1: plain indices, probabilities
        ∂Lₙ/∂xₙ[c] = softmax(xₙ)[c] Σ_k q[n, k] − q[n, c] with weights, too

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
        `torch.nn.CrossEntropyLoss`. Its gradient is NaN at an ignored example where a
        class weight is infinite and labels are smoothed; 0 here.
    """

    def __init__(
        self,
        weight: Array | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        self.label_smoothing = probability(
            "CrossEntropyLoss", "label_smoothing", label_smoothing
        )

    def forward(self, input: Array, target: Array) -> Array:
        xp = check(self, input=input)
        log_p = log_softmax(classes_first(self, input), 0)
        if is_integral(target, self, "target"):
            return self._of_classes(xp, log_p, target)
        return self._of_probabilities(xp, log_p, target)

    def backward(self, grad_output: Array | None = None) -> Array:
        log_p, q, q_sum, counted = self.saved
        xp = array_namespace(self, log_p=log_p)
        softmax = xp.exp(log_p)
        if q_sum is not None:  # else it is 1
            softmax = softmax * q_sum
        grad = softmax - q
        grad *= self._grad_losses(grad_output)
        if counted is not None:  # 0 also where all are ignored, whose mean is 0/0
            grad = xp.where(counted, grad, 0.0)
        return swapped(grad)

    def _of_classes(self, xp: Any, log_p: Array, target: Array) -> Array:
        """The loss of class indices; saves q, Σ q unless it is 1, and who counts."""
        right, all_count = one_hot(self, log_p, target, self.ignore_index)
        eps = self.label_smoothing
        if all_count and self.weight is None and eps == 0:
            self.saved = log_p, xp.astype(right, log_p.dtype), None, None
            return self._reduced(xp, -xp.sum(xp.where(right, log_p, 0.0), axis=0))
        weight, counted = class_weights(self, self.weight, log_p), xp.any(right, axis=0)
        q = own = xp.where(right, weight, 0.0)
        if eps > 0:
            spread = xp.where(counted, weight, 0.0) / log_p.shape[0]
            q = (1 - eps) * own + eps * spread
        self.saved = log_p, q, xp.sum(q, axis=0), counted
        losses = -xp.sum(q * xp.where(q == 0, 0.0, log_p), axis=0)
        return self._reduced(xp, losses, xp.sum(own))

    def _of_probabilities(self, xp: Any, log_p: Array, target: Array) -> Array:
        """The loss of probabilities; saves q and Σ q."""
        check(self, input=log_p, target=target)
        shape, eps = swapped(log_p).shape, self.label_smoothing
        require_shape(self, "target (probabilities)", target, shape)
        if self.ignore_index >= 0:
            raise ValueError(
                f"CrossEntropyLoss: ignore_index {self.ignore_index} names a class, "
                f"but target holds probabilities"
            )
        q = (1 - eps) * swapped(target) + eps / log_p.shape[0]
        q = q * class_weights(self, self.weight, log_p)
        self.saved = log_p, q, xp.sum(q, axis=0), None
        return self._reduced(xp, -xp.sum(q * log_p, axis=0))


class KLDivLoss(Loss):
    """Kullback–Leibler divergence KL(y ‖ x) of log-probabilities x.

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
        `torch.nn.KLDivLoss`. A negative target gives NaN there and ValueError here.
        "batchmean" of a single number x () is its sum.
    """

    reductions = (*Loss.reductions, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = flag("KLDivLoss", "log_target", log_target)

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        if self.log_target:
            y = xp.exp(target)
            losses = y * (target - input)
        else:
            if holds(xp.any(~(target >= 0))):  # NaN, too
                raise ValueError(
                    "KLDivLoss: every element of target must be a probability, at "
                    "least 0; give logarithms with log_target=True"
                )
            y = target
            log_y = xp.log(xp.where(y > 0, y, xp.ones_like(y)))  # y log y is 0 at 0
            losses = y * log_y - y * input
        self.saved = y
        examples = input.shape[0] if input.ndim else 1
        total = examples if self.reduction == "batchmean" else None
        return self._reduced(xp, losses, total)

    def backward(self, grad_output: Array | None = None) -> Array:
        y = self.saved
        return self._grad_losses(grad_output) * -y


def _require_probabilities(xp: Any, **arrays: Array) -> None:
    """Refuse numbers outside [0, 1], and NaN."""
    for name, array in arrays.items():
        if holds(xp.any(~((array >= 0) & (array <= 1)))):
            raise ValueError(f"BCELoss: every element of {name} must lie in [0, 1]")


def _clamped_log(xp: Any, log: Any, p: Array, finite: Array) -> Array:
    """`log(p)`, but never below LOG_FLOOR, and silent where it is −∞."""
    logs = log(xp.where(finite, p, xp.ones_like(p)))
    return xp.where(finite, xp.clip(logs, LOG_FLOOR, None), LOG_FLOOR + 0 * p)


def _weights(owner: str, weight: Array | None, input: Array) -> Any:
    """The weight of each element, or 1."""
    if weight is None:
        return 1.0
    check(owner, input=input, weight=weight)
    trailing = tuple(input.shape)[input.ndim - weight.ndim :]
    fits = all(w in (1, n) for w, n in zip(weight.shape, trailing, strict=False))
    if weight.ndim > input.ndim or not fits:
        raise ValueError(
            f"{owner}: a weight of shape {tuple(weight.shape)} does not broadcast to "
            f"input of shape {tuple(input.shape)}"
        )
    return weight
