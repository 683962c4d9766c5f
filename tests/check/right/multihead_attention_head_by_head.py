"""One head after the other, softmax differentiated by its whole Jacobian."""

from types import SimpleNamespace

import numpy as np

DIAGNOSIS = "right"


def rows(a):
    return a.reshape(-1, a.shape[-1])


class MultiheadAttention:
    def __init__(self, embed_dim, num_heads, batch_first=True, is_causal=False):
        e, self.h, self.d = embed_dim, num_heads, embed_dim // num_heads
        self.is_causal = is_causal
        self.in_proj_weight, self.in_proj_bias = np.zeros((3 * e, e)), np.zeros(3 * e)
        self.grad_in_proj_weight = self.grad_in_proj_bias = 0
        self.out_proj = SimpleNamespace(weight=np.zeros((e, e)), bias=np.zeros(e))
        self.out_proj.grad_weight = self.out_proj.grad_bias = 0

    def part(self, which, head):
        first = (which * self.h + head) * self.d
        return slice(first, first + self.d)

    def forward(self, x):
        self.x, self.heads = x, []
        place, mixed = np.arange(x.shape[-2]), []
        later = (place > place[:, None]) & self.is_causal
        projected = x @ self.in_proj_weight.T + self.in_proj_bias
        for head in range(self.h):
            q, k, v = (projected[..., self.part(which, head)] for which in range(3))
            s = np.einsum("...id,...jd->...ij", q, k) / np.sqrt(self.d).astype(x.dtype)
            p = np.exp(s - s.max(axis=-1, keepdims=True, where=~later, initial=-np.inf))
            p = np.where(later, 0, p)
            p = p / p.sum(axis=-1, keepdims=True)
            self.heads.append((q, k, v, p))
            mixed.append(p @ v)
        self.mixed = np.concatenate(mixed, axis=-1)
        return self.mixed @ self.out_proj.weight.T + self.out_proj.bias

    def backward(self, grad_output):
        out, dy = self.out_proj, rows(grad_output)
        out.grad_weight = out.grad_weight + dy.T @ rows(self.mixed)
        out.grad_bias = out.grad_bias + dy.sum(axis=0)
        grad_mixed = grad_output @ out.weight
        grads = []
        for head, (q, k, v, p) in enumerate(self.heads):
            g = grad_mixed[..., self.part(0, head)]
            grad_p = np.einsum("...id,...jd->...ij", g, v)
            one = np.eye(p.shape[-1], dtype=p.dtype)
            jacobian = p[..., None] * (one - p[..., None, :])
            grad_s = np.einsum("...ij,...ijk->...ik", grad_p, jacobian)
            grad_s = grad_s / np.sqrt(self.d).astype(p.dtype)
            grad_k = np.einsum("...ij,...id->...jd", grad_s, q)
            grad_v = np.einsum("...ij,...id->...jd", p, g)
            grads.append((grad_s @ k, grad_k, grad_v))
        grad = np.concatenate([h[i] for i in range(3) for h in grads], axis=-1)
        weight = rows(grad).T @ rows(self.x)
        self.grad_in_proj_weight = self.grad_in_proj_weight + weight
        self.grad_in_proj_bias = self.grad_in_proj_bias + rows(grad).sum(axis=0)
        return grad @ self.in_proj_weight
