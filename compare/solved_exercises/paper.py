"""Numbers and sums as people write them: 1½, −¼, 5/16, ½ + ½·1."""

from fractions import Fraction
from typing import Any

PYTHON = {"½": ".5", "¼": ".25", "¾": ".75", "−": "-"}
"""Signs on paper, and what Python reads."""
VULGAR = {Fraction(float(PYTHON[sign])): sign for sign in "½¼¾"}


def paper(value: Any) -> str:
    """Exactly, as on paper: 1½, −¼, 5/16; a list in brackets."""
    if isinstance(value, list):
        return f"[{', '.join(map(paper, value))}]"
    number = Fraction(value)
    sign, (whole, rest) = "−" * (number < 0), divmod(abs(number), 1)
    if rest in VULGAR or not rest:
        return f"{sign}{whole or ''}{VULGAR.get(rest, '')}" if number else "0"
    return f"{sign}{abs(number)}"


def factor(value: Any) -> str:
    """A number that follows a sign: brackets hold a negative one."""
    return f"({paper(value)})" if value < 0 else paper(value)


def substituted(weights: list[Any], x: list[Any]) -> str:
    """w₀ + w₁·x₁ + w₂·x₂ in numbers."""
    terms = [f"{factor(w)}·{factor(v)}" for w, v in zip(weights[1:], x, strict=True)]
    return " + ".join([paper(weights[0]), *terms])
