"""Metrics of a classifier or a clustering, in torch operations."""

import torch
from torch import Tensor


def argmax(output: Tensor) -> Tensor:
    """Return the class with the largest output, (n, c) → (n,)."""
    return output.argmax(dim=-1)


def threshold(output: Tensor, at: float = 0.5) -> Tensor:
    """Return 1 where the output is above `at`, else 0: int64, same shape."""
    return (output > at).long()


def accuracy(predicted: Tensor, target: Tensor) -> float:
    """Return the fraction of right answers, in [0, 1]."""
    return (predicted == target).double().mean().item()


def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """Count the examples of each class (row) predicted as each class (column)."""
    cells = torch.bincount(target * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def purity(clusters: Tensor, target: Tensor) -> float:
    """Return the fraction of examples in the most frequent class of their cluster."""
    counts = [target[clusters == j].bincount().max() for j in clusters.unique()]
    return torch.stack(counts).sum().item() / len(target)


__all__ = ["accuracy", "argmax", "confusion_matrix", "purity", "threshold"]
