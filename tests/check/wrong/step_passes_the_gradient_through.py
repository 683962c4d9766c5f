"""The backward pass hands the gradient on as if the step were the identity."""

DIAGNOSIS = "mistake: upstream gradient handed on unchanged"


class Step:
    def forward(self, x):
        return (x > 0).astype(x.dtype)

    def backward(self, grad_output):
        return grad_output.copy()
