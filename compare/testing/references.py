"""What people write that torch has as a function only: modules to compare it with."""

from typing import Any

import torch
from torch.nn import functional

from compare.testing.case import Case, case
from compare.testing.draws import classes, one_hot, probabilities


class CrossEntropyOfProbabilities(torch.nn.Module):
    """The mean of −log p of the right class, of probabilities p instead of logits."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, p: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of probabilities (N, C) and class indices (N,) or rows (N, C)."""
        if target.dtype == torch.int64:
            return functional.nll_loss(p.log(), target, reduction=self.reduction)
        losses = -(target * p.log()).sum(dim=1)
        reduced: dict[str, Any] = {"mean": losses.mean, "sum": losses.sum}
        return reduced.get(self.reduction, lambda: losses)()


REFERENCES: dict[str, list[Case]] = {
    "CrossEntropyOfProbabilities": [
        case("CrossEntropyOfProbabilities", probabilities(6, 5), target, **options)
        for target in (classes(6, of=5), one_hot(6, of=5))
        for options in ({}, {"reduction": "sum"}, {"reduction": "none"})
    ]
}
"""The test cases of each module."""
