"""A fully connected layer that computes with weights of few bits, and learns so."""

import math

from handmade._array import Array, floating_namespace, require_shape
from handmade._bits import known_bits
from handmade.nn.linear import Linear
from handmade.quantize import Quantized, quantize


class QuantizedLinear(Linear):
    """A linear layer whose weights are rounded to few values before they are used.

    It keeps full-precision weights W and trains those: small changes add up in them
    until a used weight V jumps to the next value.

    Forward:
        V = q s = quantize(W),  y = x Vᵀ + b

    Backward:
        ∂L/∂x = ∂L/∂y V
        ∂L/∂W := ∂L/∂V = ∂L/∂yᵀ x, straight through: round, whose slope is 0 or none,
        counts as slope 1, and s as a constant
        ∂L/∂b = Σₙ ∂L/∂y

    At the kink:
        A ternary weight beyond ±1.5 s is clipped, and its gradient still passes, so
        that it can come back.

    Shape:
        As `Linear`: x (…, i), W and V (o, i), b (o,), y (…, o).

    Args:
        in_features: i, at least 1.
        out_features: o, at least 1.
        bits: of each weight, as in `quantize.quantize`: 2 to 24, "ternary", "binary".
        bias: without it, b is absent; with it, b keeps its full precision.

    Torch:
        None; `torch_ref.nn.QuantizedLinear` writes the straight-through gradient as a
        `torch.autograd.Function`.

    Source:
        Bengio, Léonard & Courville, "Estimating or Propagating Gradients Through
        Stochastic Neurons" (2013).
    """

    def __init__(
        self, in_features: int, out_features: int, bits: int | str, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.bits = known_bits("QuantizedLinear", bits)

    def quantized(self) -> Quantized:
        """The weights as they are stored, their scale, and as they are used."""
        return quantize(self.weight.data, self.bits)

    def forward(self, x: Array) -> Array:
        floating_namespace("QuantizedLinear", x=x, weight=self.weight.data)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"QuantizedLinear: the last dimension of x must be in_features = "
                f"{self.in_features}, got x of shape {tuple(x.shape)}"
            )
        used = self.quantized().used
        self.saved = x, used
        y = x @ used.T
        return y if self.bias is None else y + self.bias.data

    def backward(self, grad_output: Array) -> Array:
        x, used = self.saved
        xp = floating_namespace("QuantizedLinear", x=x, grad_output=grad_output)
        shape = (*x.shape[:-1], self.out_features)
        require_shape("QuantizedLinear", "grad_output", grad_output, shape)
        n = math.prod(x.shape[:-1])
        grad_rows = xp.reshape(grad_output, (n, self.out_features))
        self.weight.accumulate(grad_rows.T @ xp.reshape(x, (n, self.in_features)))
        if self.bias is not None:
            self.bias.accumulate(xp.sum(grad_rows, axis=0))
        return grad_output @ used
