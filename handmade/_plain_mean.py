"""Losses whose mean over a batch is the weighted mean over its parts."""

from handmade._array import Array, Owner, array_namespace, holds, name_of
from handmade.nn._reduction import Loss
from handmade.nn.loss_entropy import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    NLLLoss,
)


def require_plain_mean(owner: Owner, criterion: Loss) -> None:
    """Refuse a loss that is not a mean in which every example counts alike.

    Raises:
        ValueError: it is none.
    """
    for loss in criterion.modules():
        name = type(loss).__name__
        reduction = getattr(loss, "reduction", "mean")
        if not reduction.endswith("mean"):
            raise ValueError(
                f"{name_of(owner)}: {name} must have reduction='mean', whose average "
                f"over the parts of a batch is the loss of the batch, got {reduction!r}"
            )
        weighs = isinstance(loss, NLLLoss | CrossEntropyLoss)
        if weighs and loss.weight is not None:
            raise ValueError(
                f"{name_of(owner)}: {name} must have no weight: its mean divides by "
                f"the weights of the classes, which differ from part to part"
            )


def require_all_count(owner: Owner, criterion: Loss, target: Array) -> None:
    """Refuse ignored targets, and weights of single examples of a batch.

    The means of the parts would be over fewer examples, or have the wrong weights.

    Raises:
        ValueError: there are such.
    """
    for loss in criterion.modules():
        if isinstance(loss, BCELoss | BCEWithLogitsLoss):
            _require_shared_weights(owner, loss, target)
        ignored = getattr(loss, "ignore_index", None)
        if ignored is None:
            continue
        xp = array_namespace(owner, target=target)
        if holds(xp.any(target == ignored)):
            raise ValueError(
                f"{name_of(owner)}: no target may be ignore_index {ignored}: the mean "
                f"would be over more examples in one part of the batch than in another"
            )


def _require_shared_weights(
    owner: Owner, loss: BCELoss | BCEWithLogitsLoss, target: Array
) -> None:
    for name in loss.buffer_names:
        weight = getattr(loss, name)
        if weight is not None and weight.ndim == target.ndim and weight.shape[0] > 1:
            raise ValueError(
                f"{name_of(owner)}: {name} of {type(loss).__name__} must be the same "
                f"for all examples, since a part of the batch has fewer of them; got "
                f"shape {tuple(weight.shape)} for targets {tuple(target.shape)}"
            )
