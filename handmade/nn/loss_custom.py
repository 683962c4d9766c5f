"""Custom losses: weighted sums, expected cost, smoothness penalty."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from handmade._array import Array, array_namespace, check, index_add, require_shape
from handmade._numbers import finite_number, members, whole
from handmade.nn._reduction import Loss
from handmade.nn._targets import classes_first, one_hot, swapped
from handmade.nn.activation import softmax
from handmade.nn.module import Parameter, require_distinct


class WeightedSum(Loss):
    """Weighted sum of losses.

    Forward:
        L = Σᵢ aᵢ Lᵢ(x, y)

    Backward:
        ∂L/∂x = Σᵢ aᵢ ∂Lᵢ/∂x, and the same for every parameter that a loss holds

    Args:
        losses: the pairs (aᵢ, Lᵢ): a finite number, which may be negative, and a loss
            whose reduction leaves one number.

    Raises:
        ValueError: there is no loss, one keeps its elements apart, or one stands at
            two places: each keeps one forward pass for its backward pass.

    Torch:
        None. `torch_ref.nn.WeightedSum` adds the same losses for autograd. The names
        in `state_dict` are "0.weight", "1.weight", …, as in `Sequential`.
    """

    def __init__(self, losses: Iterable[tuple[float, Loss]]) -> None:
        super().__init__()
        pairs = members(losses)
        if not pairs:
            raise ValueError("WeightedSum: needs at least one pair (weight, loss)")
        self.weights = [_require_summand(i, pair) for i, pair in enumerate(pairs)]
        require_distinct(self, (loss for _, loss in pairs))
        for index, (_, loss) in enumerate(pairs):
            setattr(self, str(index), loss)

    def forward(self, input: Array, target: Array) -> Array:
        inner = [loss for _, loss in self.named_children()]
        self.saved = list(zip(self.weights, inner, strict=True))
        self._value = sum(a * loss(input, target) for a, loss in self.saved)
        return self._value

    def backward(self, grad_output: Array | None = None) -> Array:
        pairs = self.saved
        upstream = self._upstream(grad_output)
        return sum(loss.backward(a * upstream) for a, loss in pairs)


class ExpectedCostLoss(Loss):
    """Expected misclassification cost, given the cost of each confusion.

    Forward:
        Lₙ = Σ_k pₙ[k] K[yₙ, k] with p = softmax(x), averaged over the examples

    Backward:
        ∂Lₙ/∂xₙ[k] = pₙ[k] (K[yₙ, k] − Lₙ)

    Shape:
        x (n, c, …), y (n, …) class indices, K (c, c); or one example, x (c,) and y ().

    Stability:
        The maximum is subtracted from x first, as in `Softmax`.

    Args:
        cost: K[true, answered], finite and at least 0: an array, or a sequence of its
            rows, which become float32 until `to`.
            1 − identity gives the expected error rate;
            `cost[4, 9] = 5` then makes it five times as bad to take a 4 for a 9.
        reduction: as for every loss.

    Torch:
        None. `torch_ref.nn.ExpectedCostLoss` is the forward pass, for autograd.
    """

    buffer_names = ("cost",)

    def __init__(self, cost: Array, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        cost = _costs(cost)
        xp = check("ExpectedCostLoss", cost=cost)
        if cost.ndim != 2 or cost.shape[0] != cost.shape[1] or 0 in cost.shape:
            raise ValueError(
                f"ExpectedCostLoss: cost must be (c, c) for c classes, got shape "
                f"{tuple(cost.shape)}"
            )
        if not bool(xp.all(xp.isfinite(cost) & (cost >= 0))):
            raise ValueError(
                "ExpectedCostLoss: every cost must be finite and at least 0"
            )
        self.cost = cost

    def forward(self, input: Array, target: Array) -> Array:
        xp = check(self, input=input, cost=self.cost)
        x = classes_first(self, input)
        require_shape(self, "cost", self.cost, (x.shape[0],) * 2)
        right, _ = one_hot(self, x, target)
        costs = xp.tensordot(self.cost.T, xp.astype(right, x.dtype), axes=1)
        p = softmax(x, 0)
        expected = xp.sum(p * costs, axis=0)
        self.saved = p, costs, expected
        return self._reduced(xp, 1 * expected)

    def backward(self, grad_output: Array | None = None) -> Array:
        p, costs, expected = self.saved
        return swapped(self._grad_losses(grad_output) * (p * (costs - expected)))


class SmoothnessPenalty(Loss):
    """Penalty on differences of neighbouring pixels of weight templates.

    Forward:
        L = Σ (W[k, i+1, j] − W[k, i, j])² + Σ (W[k, i, j+1] − W[k, i, j])², divided
        by the number of these pairs; input and target do not matter

    Backward:
        ∂L/∂x = 0
        ∂L/∂W: of each pair with the difference d, 2 d / pairs goes to the later pixel
        and −2 d / pairs to the earlier one

    Shape:
        W (k, h · w): each row a template of shape (h, w), as the weights of a
        `Linear` layer behind an image; x any shape.

    Args:
        weight: the model's own parameter, not a copy: inside a `WeightedSum` its
            gradient is added to the one that the model's backward pass leaves there.
        shape: (h, w), with at least two pixels.

    Torch:
        None. `torch_ref.nn.SmoothnessPenalty` is the forward pass, for autograd. Move
        model and penalty both, and copy them in one `deepcopy`, to keep the parameter
        shared; in torch, too.
    """

    def __init__(self, weight: Parameter, shape: tuple[int, int]) -> None:
        super().__init__()
        if not isinstance(weight, Parameter):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"SmoothnessPenalty: weight must be a handmade Parameter, got "
                f"{type(weight).__name__}"
            )
        if not _is_pair(shape):
            raise TypeError(
                f"SmoothnessPenalty: shape must be (h, w), two whole numbers, "
                f"got {shape!r}"
            )
        height, width = (whole("SmoothnessPenalty", "shape", n, 1) for n in shape)
        if height * width < 2:
            raise ValueError(
                f"SmoothnessPenalty: shape must be (h, w) with at least two pixels, "
                f"got {shape}"
            )
        rows = weight.shape[0] if weight.shape else 0
        if rows < 1 or weight.shape != (rows, height * width):
            raise ValueError(
                f"SmoothnessPenalty: weight must be (k, {height * width}), at least "
                f"one template of shape {shape} a row, got {weight.shape}"
            )
        self.weight = weight
        self.shape = (height, width)

    def forward(self, input: Array, target: Array) -> Array:
        data = self.weight.data
        xp = check(self, input=input, weight=data)
        images = xp.reshape(data, (-1, *self.shape))
        down = images[:, 1:, :] - images[:, :-1, :]
        right = images[:, :, 1:] - images[:, :, :-1]
        pairs = math.prod(down.shape) + math.prod(right.shape)
        self.saved = input, images, down, right
        return self._reduced(xp, xp.sum(down * down) + xp.sum(right * right), pairs)

    def backward(self, grad_output: Array | None = None) -> Array:
        input, images, down, right = self.saved
        xp = array_namespace(self, weight=images)
        grad = xp.zeros_like(images)
        every, head, tail = slice(None), slice(-1), slice(1, None)
        grad = index_add(grad, (every, tail, every), down)
        grad = index_add(grad, (every, head, every), -down)
        grad = index_add(grad, (every, every, tail), right)
        grad = index_add(grad, (every, every, head), -right)
        scale = 2 * self._grad_losses(grad_output)
        self.weight.accumulate(xp.reshape(scale * grad, self.weight.shape))
        return xp.zeros_like(input)


def _costs(cost: Any) -> Array:
    """The cost matrix as an array, if it was given as rows."""
    if isinstance(cost, str) or not isinstance(cost, Sequence):
        return cost
    try:
        return np.asarray(cost, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"ExpectedCostLoss: cost must be (c, c), rows of numbers of one length, "
            f"got {cost!r}"
        ) from error


def _require_summand(index: int, pair: Any) -> float:
    """The weight of a pair (weight, loss) whose loss is one number.

    Raises:
        TypeError: it is no such pair.
        ValueError: the weight is not finite, or the loss keeps its elements apart.
    """
    if not _is_pair(pair):
        raise TypeError(
            f"WeightedSum: losses must be pairs (weight, loss), got "
            f"{type(pair).__name__}"
        )
    weight, loss = pair
    if not isinstance(loss, Loss):
        raise TypeError(
            f"WeightedSum: loss {index} must be a handmade loss, got "
            f"{type(loss).__name__}"
        )
    if loss.reduction == "none":
        raise ValueError(
            f"WeightedSum: loss {index} must give one number, but "
            f"{type(loss).__name__} has reduction='none'"
        )
    return finite_number("WeightedSum", f"weight {index}", weight)


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2  # pyright: ignore
