"""The metrics in torch's own operations."""

import torch
from torch import Tensor


def argmax(output: Tensor) -> Tensor:
    """The class with the largest output, (n, c) → (n,)."""
    return output.argmax(dim=-1)


def threshold(output: Tensor, at: float = 0.5) -> Tensor:
    """1 where the output is above `at`, else 0, as int64 in the same shape."""
    return (output > at).long()


def accuracy(predicted: Tensor, target: Tensor) -> float:
    """The share of right answers, from 0 to 1."""
    return (predicted == target).double().mean().item()


def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """How often each class (row) was taken for each class (column)."""
    cells = torch.bincount(target * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def purity(clusters: Tensor, target: Tensor) -> float:
    """The share of examples whose class is the most frequent one of their cluster."""
    of_each = [target[clusters == j].bincount().max() for j in clusters.unique()]
    return torch.stack(of_each).sum().item() / len(target)


__all__ = ["accuracy", "argmax", "confusion_matrix", "purity", "threshold"]
