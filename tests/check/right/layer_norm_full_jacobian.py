"""Every example's own Jacobian: (1 − 1/n − x̂x̂ᵀ/n) / σ."""

import numpy as np

DIAGNOSIS = "right"


class LayerNorm:
    def __init__(self, normalized_shape, eps=1e-5):
        self.eps, self.size = eps, int(np.prod(normalized_shape))
        self.weight, self.bias = np.ones(normalized_shape), np.zeros(normalized_shape)
        self.weight_grad = self.bias_grad = 0

    def forward(self, x):
        self.shape = x.shape
        flat = x.reshape(-1, self.size)
        flat = flat - flat.mean(axis=1, keepdims=True)
        self.sigma = np.sqrt((flat**2).mean(axis=1) + self.eps)
        self.hats = flat / self.sigma[:, None]
        return (self.hats * self.weight.ravel() + self.bias.ravel()).reshape(x.shape)

    def backward(self, grad_output):
        g = grad_output.reshape(-1, self.size)
        own = self.weight.shape
        self.weight_grad = self.weight_grad + (g * self.hats).sum(axis=0).reshape(own)
        self.bias_grad = self.bias_grad + g.sum(axis=0).reshape(own)
        unit = np.eye(self.size) - 1 / self.size
        outer = self.hats[:, :, None] * self.hats[:, None, :] / self.size
        jacobian = (unit - outer) / self.sigma[:, None, None]
        grad = np.einsum("ni,nij->nj", g * self.weight.ravel(), jacobian)
        return grad.reshape(self.shape).astype(grad_output.dtype)
