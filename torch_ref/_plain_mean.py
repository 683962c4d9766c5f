"""Losses whose mean over a batch is the weighted mean over its parts."""

from typing import Any

from torch import Tensor
from torch.nn import CrossEntropyLoss, Module, NLLLoss


def require_plain_mean(learner: Any, criterion: Module) -> None:
    """Raise ValueError unless the loss is a mean with equal weights of all examples."""
    owner = type(learner).__name__
    for loss in criterion.modules():
        name = type(loss).__name__
        reduction = getattr(loss, "reduction", "mean")
        if not reduction.endswith("mean"):
            raise ValueError(
                f"{owner}: {name} must have reduction='mean', whose average "
                f"over the parts of a batch is the loss of the batch, got {reduction!r}"
            )
        if isinstance(loss, NLLLoss | CrossEntropyLoss) and loss.weight is not None:
            raise ValueError(
                f"{owner}: {name} must have no weight: its mean divides by "
                f"the weights of the classes, which differ from part to part"
            )


def require_all_count(learner: Any, criterion: Module, target: Tensor) -> None:
    """Raise ValueError if a target is ignored: parts would average different counts."""
    for loss in criterion.modules():
        ignored = getattr(loss, "ignore_index", None)
        if ignored is not None and bool((target == ignored).any()):
            raise ValueError(
                f"{type(learner).__name__}: no target may be ignore_index {ignored}: "
                f"the mean would be over more examples in one part of the batch than "
                f"in another"
            )
