"""Embedding."""

from typing import Any

from handmade._array import (
    Array,
    array_namespace,
    check,
    check_grad,
    is_integral,
    require_shape,
    segment_sum,
)
from handmade._numbers import only, whole
from handmade._random import normal
from handmade.nn._targets import require_indices
from handmade.nn.module import Module, Parameter


class Embedding(Module):
    """Lookup table with a learned vector for each index.

    Forward:
        y = W[x], the row of each index

    Backward:
        ∂L/∂W[i] = Σₙ ∂L/∂yₙ over all n with xₙ = i: an index that occurs often gathers
        the gradients of all its places. There is no ∂L/∂x, since an index is no
        quantity: `backward` returns None.

    Shape:
        x (…) of integers, W (num_embeddings, embedding_dim), y (…, embedding_dim).

    Args:
        num_embeddings: how many rows, at least 1.
        embedding_dim: how long each is, at least 1.
        padding_idx: the index of a row that starts at 0 and gets no gradient, so that
            it stays there; negative counts from the end.

    Torch:
        `torch.nn.Embedding`: same default initialisation N(0, 1). `max_norm`,
        `norm_type`, `scale_grad_by_freq`, `sparse` and `_freeze` are refused, as are
        tables without rows or columns.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Array | None = None,
        _freeze: bool = False,
    ) -> None:
        rows = whole("Embedding", "num_embeddings", num_embeddings, 1)
        columns = whole("Embedding", "embedding_dim", embedding_dim, 1)
        only("Embedding", max_norm=(max_norm, None), norm_type=(norm_type, 2.0))
        only("Embedding", scale_grad_by_freq=(scale_grad_by_freq, False))
        only("Embedding", sparse=(sparse, False), _freeze=(_freeze, False))
        self.num_embeddings, self.embedding_dim = rows, columns
        self.padding_idx = _row(padding_idx, rows)
        weight = normal(0.0, 1.0, (rows, columns)) if _weight is None else _weight
        check("Embedding", _weight=weight)
        require_shape("Embedding", "_weight", weight, (rows, columns))
        if self.padding_idx is not None and _weight is None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(self, x=x, weight=self.weight.data)
        index = self._index(xp, x)
        shape = (*x.shape, self.embedding_dim)
        self.saved = index, shape
        return xp.reshape(xp.take(self.weight.data, index, axis=0), shape)

    def backward(self, grad_output: Array) -> None:
        index, shape = self.saved
        xp = check_grad(self, grad_output, self.weight.data, shape)
        rows = xp.reshape(grad_output, (-1, self.embedding_dim))
        if self.padding_idx is not None:
            rows = xp.where((index == self.padding_idx)[:, None], 0.0, rows)
        self.weight.accumulate(segment_sum(rows, index, like=self.weight.data))

    def _index(self, xp: Any, x: Array) -> Array:
        """All indices in one row, as int64, which no library takes for a mask."""
        if not is_integral(x):
            raise TypeError(f"Embedding: x must hold integers, got {x.dtype}")
        index = xp.astype(xp.reshape(x, (-1,)), xp.int64)
        require_indices(self, "index must be", index, self.num_embeddings)
        return index


def _row(padding_idx: int | None, rows: int) -> int | None:
    """The row of the padding, counted from the start."""
    if padding_idx is None:
        return None
    index = whole("Embedding", "padding_idx", padding_idx, -rows)
    if index >= rows:
        raise ValueError(
            f"Embedding: padding_idx must be the index of one of {rows} rows, "
            f"got {padding_idx}"
        )
    return index % rows
