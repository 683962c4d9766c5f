"""The rows are chosen, and their gradients added up, by a one-hot product."""

import numpy as np

DIAGNOSIS = "right"


class Embedding:
    def __init__(self, num_embeddings, embedding_dim, padding_idx=None):
        self.weight = np.random.default_rng(0).normal(
            size=(num_embeddings, embedding_dim)
        )
        self.weight_grad = 0
        self.padding_idx = padding_idx

    def forward(self, x):
        self.hot = np.eye(len(self.weight), dtype=self.weight.dtype)[x]
        return self.hot @ self.weight

    def backward(self, grad_output):
        if self.hot.ndim > 1:
            count = tuple(range(self.hot.ndim - 1))
            grad = np.tensordot(self.hot, grad_output, axes=(count, count))
        else:
            grad = np.outer(self.hot, grad_output)
        if self.padding_idx is not None:
            grad[self.padding_idx] = 0
        self.weight_grad = self.weight_grad + grad
