"""Rows of a table, chosen by index."""

import math
from typing import Any

from handmade._array import (
    Array,
    array_api_compat,
    array_namespace,
    floating_namespace,
    known,
    require_shape,
)
from handmade._numbers import whole
from handmade._random import normal
from handmade.nn.module import Module, Parameter


class Embedding(Module):
    """A table with a learned row for each index: of a word, say.

    Forward:
        y = W[x], the row of each index

    Backward:
        ∂L/∂W = hᵀ ∂L/∂y, where row i of h is 1 at the index xᵢ, else 0: an index that
        occurs often gathers the gradients of all its places. There is no ∂L/∂x, since
        an index is no quantity: `backward` returns None.

    Shape:
        x (…) of integers, W (num_embeddings, embedding_dim), y (…, embedding_dim).

    Args:
        num_embeddings: how many rows, at least 1.
        embedding_dim: how long each is, at least 1.
        padding_idx: the index of a row that starts at 0 and gets no gradient, so that
            it stays there; negative counts from the end.

    Torch:
        `torch.nn.Embedding`: same initial law N(0, 1). `max_norm`, `norm_type`,
        `scale_grad_by_freq` and `sparse` do not exist here. Torch allows no rows, or
        rows of no numbers; refused here.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        self.num_embeddings = whole("Embedding", "num_embeddings", num_embeddings, 1)
        self.embedding_dim = whole("Embedding", "embedding_dim", embedding_dim, 1)
        weight = normal(0.0, 1.0, (self.num_embeddings, self.embedding_dim))
        self.padding_idx = _row(padding_idx, self.num_embeddings)
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight)

    def forward(self, x: Array) -> Array:
        xp = array_namespace("Embedding", x=x, weight=self.weight.data)
        index = self._index(xp, x)
        self.saved = index, tuple(x.shape)
        rows = xp.take(self.weight.data, index, axis=0)
        return xp.reshape(rows, (*x.shape, self.embedding_dim))

    def backward(self, grad_output: Array) -> None:
        index, shape = self.saved
        weight = self.weight.data
        xp = floating_namespace("Embedding", weight=weight, grad_output=grad_output)
        shape = (*shape, self.embedding_dim)
        require_shape("Embedding", "grad_output", grad_output, shape)
        grad_rows = xp.reshape(grad_output, (math.prod(shape[:-1]), shape[-1]))
        self.weight.accumulate(self._one_hot(xp, index).T @ grad_rows)

    def _one_hot(self, xp: Any, index: Array) -> Array:
        """1 where a row of W is the one asked for, except the padding, else 0."""
        device = array_api_compat.device(index)
        rows = xp.arange(self.num_embeddings, dtype=xp.int64, device=device)
        hot = xp.expand_dims(index, axis=1) == rows
        if self.padding_idx is not None:
            hot = hot & (rows != self.padding_idx)
        return xp.astype(hot, self.weight.data.dtype)

    def _index(self, xp: Any, x: Array) -> Array:
        """All indices in one row, as int64, which no library takes for a mask."""
        if not xp.isdtype(x.dtype, "integral"):
            raise TypeError(f"Embedding: x must hold integers, got {x.dtype}")
        index = xp.astype(xp.reshape(x, (math.prod(x.shape),)), xp.int64)
        wrong = (index < 0) | (index >= self.num_embeddings)
        if known(xp.any(wrong)):
            first = int(xp.argmax(xp.astype(wrong, xp.int64)))
            raise ValueError(
                f"Embedding: every index must be in 0 … {self.num_embeddings - 1}, "
                f"got {int(index[first])}"
            )
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
