"""The axes of the windows and of the places in them change sides in the reshape."""

DIAGNOSIS = "mistake: reshaped along the wrong axes"


class MaxPool2d:
    def __init__(self, kernel_size):
        self.k = kernel_size

    def forward(self, x):
        k, (n, c, h, w) = self.k, x.shape
        self.windows = x.reshape(n, c, k, h // k, k, w // k)
        self.y = self.windows.max(axis=(2, 4), keepdims=True)
        return self.y[:, :, 0, :, 0, :]

    def backward(self, grad_output):
        n, c, k, h, _, w = self.windows.shape
        won = (self.windows == self.y) * grad_output[:, :, None, :, None, :]
        return won.reshape(n, c, k * h, k * w)
