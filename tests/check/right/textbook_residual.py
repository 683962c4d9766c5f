"""A skip connection, as in a textbook."""

DIAGNOSIS = "right"


class Residual:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        y = x
        for layer in self.layers:
            y = layer.forward(y)
        return x + y

    def backward(self, g):
        grad = g
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return g + grad
