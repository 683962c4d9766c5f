"""The padding row gets a gradient as any other."""

import numpy as np

DIAGNOSIS = "mistake: padding is trained"


class Embedding:
    def __init__(self, num_embeddings, embedding_dim, padding_idx=None):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(num_embeddings, embedding_dim))
        self.grad_weight = 0

    def forward(self, x):
        self.x = x
        return self.weight[x]

    def backward(self, grad_output):
        grad = np.zeros_like(self.weight)
        np.add.at(grad, self.x, grad_output)
        self.grad_weight = self.grad_weight + grad
