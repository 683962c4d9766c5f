"""Quantisation-aware training of a linear layer."""

from handmade._array import Array, check, check_grad
from handmade._bits import known_bits
from handmade.nn.linear import Linear, as_matrix, require_features
from handmade.quantize import Quantized, quantize


class QuantizedLinear(Linear):
    """Linear layer with quantised weights, trained with the straight-through estimator.

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

    takes_half = False

    def __init__(
        self, in_features: int, out_features: int, bits: int | str, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.bits = known_bits("QuantizedLinear", bits)

    def quantized(self) -> Quantized:
        """The weights as they are stored, their scale, and as they are used."""
        return quantize(self.weight.data, self.bits)

    def forward(self, x: Array) -> Array:
        check(self, x=x, weight=self.weight.data)
        require_features(self, x, self.in_features)
        used = self.quantized().used
        y = x @ used.T
        self.saved = x, used, y.shape
        return y if self.bias is None else y + self.bias.data

    def backward(self, grad_output: Array) -> Array:
        x, used, shape = self.saved
        xp = check_grad(self, grad_output, x, shape)
        rows = as_matrix(xp, grad_output)
        self.weight.accumulate(rows.T @ as_matrix(xp, x))
        if self.bias is not None:
            self.bias.accumulate(xp.sum(rows, axis=0))
        return grad_output @ used
