"""Losses whose mean over a batch is the weighted mean over its parts."""

from typing import Any

from torch import Tensor
from torch.nn import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, Module, NLLLoss


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
    """Raise ValueError if a target is ignored, or examples have weights of their own.

    The means of the parts would be over fewer examples, or have the wrong weights.
    """
    for loss in criterion.modules():
        if isinstance(loss, BCELoss | BCEWithLogitsLoss):
            _require_shared_weights(learner, loss, target)
        ignored = getattr(loss, "ignore_index", None)
        if ignored is not None and bool((target == ignored).any()):
            raise ValueError(
                f"{type(learner).__name__}: no target may be ignore_index {ignored}: "
                f"the mean would be over more examples in one part of the batch than "
                f"in another"
            )


def _require_shared_weights(learner: Any, loss: Module, target: Tensor) -> None:
    for name, weight in loss.named_buffers():
        if weight.ndim == target.ndim and len(weight) > 1:
            raise ValueError(
                f"{type(learner).__name__}: {name} of {type(loss).__name__} must be "
                f"the same for all examples, since a part of the batch has fewer of "
                f"them; got shape {tuple(weight.shape)} for targets "
                f"{tuple(target.shape)}"
            )
