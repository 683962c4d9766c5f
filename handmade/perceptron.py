"""The one-layer perceptron g(Wx + w₀), and Rosenblatt's rule to train it."""

from typing import Any

from handmade._array import (
    Array,
    check,
    device,
    require_shape,
)
from handmade._learner import ModelLearner
from handmade._numbers import positive
from handmade.nn.activation import Step
from handmade.nn.linear import Linear
from handmade.nn.module import Module, require_module


def with_ones(x: Array) -> Array:
    """Prepend x₀ = 1 to the inputs, so that the bias w₀ is a weight like any other.

    Shape:
        x (…, i) → (…, 1 + i).
    """
    xp = check("with_ones", x=x)
    if x.ndim == 0:
        raise ValueError("with_ones: x must be (…, i), got a single number")
    ones = xp.ones((*x.shape[:-1], 1), dtype=x.dtype, device=device(x))
    return xp.concat([ones, x], axis=-1)


def weighted_sum(x: Array, weights: Array) -> Array:
    """The course's Σ wᵢ xᵢ with x₀ = 1: the first weight of each row is the bias.

    Shape:
        x (…, i), weights (o, 1 + i) → (…, o); weights (1 + i,) → (…).

    Raises:
        ValueError: `weights` does not have one number more than `x`.
    """
    check("weighted_sum", x=x, weights=weights)
    if x.ndim == 0 or weights.ndim not in (1, 2):
        raise ValueError(
            f"weighted_sum: expected x (…, i) and weights (o, 1 + i) or (1 + i,), "
            f"got shapes {tuple(x.shape)} and {tuple(weights.shape)}"
        )
    if weights.shape[-1] != x.shape[-1] + 1:
        raise ValueError(
            f"weighted_sum: weights must have w₀ and one number for each input, "
            f"{x.shape[-1] + 1} in all, got {weights.shape[-1]}"
        )
    rows = weights if weights.ndim == 1 else weights.T
    return with_ones(x) @ rows


class Perceptron(Module):
    """One linear layer and an activation.

    Forward:
        ŷ = g(W x + w₀)

    Backward:
        The activation's, then the linear layer's.

    Args:
        in_features: how many inputs.
        out_features: how many outputs.
        activation: g; `Step` unless given.

    Torch:
        `torch.nn.Linear` and an activation.
    """

    def __init__(
        self, in_features: int, out_features: int, activation: Module | None = None
    ) -> None:
        self.linear = Linear(in_features, out_features)
        self.activation = Step() if activation is None else activation
        require_module("Perceptron", "activation", self.activation)

    def forward(self, x: Array) -> Array:
        """g(W x + w₀)."""
        return self.activation(self.linear(x))

    def backward(self, grad_output: Array) -> Array:
        """The activation's backward pass, then the linear layer's."""
        return self.linear.backward(self.activation.backward(grad_output))


class Rosenblatt(ModelLearner):
    """The perceptron learning rule: update the weights only on misclassified examples.

    Forward:
        z = W x + w₀,  ŷ = [z > 0]
        the loss Σ (ŷ − y) z / N, which is |z| for each wrong answer

    Backward:
        ∂/∂W = Σₙ (ŷ − y) xᵀ,  ∂/∂w₀ = Σₙ (ŷ − y), with ŷ held fixed; the rule sums
        over the batch, so w ← w + lr (y − ŷ) x for each example.

    Args:
        in_features: how many inputs.
        out_features: how many perceptrons side by side.
        lr: the learning rate, above 0; from zero weights it only scales them.

    Torch:
        None; `torch_ref.perceptron.Rosenblatt` lets autograd differentiate
        Σ (ŷ − y) z.

    Source:
        F. Rosenblatt, "The perceptron", Psychological Review 65 (1958).
    """

    def __init__(
        self, in_features: int, out_features: int = 1, lr: float = 1.0
    ) -> None:
        self.linear = Linear(in_features, out_features)
        super().__init__(self.linear)
        self.lr = positive("Rosenblatt", "lr", lr)

    def step(self, x: Array, target: Array) -> float:
        """Learn once from a batch; returns the loss before the change.

        Args:
            x: (n, i), at least one example.
            target: (n, o), each 0 or 1.
        """
        z = self.linear(x)
        xp = check("Rosenblatt", z=z, target=target)
        if z.ndim != 2 or z.shape[0] == 0:
            raise ValueError(
                f"Rosenblatt: x must be (n, i) with at least one example, "
                f"got shape {tuple(x.shape)}"
            )
        require_shape("Rosenblatt", "target", target, z.shape)
        if not bool(xp.all((target == 0) | (target == 1))):
            raise ValueError(
                "Rosenblatt: every target must be 0 or 1; for targets of −1 and 1 "
                "give (target + 1) / 2"
            )
        wrong = Step()(z) - target
        self.linear.zero_grad()
        self.linear.backward(wrong)
        for parameter in self.linear.parameters():
            gradient: Array = parameter.grad
            parameter.data = parameter.data - self.lr * gradient
        return float(xp.sum(wrong * z)) / z.shape[0]

    def predict(self, x: Array) -> Array:
        """ŷ: 1 where the weighted sum is above 0, else 0."""
        return Step()(self.linear(x))

    def state_dict(self) -> dict[str, Any]:
        """W and w₀."""
        return self.linear.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied."""
        self.linear.load_state_dict(state_dict)


__all__ = ["Perceptron", "Rosenblatt", "weighted_sum", "with_ones"]
