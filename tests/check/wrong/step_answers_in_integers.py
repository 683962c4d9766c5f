"""The output is an integer array whatever floating dtype comes in."""

DIAGNOSIS = "convention: dtype changed"


class Step:
    def __call__(self, x):
        return (x > 0).astype(int)

    def backward(self, grad_output):
        return 0 * grad_output
