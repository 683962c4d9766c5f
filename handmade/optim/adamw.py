"""Adam with decoupled weight decay."""

from collections.abc import Iterable

from handmade.nn.module import Parameter
from handmade.optim.adam import Adam
from handmade.optim.optimizer import Group


class AdamW(Adam):
    """Adam with decoupled weight decay: the weights shrink before the step.

    Forward:
        θ ← (1 − lr λ) θ
        θ ← θ − lr · m̂ / (√v̂ + ε), with m̂ and v̂ of the bare gradient, as in `Adam`

    Args:
        params: parameters or groups of them.
        lr: the learning rate, at least 0; it scales the decay, too.
        betas: β₁ and β₂ in [0, 1), what m and v keep of their past.
        eps: ε, at least 0.
        weight_decay: λ, at least 0.
        amsgrad: divide by the largest v so far instead of the last one.
        maximize: ascend instead.

    Torch:
        `torch.optim.AdamW`; `foreach`, `fused`, `capturable` and `differentiable` do
        not exist here. A group that asks for coupled decay is refused, where torch
        turns into Adam.

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
        )

    def check_choices(self, group: Group) -> None:
        if not group["decoupled_weight_decay"]:
            raise ValueError(
                "AdamW: decoupled_weight_decay must be True, got False; that is Adam"
            )
