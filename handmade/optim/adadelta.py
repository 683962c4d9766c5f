"""Adadelta."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_share
from handmade.optim.optimizer import Group, Optimizer, State, gradient_with_decay


class Adadelta(Optimizer):
    """Scales the gradient by the ratio of the RMS of recent updates and gradients.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        v ← ρ v + (1 − ρ) g²
        Δ = √(u + ε) / √(v + ε) · g
        u ← ρ u + (1 − ρ) Δ²
        θ ← θ − lr · Δ

    Stability:
        ε stands inside both roots: without it the first step would be 0, and every
        later one, too. A gradient that has always been 0 then gives 0/0, NaN, as in
        torch.

    Args:
        params: parameters or groups of them.
        lr: what Δ is multiplied by, at least 0; the paper has 1.
        rho: ρ in [0, 1], what the averages keep of their past.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; added to the gradient ("L2").
        maximize: ascend instead.

    Torch:
        `torch.optim.Adadelta`; `foreach`, `capturable` and `differentiable` do not
        exist here.

    Source:
        Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        require_at_least_0("Adadelta", group, "lr", "eps", "weight_decay")
        require_share("Adadelta", group, "rho")

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("Adadelta", data=data)
        rho, eps = group["rho"], group["eps"]
        g = gradient_with_decay(data, grad, group)
        state["step"] = state.get("step", 0) + 1
        u = state.get("acc_delta", xp.zeros_like(data))
        v = rho * state.get("square_avg", 0) + (1 - rho) * g * g
        delta = xp.sqrt(u + eps) / xp.sqrt(v + eps) * g
        state["square_avg"] = v
        state["acc_delta"] = rho * u + (1 - rho) * delta * delta
        return data - group["lr"] * delta
