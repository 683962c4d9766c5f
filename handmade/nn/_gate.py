"""The gates Φ(x) and σ(x) of GELU and SiLU, and their derivatives."""

import math

from handmade._array import Array, Owner, check
from handmade._erf import erfc

SATURATED = 40.0
"""From here on both gates are 1, at the other end 0, and their slopes 0."""


def normal_gate(x: Array) -> tuple[Array, Array]:
    """Φ(x) = ½ (1 + erf(x / √2)), and its slope exp(−x²/2) / √(2π)."""
    xp = check("normal_gate", x=x)
    held = xp.clip(x, -SATURATED, SATURATED)  # its square cannot overflow
    slope = xp.exp(-held * held / 2) / math.sqrt(2 * math.pi)
    return erfc(-x / math.sqrt(2)) / 2, slope


def tanh_gate(x: Array) -> tuple[Array, Array]:
    """½ (1 + tanh u), and its slope ½ (1 − tanh² u) u′; u as in `GELU`."""
    xp = check("tanh_gate", x=x)
    held = xp.clip(x, -SATURATED, SATURATED)  # its cube cannot overflow
    u = math.sqrt(2 / math.pi) * (held + 0.044715 * held * held * held)
    slope_of_u = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * held * held)
    # 1 ± tanh u cancel; they are 2σ(2u) and 2σ(−2u).
    up, down = sigmoid(2 * u), sigmoid(-2 * u)
    return up, 2 * up * down * slope_of_u


def sigmoid(x: Array, owner: Owner = "sigmoid") -> Array:
    """1 / (1 + e⁻ˣ), written with e^-|x| alone so that no x overflows."""
    xp = check(owner, x=x)
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(x), small) / (1 + small)
