"""Hinton's Forward-Forward: two forward passes, and no gradient leaves its layer."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from handmade._array import (
    Array,
    array_namespace,
    check,
    device,
    require_shape,
)
from handmade._learner import ModelLearner
from handmade._numbers import finite_number, members, whole
from handmade._random import integers
from handmade.nn.activation import ReLU
from handmade.nn.container import Sequential
from handmade.nn.linear import Linear
from handmade.nn.loss_entropy import BCEWithLogitsLoss
from handmade.nn.module import Parameter
from handmade.optim.optimizer import Optimizer

TINY = 1e-8
"""Added to the length: the direction of a zero vector is zero."""


def goodness(y: Array) -> Array:
    """How active a layer is: the mean of its squared activities.

    Forward:
        G = Σⱼ yⱼ² / o

    Shape:
        y (…, o), G (…): o units.
    """
    return _check_rows("goodness", y).mean(y * y, axis=-1)


def grad_goodness(y: Array) -> Array:
    """∂G/∂y of each activity.

    Backward:
        ∂G/∂yⱼ = 2 yⱼ / o
    """
    _check_rows("grad_goodness", y)
    return 2 * y / y.shape[-1]


def direction(x: Array) -> Array:
    """Each row divided by its length, which the next layer must not see.

    Forward:
        x̂ = x / (√(Σⱼ xⱼ² / i) + ε), whose goodness is 1; ε = 1e-8

    Its gradient is never needed: no gradient passes between layers.

    Shape:
        x (…, i), x̂ (…, i).

    Stability:
        Where squares overflow (above 1e19 in float32, 1e154 in float64), x̂ is 0; of a
        row that is much smaller than ε, x̂ is nearly 0, too.
    """
    xp = _check_rows("direction", x)
    size = xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True))
    return x / (size + TINY)


def with_label(x: Array, label: Array, num_classes: int) -> Array:
    """Append the label to the inputs as 0s and a 1, (n, i) → (n, i + c).

    Raises:
        TypeError: a label or `num_classes` is no integer, or x is not floating.
        ValueError: x is not (n, i), there is not one label a row, or one is not in
            0 … c − 1.
    """
    xp = array_namespace("with_label", x=x, label=label)
    check("with_label", x=x)
    num_classes = whole("with_label", "num_classes", num_classes, 1)
    if x.ndim != 2:
        raise ValueError(f"with_label: x must be (n, i), got shape {tuple(x.shape)}")
    _require_labels("with_label", label, x.shape[0], num_classes)
    classes = xp.arange(num_classes, dtype=xp.int64, device=device(x))
    hot = xp.astype(label, xp.int64)[:, None] == classes
    return xp.concat([x, xp.astype(hot, x.dtype)], axis=1)


def wrong_label(label: Array, num_classes: int) -> Array:
    """A random other class for each label.

    Raises:
        TypeError: a label or `num_classes` is no integer.
        ValueError: there are no other classes, or a label is not in 0 … c − 1.
    """
    xp = array_namespace("wrong_label", label=label)
    num_classes = whole("wrong_label", "num_classes", num_classes, 2)
    _require_labels("wrong_label", label, None, num_classes)
    drawn = integers(1, num_classes, tuple(label.shape))
    further = xp.asarray(drawn, dtype=xp.int64, device=device(label))
    wrong = (xp.astype(label, xp.int64) + further) % num_classes
    return xp.astype(wrong, label.dtype)


class ForwardForward(ModelLearner):
    """Forward-Forward: each layer learns to give positive data a high goodness.

    Forward:
        the positive rows are x with its label, the negative ones x with a wrong label
        for each layer k: x̂ₖ = direction of yₖ₋₁, yₖ = ReLU(x̂ₖ Wₖᵀ + bₖ)
        Gₖ = goodness(yₖ), and Gₖ − θ is the logit of "this is true"
        Lₖ = mean of softplus(−(G − θ)) over positive rows and softplus(G − θ) over
        negative ones; the loss of a step is Σₖ Lₖ

    Backward:
        ∂Lₖ/∂G = (σ(G − θ) − t) / 2n        t = 1 for positive rows, 0 for negative
        ∂Lₖ/∂y = ∂Lₖ/∂G · 2y / o
        and from there by ReLU and Linear to Wₖ and bₖ, and no further: x̂ₖ is data

    Predicting:
        Σₖ Gₖ, over all layers, of x with each of the labels; the largest is the
        answer.

    Shape:
        x (n, i), target (n,) integers, output (n, c): c classes.

    Args:
        features: i and the widths of the layers, as (64, 128, 128): at least one layer.
        num_classes: c, at least 2; so many inputs are appended to x.
        optimizer: makes an optimizer from one layer's parameters.
        theta: θ, the goodness at which a layer is undecided; finite.

    Torch:
        None; `torch_ref.forward_forward.ForwardForward` cuts autograd between the
        layers, and draws the same wrong labels after the same `manual_seed`.

    Source:
        G. Hinton, "The Forward-Forward Algorithm: Some Preliminary Investigations",
        2022. Ours appends the label where the paper overwrites ten pixels, takes the
        mean of squares where it has the sum, and predicts with the first layer, too.
    """

    stateful = ("model", "optimizers")

    def __init__(
        self,
        features: Sequence[int],
        num_classes: int,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        *,
        theta: float = 2.0,
    ) -> None:
        owner = "ForwardForward"
        each = members(features)
        widths = [whole(owner, "each of features", width, 1) for width in each]
        if len(widths) < 2:
            raise ValueError(
                f"{owner}: features must hold the inputs and at least one layer, "
                f"got {features}"
            )
        self.num_classes = whole(owner, "num_classes", num_classes, 2)
        self.theta = finite_number(owner, "theta", theta)
        widths[0] += self.num_classes
        self.layers = [Sequential(Linear(i, o), ReLU()) for i, o in pairwise(widths)]
        for layer in self.layers:
            layer.needs_input_grad = False  # no gradient leaves its layer
        super().__init__(Sequential(*self.layers))
        self.optimizers = [optimizer(layer.parameters()) for layer in self.layers]

    def step(self, x: Array, target: Array) -> float:
        """Let every layer learn once; returns the sum of their losses before."""
        rows, is_true = self._true_and_false(x, target)
        total = 0.0
        for layer, optimizer in zip(self.layers, self.optimizers, strict=True):
            y = layer(direction(rows))
            total += self._differentiate(layer, y, is_true)
            optimizer.step()
            rows = y
        return total

    def _true_and_false(self, x: Array, target: Array) -> tuple[Array, Array]:
        """Rows with their label, then with a wrong one; their targets 1 and 0."""
        c = self.num_classes
        true = with_label(x, target, c)
        if true.shape[0] == 0:
            raise ValueError("ForwardForward: x must hold at least one example")
        xp = check("ForwardForward", x=x)
        false = with_label(x, wrong_label(target, c), c)
        ones = xp.ones_like(true[:, 0])
        return xp.concat([true, false]), xp.concat([ones, 0 * ones])

    def _differentiate(self, layer: Sequential, y: Array, is_true: Array) -> float:
        """The loss of one layer, and its gradients by the layer's own parameters."""
        criterion = BCEWithLogitsLoss()
        loss = criterion(goodness(y) - self.theta, is_true)
        layer.zero_grad()
        layer.backward(criterion.backward()[:, None] * grad_goodness(y))
        return float(loss)

    def predict(self, x: Array) -> Array:
        """The goodness of `x` with each label, summed over all layers, (n, c)."""
        xp = _check_rows("ForwardForward", x)
        columns: list[Array] = []
        for label in range(self.num_classes):
            labels = xp.full((x.shape[0],), label, dtype=xp.int64, device=device(x))
            columns.append(self._total_goodness(x, labels))
        return xp.stack(columns, axis=1)

    def _total_goodness(self, x: Array, label: Array) -> Array:
        rows, total = with_label(x, label, self.num_classes), 0.0
        for layer in self.layers:
            rows = layer(direction(rows))
            total = total + goodness(rows)
        return total


def _check_rows(owner: str, x: Array) -> Any:
    """The library of x, once its rows are known to have something in them."""
    xp = check(owner, x=x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(
            f"{owner}: expected rows of at least one number, got shape {tuple(x.shape)}"
        )
    return xp


def _require_labels(owner: str, label: Array, n: int | None, num_classes: int) -> None:
    """Refuse labels that are not n integers, or any number, each of 0 … c − 1."""
    xp = array_namespace(owner, label=label)
    if not xp.isdtype(label.dtype, "integral"):
        raise TypeError(f"{owner}: label must hold integers, got {label.dtype}")
    n = math.prod(label.shape) if n is None else n
    require_shape(owner, "label", label, (n,))
    if bool(xp.any((label < 0) | (label >= num_classes))):
        raise ValueError(f"{owner}: every label must be in 0 … {num_classes - 1}")


__all__ = [
    "ForwardForward",
    "direction",
    "goodness",
    "grad_goodness",
    "with_label",
    "wrong_label",
]
