"""The one-layer perceptron, and Rosenblatt's rule as SGD on the perceptron loss."""

from typing import Any

import torch
from torch import Tensor, nn

from torch_ref._checks import positive
from torch_ref.nn import Step
from torch_ref.training import ModelLearner


def with_ones(x: Tensor) -> Tensor:
    """Put x₀ = 1 before the inputs, (…, i) → (…, 1 + i)."""
    return nn.functional.pad(x, (1, 0), value=1.0)


def weighted_sum(x: Tensor, weights: Tensor) -> Tensor:
    """Return Σ wᵢ xᵢ with x₀ = 1, so that the first weight of each row is the bias.

    Shape:
        x (n, i), weights (o, 1 + i); result (n, o).
    """
    return torch.inner(with_ones(x), weights)


class Perceptron(nn.Module):
    """One linear layer and an activation, `Step` by default."""

    def __init__(
        self, in_features: int, out_features: int, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.activation = Step() if activation is None else activation

    def forward(self, x: Tensor) -> Tensor:
        """g(W x + w₀)."""
        return self.activation(self.linear(x))


class Rosenblatt(ModelLearner):
    """Rosenblatt's perceptron rule: SGD on the perceptron loss Σ (ŷ − y) z.

    z = W x + w₀ and ŷ = [z > 0]. The gradient by z is ŷ − y, so SGD is the rule
    W ← W + lr (y − ŷ) xᵀ.

    Args:
        in_features: i, the number of inputs.
        out_features: o, the number of outputs.
        lr: the learning rate, positive and finite.
    """

    def __init__(
        self, in_features: int, out_features: int = 1, lr: float = 1.0
    ) -> None:
        self.linear = nn.Linear(in_features, out_features)
        super().__init__(self.linear)
        self.optimizer = torch.optim.SGD(
            self.linear.parameters(), lr=positive("Rosenblatt", "lr", lr)
        )

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train on one batch; return the mean loss before the update."""
        z = self.linear(x)
        mistake = Step()(z).detach() - target
        loss = (mistake * z).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item() / len(z)

    def predict(self, x: Tensor) -> Tensor:
        """Return ŷ: 1 where the weighted sum is above 0, else 0."""
        return Step()(self.linear(x)).detach()

    def state_dict(self) -> dict[str, Any]:
        """Return W and w₀, named as in `torch.nn.Linear`."""
        return self.linear.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; tensors are copied."""
        self.linear.load_state_dict(state_dict)


__all__ = ["Perceptron", "Rosenblatt", "weighted_sum", "with_ones"]
