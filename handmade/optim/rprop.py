"""Rprop."""

from collections.abc import Iterable

from handmade._array import Array, check
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_numbers
from handmade.optim.optimizer import Group, Optimizer, State


class Rprop(Optimizer):
    """Resilient backpropagation: adapts a step size for each weight; only signs count.

    As long as the slope keeps its sign the step grows, however flat it is; when the
    sign turns, the minimum was overshot, and the step shrinks. So the steps are careful
    where it is steep and bold where it is flat. Made for full batches: with small
    ones, the signs turn by chance.

    Forward:
        g ← ∂L/∂θ (its negative with maximize)
        η ← η⁺ η where g keeps its sign, η⁻ η where it turns; at most η_max, at
        least η_min
        g ← 0 where it turns: no step now, and no comparison at the next
        θ ← θ − η · sign(g)

    At the kink:
        Where g or its predecessor is 0, η stays as it is. A g that is NaN moves
        nothing, as in torch.

    Args:
        params: parameters or groups of them.
        lr: what η is at the first step, at least 0; later ones do not count.
        etas: (η⁻, η⁺) with 0 < η⁻ < 1 < η⁺.
        step_sizes: (η_min, η_max), the smallest and the largest step.
        maximize: ascend instead.

    Torch:
        `torch.optim.Rprop`; `foreach`, `capturable` and `differentiable` do not exist
        here. Step sizes that are out of order are refused.

    Source:
        Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation
        Learning: The RPROP Algorithm", 1993.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        require_at_least_0("Rprop", group, "lr")
        which = "one number in (0, 1) and one above 1"
        require_numbers("Rprop", group, "etas", 2, which)
        smaller, larger = group["etas"]
        if not 0 < smaller < 1 < larger:
            raise ValueError(f"Rprop: etas must be {which}, got {group['etas']}")
        which = "the smallest and the largest, at least 0"
        require_numbers("Rprop", group, "step_sizes", 2, which)
        smallest, largest = group["step_sizes"]
        if not 0 <= smallest <= largest:
            raise ValueError(
                f"Rprop: step_sizes must be {which}, got {group['step_sizes']}"
            )

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        xp = check("Rprop", data=data)
        smaller, larger = group["etas"]
        g = -grad if group["maximize"] else grad
        state["step"] = state.get("step", 0) + 1
        size = state.get("step_size", xp.full_like(data, group["lr"]))
        turn = g * state.get("prev", xp.zeros_like(data))  # < 0 where the sign turns
        grown = xp.where(turn > 0, larger * size, size)
        size = xp.where(turn < 0, smaller * size, grown)
        state["step_size"] = size = xp.clip(size, *group["step_sizes"])
        state["prev"] = g = xp.where(turn < 0, xp.zeros_like(g), g)
        sign = xp.astype(g > 0, g.dtype) - xp.astype(g < 0, g.dtype)  # 0 for NaN
        return data - size * sign
