"""Adam."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_betas
from handmade.optim.optimizer import Group, Optimizer, State, gradient_with_decay


class Adam(Optimizer):
    """Adaptive moments: mean gradient divided by its running root mean square.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ): bias correction, as both start at 0
        θ ← θ − lr · m̂ / (√v̂ + ε)

    Stability:
        ε stands outside the root. A gradient that has always been 0 moves nothing;
        without ε it gives 0/0, NaN, as in torch.

    Args:
        params: parameters or groups of them.
        lr: the learning rate, at least 0: about the length of a step.
        betas: β₁ and β₂ in [0, 1), what m and v keep of their past.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; added to the gradient ("L2").
        amsgrad: divide by the largest v so far instead of the last one.
        maximize: ascend instead.
        decoupled_weight_decay: shrink θ itself by lr · λ, as `AdamW` does.

    Torch:
        `torch.optim.Adam`; `foreach`, `fused`, `capturable` and `differentiable` do
        not exist here.

    Source:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015; amsgrad:
        Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", 2018.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def check(self, group: Group) -> None:
        owner = type(self).__name__
        require_at_least_0(owner, group, "lr", "eps", "weight_decay")
        require_betas(owner, group)

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("Adam", data=data)
        lr, (beta1, beta2) = group["lr"], group["betas"]
        g = gradient_with_decay(data, grad, group)
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            data *= 1 - lr * group["weight_decay"]
        state["step"] = t = state.get("step", 0) + 1
        state["exp_avg"] = m = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
        v = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
        state["exp_avg_sq"] = v
        if group["amsgrad"]:
            v = xp.maximum(state.get("max_exp_avg_sq", v), v)
            state["max_exp_avg_sq"] = v
        step_size = lr / (1 - beta1**t)
        root = xp.sqrt(v) / (1 - beta2**t) ** 0.5
        root += group["eps"]
        data -= step_size * m / root
        return data
