"""SGD."""

from collections.abc import Iterable

from handmade._array import Array
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_number
from handmade.optim.optimizer import (
    Group,
    Optimizer,
    State,
    gradient_with_decay,
    is_nonzero,
)


class SGD(Optimizer):
    """Stochastic gradient descent, with or without momentum.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        v ← g at the first step, then μ v + (1 − τ) g
        θ ← θ − lr · (g without momentum, v with it, g + μ v with nesterov)

    Args:
        params: parameters or groups of them.
        lr: the learning rate, at least 0; it stands outside the velocity v.
        momentum: μ, at least 0.
        dampening: τ.
        weight_decay: λ, at least 0; added to the gradient ("L2").
        nesterov: look ahead along v; needs momentum and no dampening.
        maximize: ascend instead.

    Torch:
        `torch.optim.SGD`; `foreach`, `fused` and `differentiable` do not exist here.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        require_at_least_0("SGD", group, "lr", "momentum", "weight_decay")
        require_number("SGD", "dampening", group["dampening"])
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov needs momentum > 0 and dampening = 0, got "
                f"momentum={group['momentum']} and dampening={group['dampening']}"
            )

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        g = gradient_with_decay(data, grad, group)
        if is_nonzero(group["momentum"]):
            v = 1 * g  # a copy: the gradient may be overwritten before the next step
            if (last := state.get("momentum_buffer")) is not None:
                v = group["momentum"] * last + (1 - group["dampening"]) * g
            state["momentum_buffer"] = v
            g = g + group["momentum"] * v if group["nesterov"] else v
        data -= group["lr"] * g
        return data
