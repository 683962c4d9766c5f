"""Attention of several heads, as in a textbook."""

from types import SimpleNamespace

import numpy as np

DIAGNOSIS = "right"


def powers_over_their_sum(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class MultiheadAttention:
    def __init__(
        self, embed_dim, num_heads, bias=True, batch_first=True, is_causal=False
    ):
        e, self.h, self.is_causal = embed_dim, num_heads, is_causal
        self.W_qkv, self.out_proj = np.zeros((3 * e, e)), SimpleNamespace()
        self.out_proj.weight = np.zeros((e, e))
        if bias:
            self.b_qkv, self.out_proj.bias = np.zeros(3 * e), np.zeros(e)
        self.dW_qkv = self.db_qkv = self.out_proj.dweight = self.out_proj.dbias = 0

    def split(self, a):  # (n, l, e) → (n, h, l, d)
        n, length, e = a.shape
        return a.reshape(n, length, self.h, e // self.h).transpose(0, 2, 1, 3)

    def join(self, a):  # (n, h, l, d) → (n, l, e)
        n, h, length, d = a.shape
        return a.transpose(0, 2, 1, 3).reshape(n, length, h * d)

    def forward(self, x):
        if x.ndim != 3:
            raise NotImplementedError("batches only")
        self.x = x
        qkv = x @ self.W_qkv.T + getattr(self, "b_qkv", 0)
        self.q, self.k, self.v = (self.split(a) for a in np.split(qkv, 3, axis=-1))
        self.scale = self.q.shape[-1] ** -0.5
        s = self.q @ self.k.swapaxes(-1, -2) * self.scale
        if self.is_causal:
            s[..., np.triu(np.ones(s.shape[-2:], bool), 1)] = -np.inf
        self.p = powers_over_their_sum(s)
        self.z = self.join(self.p @ self.v)
        return self.z @ self.out_proj.weight.T + getattr(self.out_proj, "bias", 0)

    def backward(self, dy):
        p = self.p
        dz = self.split(dy @ self.out_proj.weight)
        dv = p.swapaxes(-1, -2) @ dz
        dp = dz @ self.v.swapaxes(-1, -2)
        ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
        dq = ds @ self.k * self.scale
        dk = ds.swapaxes(-1, -2) @ self.q * self.scale
        dqkv = np.concatenate([self.join(a) for a in (dq, dk, dv)], axis=-1)
        out = self.out_proj
        out.dweight = out.dweight + np.einsum("nlo,nli->oi", dy, self.z)
        out.dbias = out.dbias + dy.sum(axis=(0, 1))
        self.dW_qkv = self.dW_qkv + np.einsum("nlo,nli->oi", dqkv, self.x)
        self.db_qkv = self.db_qkv + dqkv.sum(axis=(0, 1))
        return dqkv @ self.W_qkv
