"""NAdam."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_betas
from handmade.optim.optimizer import Group, Optimizer, State, gradient_with_decay


class NAdam(Optimizer):
    """Adam with Nesterov momentum that grows with the steps.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        μₜ = β₁ (1 − ½ · 0.96^(t ψ))
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g², and v̂ = v / (1 − β₂ᵗ)
        m̂ = μₜ₊₁ m / (1 − μ₁⋯μₜ₊₁) + (1 − μₜ) g / (1 − μ₁⋯μₜ)
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
        momentum_decay: ψ, at least 0: how fast μ grows from β₁ / 2 to β₁.
        decoupled_weight_decay: shrink θ itself by lr · λ, as `AdamW` does.
        maximize: ascend instead.

    Torch:
        `torch.optim.NAdam`, which keeps the product of all μ in float32, even for
        float64 parameters; here, and in `torch_ref.optim.NAdam`, it is not rounded.
        `foreach`, `capturable` and `differentiable` do not exist here.

    Source:
        Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
    """

    numbers = ("step", "mu_product")

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        names = ("lr", "eps", "weight_decay", "momentum_decay")
        require_at_least_0("NAdam", group, *names)
        require_betas("NAdam", group)

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("NAdam", data=data)
        lr, (beta1, beta2) = group["lr"], group["betas"]
        g = gradient_with_decay(data, grad, group)
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            data = (1 - lr * group["weight_decay"]) * data
        state["step"] = t = state.get("step", 0) + 1
        state["exp_avg"] = m = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
        v = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
        state["exp_avg_sq"] = v
        mu, following = (_momentum(group, s) for s in (t, t + 1))
        state["mu_product"] = product = state.get("mu_product", 1) * mu
        ahead = lr * following / (1 - product * following) * m
        here = lr * (1 - mu) / (1 - product) * g
        return data - (here + ahead) / (xp.sqrt(v / (1 - beta2**t)) + group["eps"])


def _momentum(group: Group, t: float) -> float:
    """μₜ."""
    return group["betas"][0] * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"]))
