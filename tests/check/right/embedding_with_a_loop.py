"""Each place adds its gradient to the row that it asked for."""

import numpy as np

DIAGNOSIS = "right"


class Embedding:
    def __init__(self, num_embeddings, embedding_dim):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(num_embeddings, embedding_dim))
        self.grad_weight = np.zeros((num_embeddings, embedding_dim))

    def forward(self, x):
        self.x = x
        return np.take(self.weight, x, axis=0)

    def backward(self, grad_output):
        self.grad_weight = self.grad_weight.astype(grad_output.dtype)
        for place in np.ndindex(self.x.shape):
            self.grad_weight[self.x[place]] += grad_output[place]
