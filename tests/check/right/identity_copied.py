"""The identity as a pair of copies."""

DIAGNOSIS = "right"


class Identity:
    def __call__(self, x):
        return x.copy()

    def backward(self, grad_output):
        return grad_output.copy()
