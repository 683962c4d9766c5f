"""Adagrad."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade._numbers import real_number
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0
from handmade.optim.optimizer import Group, Optimizer, State, gradient_with_decay


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares.

    Each coordinate is divided by the root of all its squared gradients so far: where it
    has been steep the steps become careful, where it has been flat they stay bold.
    Nothing is forgotten, so that the steps only ever become smaller.

    Forward:
        g ← ∂L/∂θ (its negative with maximize) + λ θ
        s ← s + g²
        θ ← θ − lr / (1 + (t − 1) η) · g / (√s + ε)

    Stability:
        ε stands outside the root. A gradient that has always been 0 moves nothing;
        without ε it gives 0/0, NaN, as in torch.

    Args:
        params: parameters or groups of them.
        lr: the learning rate, at least 0: about the length of the first step.
        lr_decay: η, at least 0: how fast the learning rate decays with the step t.
        weight_decay: λ, at least 0; added to the gradient ("L2").
        initial_accumulator_value: where s starts, at least 0; for all groups alike.
        eps: ε, at least 0.
        maximize: ascend instead.

    Torch:
        `torch.optim.Adagrad`; `foreach`, `fused` and `differentiable` do not exist
        here. A group's own `initial_accumulator_value` is refused; torch ignores it.

    Source:
        Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and
        Stochastic Optimization", 2011.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def add_param_group(self, group: Group) -> None:
        name = "initial_accumulator_value"
        wanted = real_number("Adagrad", name, self.defaults[name])
        given = real_number("Adagrad", name, group.get(name, wanted))
        if given != wanted:
            raise ValueError(
                f"Adagrad: {name} is {self.defaults[name]} for all groups, "
                f"got {given} for one"
            )
        super().add_param_group(group)

    def check(self, group: Group) -> None:
        names = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        require_at_least_0("Adagrad", group, *names)

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("Adagrad", data=data)
        g = gradient_with_decay(data, grad, group)
        state["step"] = t = state.get("step", 0) + 1
        s = state.get("sum", group["initial_accumulator_value"]) + g * g
        state["sum"] = s
        lr = group["lr"] / (1 + (t - 1) * group["lr_decay"])
        return data - lr * g / (xp.sqrt(s) + group["eps"])
