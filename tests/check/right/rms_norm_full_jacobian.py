"""The whole Jacobian of each row: (1 − x̂ x̂ᵀ / n) / root."""

import numpy as np

DIAGNOSIS = "right"


class RMSNorm:
    def __init__(self, normalized_shape, eps=2.0**-52):
        self.weight = np.ones(normalized_shape)
        self.weight_grad, self.eps = np.zeros(normalized_shape), eps

    def forward(self, x):
        self.rows = x.reshape(-1, self.weight.size)
        squares = np.einsum("ni,ni->n", self.rows, self.rows) / self.weight.size
        self.root = np.sqrt(squares + self.eps)[:, None]
        return (self.rows / self.root).reshape(x.shape) * self.weight

    def backward(self, grad_output):
        n, x_hat = self.weight.size, self.rows / self.root
        upstream = grad_output.reshape(-1, n)
        weight_grad = (upstream * x_hat).sum(axis=0).reshape(self.weight.shape)
        self.weight_grad = (self.weight_grad + weight_grad).astype(grad_output.dtype)
        one = np.eye(n, dtype=x_hat.dtype)
        jacobian = one - x_hat[:, :, None] * x_hat[:, None, :] / n
        g = upstream * self.weight.ravel()
        grad = np.einsum("nj,nij->ni", g, jacobian) / self.root
        return grad.reshape(grad_output.shape)
