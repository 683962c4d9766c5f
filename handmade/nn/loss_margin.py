"""Margin losses."""

from handmade._array import Array, array_namespace, check, check_alike, holds
from handmade._numbers import finite_number, whole
from handmade.nn._reduction import Loss
from handmade.nn._targets import class_weights, classes_first, one_hot, swapped


class HingeEmbeddingLoss(Loss):
    """Hinge loss of distances: small for similar pairs, beyond a margin for dissimilar.

    Forward:
        Lₙ = xₙ where yₙ = 1, max(0, m − xₙ) where yₙ = −1; averaged over all elements

    Backward:
        ∂Lₙ/∂xₙ = 1 where yₙ = 1; where yₙ = −1 it is −1 up to the margin, then 0
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape.

    At the kink:
        The slope at x = m is −1, as in torch.

    Args:
        margin: m.
        reduction: as for every loss.

    Torch:
        `torch.nn.HingeEmbeddingLoss`. A target that is neither 1 nor −1 gets the sum
        of both terms there and ValueError here.
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = finite_number("HingeEmbeddingLoss", "margin", margin)

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        if holds(xp.any(~((target == 1) | (target == -1)))):
            raise ValueError("HingeEmbeddingLoss: every target must be 1 or -1")
        self.saved = input, target
        missing = xp.clip(self.margin - input, 0, None)
        losses = xp.where(target == 1, input, missing)
        return self._reduced(xp, losses)

    def backward(self, grad_output: Array | None = None) -> Array:
        input, target = self.saved
        xp = array_namespace(self, input=input)
        counts = (target == 1) | (input <= self.margin)  # NaN does not, as in torch
        slope = xp.where(counts, target, xp.zeros_like(input))
        return self._grad_losses(grad_output) * slope


class MultiMarginLoss(Loss):
    """Multi-class hinge loss: the right class must win by a margin.

    Forward:
        Lₙ = w[yₙ] Σ_{c ≠ yₙ} max(0, zₙ[c])ᵖ / C with zₙ[c] = m − xₙ[yₙ] + xₙ[c];
        averaged over the examples

    Backward:
        sₙ[c] = w[yₙ] / C · (1 for p = 1, 2 zₙ[c] for p = 2) where c ≠ yₙ and
        zₙ[c] > 0, else 0
        ∂Lₙ/∂xₙ[c] = sₙ[c] for c ≠ yₙ, and −Σ_k sₙ[k] for c = yₙ

    Shape:
        x (n, c), y (n,) class indices, w (c,); or one example, x (c,) and y ().

    At the kink:
        The slope at z = 0 is 0, as in torch.

    Args:
        p: 1 or 2.
        margin: m.
        weight: w, one number a class.
        reduction: as for every loss.

    Torch:
        `torch.nn.MultiMarginLoss`, which also takes a single number x () for one
        class. Of no examples its mean and its sum are whatever stood in memory; here
        they are NaN and 0.
    """

    buffer_names = ("weight",)

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Array | None = None,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.p = whole("MultiMarginLoss", "p", p, 1)
        if self.p > 2:
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {p}")
        self.margin = finite_number("MultiMarginLoss", "margin", margin)
        self.weight = weight

    def forward(self, input: Array, target: Array) -> Array:
        xp = check(self, input=input)
        x = classes_first(self, input)
        if x.ndim > 2:
            raise ValueError(
                f"MultiMarginLoss: input must be (n, c) or (c,) with at least one "
                f"class, got shape {tuple(input.shape)}"
            )
        right, _ = one_hot(self, x, target)
        weight = xp.where(right, class_weights(self, self.weight, x), 0.0)
        of_right = xp.sum(xp.where(right, x, 0.0), axis=0)
        z = self.margin - of_right + xp.where(right, 0.0, x)
        missing = xp.where(~right & (z > 0), z, 0.0)  # NaN costs 0, as in torch
        share = xp.where(missing > 0, xp.sum(weight, axis=0) / x.shape[0], 0.0)
        self.saved = right, share, missing
        return self._reduced(xp, xp.sum(share * missing**self.p, axis=0))

    def backward(self, grad_output: Array | None = None) -> Array:
        right, share, missing = self.saved
        xp = array_namespace(self, missing=missing)
        slope = share * (xp.sign(missing) if self.p == 1 else 2 * missing)
        grad = xp.where(right, -xp.sum(slope, axis=0), slope)
        return swapped(self._grad_losses(grad_output) * grad)
