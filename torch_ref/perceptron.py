"""The one-layer perceptron in torch.nn; Rosenblatt's rule found by autograd."""

from typing import Any, Self

import torch
from torch import Tensor, nn

from handmade._numbers import positive
from torch_ref.nn import Step


def with_ones(x: Tensor) -> Tensor:
    """Put x₀ = 1 before the inputs, (…, i) → (…, 1 + i)."""
    return nn.functional.pad(x, (1, 0), value=1.0)


def weighted_sum(x: Tensor, weights: Tensor) -> Tensor:
    """Σ wᵢ xᵢ with x₀ = 1; the first weight of each row is the bias w₀."""
    return torch.inner(with_ones(x), weights)


class Perceptron(nn.Module):
    """One linear layer and an activation, `Step` unless given."""

    def __init__(
        self, in_features: int, out_features: int, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.activation = Step() if activation is None else activation

    def forward(self, x: Tensor) -> Tensor:
        """g(W x + w₀)."""
        return self.activation(self.linear(x))


class Rosenblatt:
    """Rosenblatt's rule as SGD on the perceptron's own loss, Σ (ŷ − y) z."""

    def __init__(
        self, in_features: int, out_features: int = 1, lr: float = 1.0
    ) -> None:
        self.linear = nn.Linear(in_features, out_features)
        self.optimizer = torch.optim.SGD(
            self.linear.parameters(), lr=positive("Rosenblatt", "lr", lr)
        )

    def step(self, x: Tensor, target: Tensor) -> float:
        """Learn once from a batch; returns the loss before the change."""
        z = self.linear(x)
        wrong = Step()(z).detach() - target
        loss = (wrong * z).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item() / len(z)

    def predict(self, x: Tensor) -> Tensor:
        """ŷ: 1 where the weighted sum is above 0, else 0."""
        return Step()(self.linear(x)).detach()

    def parameters(self) -> dict[str, Tensor]:
        """W and w₀, named as in `torch.nn.Linear`."""
        return dict(self.linear.state_dict())

    def gradients(self) -> dict[str, Any]:
        """What autograd found in the last step."""
        return {name: p.grad for name, p in self.linear.named_parameters()}

    def state_dict(self) -> dict[str, Any]:
        """W and w₀."""
        return self.linear.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied."""
        self.linear.load_state_dict(state_dict)

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        self.linear.to(other)
        return self


__all__ = ["Perceptron", "Rosenblatt", "weighted_sum", "with_ones"]
