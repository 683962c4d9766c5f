"""Multi-head self-attention."""

import math
from typing import Any

import numpy as np

from handmade._array import Array, check, check_grad, device
from handmade._numbers import flag, only, whole
from handmade.nn import init
from handmade.nn.activation import softmax
from handmade.nn.linear import Linear, as_matrix
from handmade.nn.module import Module, Parameter


class MultiheadAttention(Module):
    """Multi-head self-attention: a weighted mean of values at each position.

    Forward:
        q, k, v = x Wᵀ + b, each split into h heads of d numbers; in each head:
        S = q kᵀ / √d,  Sᵢⱼ = −∞ for j > i if causal   the score of key j for query i
        P = softmax(S) over j,   z = P v
        y = z W_outᵀ + b_out, where z holds the heads side by side

    Backward:
        ∂L/∂z from the output projection; in each head:
        ∂L/∂v = Pᵀ ∂L/∂z,   ∂L/∂P = ∂L/∂z vᵀ
        ∂L/∂S = P ⊙ (∂L/∂P − Σⱼ ∂L/∂P ⊙ P), which is 0 wherever P is
        ∂L/∂q = ∂L/∂S k / √d,   ∂L/∂k = ∂L/∂Sᵀ q / √d
        ∂L/∂x, ∂L/∂W and ∂L/∂b as in `Linear`, from all three side by side

    Shape:
        x and y (n, l, e) or (l, e): n sequences of l positions; P (n, h, l, l);
        in_proj_weight, W (3e, e): the rows of q, k and v one below the other.

    Args:
        embed_dim: e, at least 1.
        num_heads: h, a divisor of e; d = e / h.
        bias: without it, b and b_out are absent.
        batch_first: must be True, which is not the default.
        is_causal: whether no position sees a later one.

    Torch:
        `torch.nn.MultiheadAttention`: same parameters, same default initialisation.
        There, `forward` takes query, key and value (here all are x), `is_causal` and
        masks, and returns P, too. `dropout`, `add_bias_kv`, `add_zero_attn`, `kdim`
        and `vdim` are refused.

    Source:
        Vaswani et al., Attention Is All You Need (2017).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        is_causal: bool = False,
    ) -> None:
        owner = "MultiheadAttention"
        only(owner, dropout=(dropout, 0.0), add_bias_kv=(add_bias_kv, False))
        only(owner, add_zero_attn=(add_zero_attn, False), kdim=(kdim, None))
        only(owner, vdim=(vdim, None), batch_first=(batch_first, True))
        self.embed_dim = e = whole(owner, "embed_dim", embed_dim, 1)
        self.num_heads = whole(owner, "num_heads", num_heads, 1)
        if e % self.num_heads:
            raise ValueError(
                f"{owner}: num_heads must divide embed_dim, "
                f"got {num_heads} heads of {embed_dim} numbers"
            )
        self.is_causal = flag(owner, "is_causal", is_causal)
        bias = flag(owner, "bias", bias)
        self.in_proj_weight = Parameter(np.empty((3 * e, e), np.float32))
        self.in_proj_bias = Parameter(np.zeros(3 * e, np.float32)) if bias else None
        self.out_proj = Linear(e, e, bias)
        init.xavier_uniform_(self.in_proj_weight)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x, in_proj_weight=self.in_proj_weight.data)
        self._require_sequences(x)
        projected = x @ self.in_proj_weight.data.T
        if self.in_proj_bias is not None:
            projected = projected + self.in_proj_bias.data
        q, k, v = split_heads(xp, projected, 3, self.num_heads)
        s = q @ k.mT / math.sqrt(q.shape[-1])
        p = softmax(without_later(xp, s) if self.is_causal else s, -1)
        self.saved = x, q, k, v, p
        return self.out_proj(join_heads(xp, [p @ v]))

    def backward(self, grad_output: Array) -> Array | None:
        x, q, k, v, p = self.saved
        xp = check_grad(self, grad_output, x)
        grad_z = self.out_proj.backward(grad_output)
        (grad_z,) = split_heads(xp, grad_z, 1, self.num_heads)
        grad_v = p.mT @ grad_z
        grad_p = grad_z @ v.mT
        grad_s = p * (grad_p - xp.sum(grad_p * p, axis=-1, keepdims=True))
        grad_s = grad_s / math.sqrt(q.shape[-1])
        grad_q, grad_k = grad_s @ k, grad_s.mT @ q
        grad = join_heads(xp, [grad_q, grad_k, grad_v])
        rows = as_matrix(xp, grad)
        self.in_proj_weight.accumulate(rows.T @ as_matrix(xp, x))
        if self.in_proj_bias is not None:
            self.in_proj_bias.accumulate(xp.sum(rows, axis=0))
        return grad @ self.in_proj_weight.data if self.needs_input_grad else None

    def _require_sequences(self, x: Array) -> None:
        if x.ndim not in (2, 3) or x.shape[-1] != self.embed_dim:
            raise ValueError(
                f"MultiheadAttention: x must be (l, embed_dim = {self.embed_dim}) or "
                f"(n, l, {self.embed_dim}), got shape {tuple(x.shape)}"
            )


def split_heads(xp: Any, a: Array, parts: int, heads: int) -> Any:
    """(…, l, parts · h · d) as `parts` arrays (…, h, l, d)."""
    *leading, width = a.shape
    a = xp.reshape(a, (*leading, parts, heads, width // (parts * heads)))
    return xp.unstack(xp.moveaxis(a, (-3, -2), (0, -3)))


def join_heads(xp: Any, parts: list[Array]) -> Array:
    """Arrays (…, h, l, d) as one of (…, l, parts · h · d)."""
    a = xp.moveaxis(xp.stack(parts), (0, -3), (-3, -2))
    return xp.reshape(a, (*a.shape[:-3], math.prod(a.shape[-3:])))


def without_later(xp: Any, s: Array) -> Array:
    """Scores (…, l, l) with −∞ where the key stands behind the query."""
    position = xp.arange(s.shape[-1], device=device(s))
    return xp.where(position > xp.expand_dims(position, axis=1), -math.inf, s)
