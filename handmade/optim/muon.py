"""Muon."""

import math
from collections.abc import Iterable

from handmade._array import Array, check
from handmade._numbers import whole
from handmade.nn.module import Parameter
from handmade.optim._ranges import require_at_least_0, require_numbers
from handmade.optim.optimizer import Group, Optimizer, State


class Muon(Optimizer):
    """Momentum whose matrix is orthogonalised: all singular values near 1.

    Forward:
        b ← μ b + (1 − μ) ∂L/∂θ
        d = μ b + (1 − μ) ∂L/∂θ with nesterov, b without
        θ ← (1 − lr λ) θ − lr · r · orthogonalized(d)
        r = √max(1, rows/columns), or 0.2 √max(rows, columns) for "match_rms_adamw"

    Shape:
        θ (rows, columns): only matrices.

    Args:
        params: parameters or groups of them, matrices all.
        lr: the learning rate, at least 0.
        weight_decay: λ, at least 0; decoupled from the gradient.
        momentum: μ, at least 0.
        nesterov: look ahead along b.
        ns_coefficients: (a, b, c) of the Newton–Schulz polynomial a x + b x³ + c x⁵.
        eps: d is divided by its norm, but by no less than this.
        ns_steps: how often the polynomial is applied, from 0 to 99.
        adjust_lr_fn: None or "original", or "match_rms_adamw".

    Torch:
        `torch.optim.Muon`, which iterates in bfloat16, with three digits; here, and in
        `torch_ref.optim.Muon`, it is done in the dtype of the parameter.

    Source:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024;
        "match_rms_adamw": Liu et al., "Muon is Scalable for LLM Training", 2025.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def check(self, group: Group) -> None:
        require_at_least_0("Muon", group, "lr", "weight_decay", "momentum", "eps")
        for parameter in group["params"]:
            if len(parameter.shape) != 2:
                raise ValueError(
                    f"Muon: every parameter must be a matrix, got shape "
                    f"{parameter.shape}"
                )
        require_numbers("Muon", group, "ns_coefficients", 3)

    def check_choices(self, group: Group) -> None:
        if whole("Muon", "ns_steps", group["ns_steps"], 0) > 99:
            raise ValueError(
                f"Muon: ns_steps must be in 0 … 99, got {group['ns_steps']}"
            )
        name = group["adjust_lr_fn"]
        known = isinstance(name, str) and name in ("original", "match_rms_adamw")
        if not (name is None or known):
            raise ValueError(
                f"Muon: adjust_lr_fn must be None, 'original' or 'match_rms_adamw', "
                f"got {name!r}"
            )

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        lr, mu = group["lr"], group["momentum"]
        b = mu * state.get("momentum_buffer", 0) + (1 - mu) * grad
        state["momentum_buffer"] = b
        d = mu * b + (1 - mu) * grad if group["nesterov"] else b
        direction = orthogonalized(
            d, group["ns_coefficients"], group["ns_steps"], group["eps"]
        )
        shrunk = (1 - lr * group["weight_decay"]) * data
        return shrunk - lr * _ratio(data.shape, group["adjust_lr_fn"]) * direction


def orthogonalized(
    d: Array, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Array:
    """About U Vᵀ for d = U S Vᵀ: singular values near 1, by Newton–Schulz steps.

    Forward:
        x = d / ‖d‖, so that no singular value is above 1
        x ← a x + b (x xᵀ) x + c (x xᵀ)² x, which moves each singular value s to
        a s + b s³ + c s⁵

    Shape:
        x xᵀ is the smaller of the two products: a tall d is transposed first.
    """
    xp = check("orthogonalized", d=d)
    a, b, c = coefficients
    x = d.T if d.shape[0] > d.shape[1] else d
    x = x / xp.clip(xp.sqrt(xp.sum(x * x)), eps, None)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if d.shape[0] > d.shape[1] else x


def _ratio(shape: tuple[int, int], adjust_lr_fn: str | None) -> float:
    """How many times the learning rate a matrix of this shape moves."""
    rows, columns = shape
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
