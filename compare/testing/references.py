"""What people write that torch has as a function only: modules to compare it with."""

from typing import Any

import torch
from torch.nn import functional

from compare.testing.case import Case, case, cases
from compare.testing.draws import (
    classes,
    coin,
    normal,
    one_hot,
    probabilities,
    signs,
    unit,
)


class RMSNorm(torch.nn.RMSNorm):
    """x / √(mean(x²) + ε), times the weight; the default ε is a number, as people's."""

    has_weight = True

    def __init__(
        self, normalized_shape: int, eps: float = torch.finfo(torch.float64).eps
    ) -> None:
        super().__init__(normalized_shape, eps, self.has_weight)


class RMSNormWithoutWeight(RMSNorm):
    """x / √(mean(x²) + ε)."""

    has_weight = False


class GLU(torch.nn.GLU):
    """The first half of x times the sigmoid of the second half."""


class GLUOfTwo(torch.nn.Module):
    """The same of two inputs in place of two halves."""

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """The input times the sigmoid of the gate."""
        return functional.glu(torch.cat([x, gate], dim=-1))


class SwiGLU(torch.nn.Module):
    """The SiLU of the first half of x times the second half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """X holds both halves along its last dimension."""
        gate, value = x.chunk(2, dim=-1)
        return functional.silu(gate) * value


class SwiGLUOfTwo(torch.nn.Module):
    """The same of two inputs in place of two halves."""

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """The SiLU of the first input times the second."""
        return functional.silu(x) * gate


class ScaledDotProductAttention(torch.nn.Module):
    """softmax(q kᵀ / √d) v."""

    def __init__(self, is_causal: bool = False) -> None:
        super().__init__()
        self.is_causal = is_causal

    def forward(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        """Queries, keys and values of shape (…, length, d)."""
        return functional.scaled_dot_product_attention(
            q, k, v, is_causal=self.is_causal
        )


class CausalAttention(ScaledDotProductAttention):
    """The same; each position sees only itself and those before it."""

    def __init__(self, is_causal: bool = True) -> None:
        super().__init__(is_causal)


class LSTMCell(torch.nn.LSTMCell):
    """One step of an LSTM: from x, h and c to the next h and c."""

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Examples in rows."""
        return super().forward(x, (h, c))


class GRUCell(torch.nn.GRUCell):
    """One step of a GRU: from x and h to the next h."""


class LSTMCellOfOneBias(LSTMCell):
    """The same with one bias."""

    bias: Any

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(4 * hidden_size))

    def forward(
        self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Examples in rows."""
        biases = self.bias, torch.zeros_like(self.bias)
        return torch.lstm_cell(x, (h, c), self.weight_ih, self.weight_hh, *biases)


class GRUCellOfOneBias(torch.nn.GRUCell):
    """The same with one bias, which the reset gate does not scale."""

    bias: Any

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(3 * hidden_size))

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: torch.Tensor, h: torch.Tensor
    ) -> torch.Tensor:
        """Examples in rows."""
        biases = self.bias, torch.zeros_like(self.bias)
        return torch.gru_cell(x, h, self.weight_ih, self.weight_hh, *biases)


class CrossEntropyOfProbabilities(torch.nn.Module):
    """The mean of −log p of the right class, of probabilities p instead of logits."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, p: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of probabilities (N, C) and class indices (N,) or rows (N, C)."""
        if target.dtype == torch.int64:
            return functional.nll_loss(p.log(), target, reduction=self.reduction)
        return _reduced(-(target * p.log()).sum(dim=1), self.reduction)


class FocalLoss(torch.nn.Module):
    """The mean of −α (1 − p)^γ log p, p the probability of the right class."""

    cross_entropy: Any = staticmethod(functional.cross_entropy)

    def __init__(
        self, alpha: float = 1.0, gamma: float = 2.0, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def weight(self, target: torch.Tensor) -> Any:
        """α of each example."""
        return self.alpha

    def factor(self, p: torch.Tensor) -> torch.Tensor:
        """What an example counts for, by the probability of its class."""
        return (1 - p) ** self.gamma

    def forward(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of logits (N, C) and class indices (N,)."""
        log_loss = self.cross_entropy(x, target, reduction="none")
        factor = self.weight(target) * self.factor(torch.exp(-log_loss))
        return _reduced(factor * log_loss, self.reduction)


class BinaryFocalLoss(FocalLoss):
    """The same of logits and targets 0 or 1; α for 1, 1 − α for 0, none if negative."""

    cross_entropy = staticmethod(functional.binary_cross_entropy_with_logits)

    def __init__(
        self, alpha: float = -1.0, gamma: float = 2.0, reduction: str = "mean"
    ) -> None:
        super().__init__(alpha, gamma, reduction)

    def weight(self, target: torch.Tensor) -> Any:
        """α of each example."""
        both = self.alpha * target + (1 - self.alpha) * (1 - target)
        return both if self.alpha >= 0 else 1.0


class BinaryFocalLossOfProbabilities(BinaryFocalLoss):
    """The same of probabilities in place of logits."""

    cross_entropy = staticmethod(functional.binary_cross_entropy)


class OneAlphaFocalLoss(FocalLoss):
    """The same of logits and targets 0 or 1, α for both."""

    cross_entropy = staticmethod(functional.binary_cross_entropy_with_logits)


class OneAlphaFocalLossOfProbabilities(FocalLoss):
    """The same of probabilities in place of logits."""

    cross_entropy = staticmethod(functional.binary_cross_entropy)


class BinaryHingeLoss(torch.nn.Module):
    """The mean of max(0, margin − x y), for targets y of −1 or 1."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        self.margin, self.reduction = margin, reduction

    def forward(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of scores and targets of the same shape."""
        return _reduced(functional.relu(self.margin - x * target), self.reduction)


def _reduced(losses: torch.Tensor, reduction: str) -> torch.Tensor:
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


_REDUCTIONS = ({}, {"reduction": "sum"}, {"reduction": "none"})
_FOCAL = (*_REDUCTIONS, {"gamma": 0.5}, {"alpha": 0.25}, {"alpha": 0.25, "gamma": 3.0})
_HINGE = (*_REDUCTIONS, {"margin": 0.5})
_QKV = [
    (normal(4, 3), normal(5, 3), normal(5, 2)),
    (normal(3, 3), normal(3, 3), normal(3, 3)),
    (normal(2, 4, 3), normal(2, 5, 3), normal(2, 5, 2)),
    (normal(2, 3, 3), normal(2, 3, 3), normal(2, 3, 3)),
]
_X, _H, _C = normal(4, 3), normal(4, 5), normal(4, 5)
LAYERS: list[Case] = [
    *(
        case("RMSNormWithoutWeight", normal(*shape, 5), args=(5,), note=note, **options)
        for shape, note in (((4,), ""), ((2, 3), "many leading dimensions"))
        for options in ({}, {"eps": 0.1})
    ),
    case("GLU", normal(4, 6)),
    case("GLU", normal(2, 3, 4), note="many leading dimensions"),
    case("SwiGLU", normal(4, 6)),
    case("SwiGLU", normal(2, 3, 4), note="many leading dimensions"),
    *(
        case(name, normal(*shape), normal(*shape), further=("gate",), note=note)
        for name in ("GLUOfTwo", "SwiGLUOfTwo")
        for shape, note in (((4, 3), ""), ((2, 3, 4), "many leading dimensions"))
    ),
    *(
        case(name, *inputs, further=("k", "v"), **options)
        for name, each in (
            ("ScaledDotProductAttention", ({}, {"is_causal": True})),
            ("CausalAttention", ({},)),
        )
        for options in each
        for inputs in _QKV
    ),
    *(
        case(name, _X, _H, _C, args=(3, 5), further=("h", "c"), outputs=2)
        for name in ("LSTMCell", "LSTMCellOfOneBias")
    ),
    *(
        case(name, _X, _H, args=(3, 5), further=("h",))
        for name in ("GRUCell", "GRUCellOfOneBias")
    ),
]
LOSSES: list[Case] = [
    *(
        case("CrossEntropyOfProbabilities", probabilities(6, 5), target, **options)
        for target in (classes(6, of=5), one_hot(6, of=5))
        for options in _REDUCTIONS
    ),
    *cases("FocalLoss", normal(6, 5), classes(6, of=5), each=_FOCAL),
    *(
        one
        for name, draw in (
            ("BinaryFocalLoss", normal),
            ("BinaryFocalLossOfProbabilities", unit),
            ("OneAlphaFocalLoss", normal),
            ("OneAlphaFocalLossOfProbabilities", unit),
        )
        for shape in ((6,), (4, 3))
        for one in cases(name, draw(*shape), coin(*shape), each=_FOCAL)
    ),
    *(
        one
        for shape in ((6,), (4, 3))
        for one in cases("BinaryHingeLoss", normal(*shape), signs(*shape), each=_HINGE)
    ),
]
"""The test cases of each module."""
