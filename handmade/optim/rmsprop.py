"""RMSprop."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_share
from handmade.optim.optimizer import (
    Group,
    Optimizer,
    State,
    gradient_with_decay,
    is_nonzero,
)


class RMSprop(Optimizer):
    """Divides the gradient by its running root mean square.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        v ← α v + (1 − α) g²
        s = √v, or √(v − ḡ²) when centered, with ḡ ← α ḡ + (1 − α) g
        θ ← θ − lr · g / (s + ε), or θ ← θ − lr · b with b ← μ b + g / (s + ε)

    Stability:
        ε stands outside the root. A variance v − ḡ² that rounding makes negative counts
        as 0.

    Args:
        params: parameters or groups of them.
        lr: the learning rate, at least 0; it stands outside the velocity b.
        alpha: α in [0, 1], what the averages keep of their past.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; added to the gradient ("L2").
        momentum: μ, at least 0.
        centered: divide by the standard deviation.
        maximize: ascend instead.

    Torch:
        `torch.optim.RMSprop`; `foreach`, `capturable` and `differentiable` do not
        exist here. An alpha above 1 is refused, where torch takes the root of negative
        numbers, as it does when a variance is rounded below 0.

    Source:
        Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012; centered: Graves,
        "Generating Sequences With Recurrent Neural Networks", 2013.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        require_at_least_0("RMSprop", group, "lr", "eps", "weight_decay", "momentum")
        require_share("RMSprop", group, "alpha")

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("RMSprop", data=data)
        alpha, g = group["alpha"], gradient_with_decay(data, grad, group)
        state["step"] = state.get("step", 0) + 1
        v = alpha * state.get("square_avg", 0) + (1 - alpha) * g * g
        state["square_avg"] = v
        if group["centered"]:
            mean = alpha * state.get("grad_avg", 0) + (1 - alpha) * g
            state["grad_avg"] = mean
            # Where v overflows, so may ḡ², and ∞ − ∞ is NaN.
            v = xp.where(xp.isinf(v), v, xp.clip(v - mean * mean, 0, None))
        change = g / (xp.sqrt(v) + group["eps"])
        if is_nonzero(group["momentum"]):
            change = group["momentum"] * state.get("momentum_buffer", 0) + change
            state["momentum_buffer"] = change
        return data - group["lr"] * change
