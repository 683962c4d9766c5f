"""Every mistake that `check` can name, written once, in a table for each family.

A row of a table (*.toml) has the name of a mistake, a hint, the classes in which it can
be made ("of"; any unless given), and the ways to make it: formulas for what the results
would then be. A file that gives just these results gets the name and the hint.

In a formula, y, dx, dW and db are torch's output and gradients, g is ∂L/∂y, x the
input, target the target, W and b the parameters; options go by their names; f is the
failed test case, which the functions of `variants` and `norms` take. A formula assigns
what is wrong ("dx = g * (1 - y)"), or it is the results by name, or a list of these.
The table of the optimisers has its own kind of ways.

To add a mistake, add a row here and a wrong file in tests/check/wrong.
"""

import inspect
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

import handmade
from compare.check.mistakes import norms, variants
from compare.check.results import Failure, close
from compare.testing.reference import Question, Results

TOLERANCE = 1e-9
"""Up to here, relatively, a wrong result is explained by a mistake."""
LARGE = 1e3
"""From this input on, only a stable formula gives the right result."""
SYMBOLS = {
    "y": "output",
    "dx": "input gradient",
    "dW": "gradient weight",
    "db": "gradient bias",
}
"""What results are called in formulas."""


@dataclass(frozen=True)
class Mistake:
    """A mistake in a layer or a loss."""

    name: str
    of: frozenset[str]  # the classes in which it can be made; in any if empty
    ways: tuple[CodeType, ...]  # formulas for its results, one for each way to make it

    def explains(self, f: Failure) -> bool:
        """Whether one way to make it gives all the wrong results of a test case."""
        for way in self.ways:
            with suppress(
                ValueError, RuntimeError, IndexError, ArithmeticError
            ):  # not with such shapes
                if any(
                    all(n in a and close(f.got[n], a[n], TOLERANCE) for n in f.wrong)
                    for a in _results(way, f)
                ):
                    return True
        return False


def _results(way: CodeType, f: Failure) -> Iterable[Results]:
    """What a formula gives in a test case."""
    right = _names(f)
    names = dict(right)
    found = eval(way, names)
    if found is None:  # it assigned something
        found = {
            result: np.asarray(names[symbol])
            for symbol, result in SYMBOLS.items()
            if names.get(symbol) is not right.get(symbol)
        }
    return [found] if isinstance(found, dict) else found


def _names(f: Failure) -> dict[str, Any]:
    """Everything that a formula may use."""
    state, inputs = f.question.state, f.question.inputs
    make = getattr(handmade.nn, f.question.name, None)
    options = inspect.signature(make).parameters.values() if make else ()
    return {
        **{p.name: p.default for p in options},
        **f.question.kwargs,
        **vars(np),
        **vars(variants),
        **vars(norms),
        **{s: f.want[name] for s, name in SYMBOLS.items() if name in f.want},
        **{s: state[k] for s, k in (("W", "weight"), ("b", "bias")) if k in state},
        **{"target": inputs[-1], "g": f.upstream, "x": f.x, "f": f},
    }


def _compiled(way: str) -> CodeType:
    try:
        return compile(way, way, "eval")
    except SyntaxError:
        return compile(way, way, "exec")


_ROWS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
    for path in sorted(Path(__file__).parent.glob("*.toml"))
}
HINTS: dict[str, str] = {
    row["name"]: row["hint"] for rows in _ROWS.values() for row in rows if "hint" in row
}
"""By the name of a mistake: how to mend it, in one line."""
CONVENTIONS: dict[str, str] = {
    row["name"]: row["convention"]
    for rows in _ROWS.values()
    for row in rows
    if "convention" in row
}
"""Names that are no mistake where the gradient is that of the value: of "any" kind of
definition, or of a "loss" only."""
OPTIMIZERS: list[dict[str, Any]] = _ROWS.pop("optimizers")
"""The rows of optimisers."""
NETS: list[dict[str, Any]] = _ROWS.pop("nets")
"""The rows of whole nets."""
MISTAKES: list[Mistake] = []
"""The mistakes of layers and losses, those of special classes first."""
for _row in (row for rows in _ROWS.values() for row in rows):
    _of, _ways = _row.get("of", "").split(), map(_compiled, _row.get("ways", []))
    MISTAKES.append(Mistake(_row["name"], frozenset(_of), tuple(_ways)))
MISTAKES.sort(key=lambda mistake: not mistake.of)


def diagnosis(failures: list[Failure]) -> str:
    """The name of the first mistake that explains every failure; "" if none does.

    Failures at extreme inputs are left out: where they are the only ones, the formula
    is unstable, and where they are not, they follow from the others.
    """
    ordinary = [f for f in failures if not _is_extreme(f.question)]
    if not ordinary:
        return "unstable form"
    ordinary = [f for f in ordinary if f.x.size] or ordinary
    own = [m for m in MISTAKES if not m.of or failures[0].question.name in m.of]
    for name in dict.fromkeys(mistake.name for mistake in own):
        same = [mistake for mistake in own if mistake.name == name]
        if all(any(mistake.explains(f) for mistake in same) for f in ordinary):
            return name
    return ""


def _is_extreme(question: Question) -> bool:
    """Whether an input is very large, or a probability is exactly 0 or 1."""
    x = question.inputs[0]
    is_certain = question.name == "BCELoss" and bool(np.any((x == 0) | (x == 1)))
    return is_certain or bool(np.max(np.abs(x), initial=0.0) >= LARGE)
