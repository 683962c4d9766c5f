"""An embedding, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Embedding:
    def __init__(self, num_embeddings, embedding_dim):
        self.weight = np.zeros((num_embeddings, embedding_dim))
        self.grad_weight = 0

    def forward(self, x):
        self.x = x
        return self.weight[x]

    def backward(self, g):
        dW = np.zeros_like(self.weight)
        np.add.at(dW, self.x, g)
        self.grad_weight = self.grad_weight + dW
