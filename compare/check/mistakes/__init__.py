"""Every mistake that `check` can name, written once, in a table for each family.

A row of a table (*.toml) has the name of a mistake, a hint, the classes in which it can
be made ("of"; any unless given), and the ways to make it: formulas for what the results
would then be. A file that gives just these results gets the name and the hint.

In a formula, y, dx, dW and db are torch's output and gradients, g is ∂L/∂y, x the
input, target the target, W and b the parameters; options go by their names; f is the
failed test case, whose methods (see `Variants`) go by their names, too; k is a number
that is not known, but the same everywhere, and that the results are linear in.

A formula assigns what is wrong ("dx = g * (1 - y)"), or it is the results by name, or a
list of these. Where it gives the file's output, gradients that are its own derivative
are explained, too. Formulas under "torch" compute y by torch's functions; autograd
differentiates them. The tables of optimizers, functions, schedules and the course have
ways of their own.

Rows of special classes come first, in their order, and `last` ones behind all others.
An `extreme` one can also be told where only extreme inputs give wrong results. To add a
mistake, add a row, and a wrong file or an edit of a right one in tests/check.
"""

import inspect
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from itertools import combinations, product
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

import handmade
from compare.check.mistakes import variants
from compare.check.mistakes.autograd import derived
from compare.check.mistakes.variants import Variants
from compare.check.results import Failure, close, relative, wrong_in
from compare.check.slopes import is_own_gradient
from compare.testing.reference import Question, Results

TOLERANCE = 1e-9
"""Up to here, relatively, a wrong result is explained by a mistake."""
LARGE = 1e3
"""From this input on, only a stable formula gives the right result."""
FACTORS = {"sign": -1.0, "factor ½": 0.5, "factor 2": 2.0, "1/N missing": None}
"""Factors of a loss that may stand beside a mistake; None: what a mean divides by."""
VAGUE = ("constant factor", "value and gradient do not belong together")
"""What is said only where nothing else is known."""
NET = "net"
"""What the rows of whole nets are of."""

# -- the tables ------------------------------------------------------------------------

_TABLES: dict[str, list[dict[str, Any]]] = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
    for path in sorted(Path(__file__).parent.glob("*.toml"))
}
HINTS: dict[str, dict[str, str]] = {}
"""How to mend a mistake, by its name and the class in which it is made ("": any)."""
CONVENTIONS: dict[str, str] = {}
"""Names that are no mistake where the gradient is that of the value: of "any" kind of
definition, or of a "loss" only."""
for _table, _rows in _TABLES.items():
    for _row in _rows:
        _any = NET if _table == "nets" else ""
        for _of in _row.get("of", _any).split() or [""] if "hint" in _row else ():
            HINTS.setdefault(_row["name"], {})[_of] = _row["hint"]
        if "convention" in _row:
            CONVENTIONS[_row["name"]] = _row["convention"]
OPTIMIZERS, SCHEDULES, COURSE, FUNCTIONS, NETS = map(
    _TABLES.pop, ("optimizers", "schedules", "course", "functions", "nets")
)
MISTAKES: list[dict[str, Any]] = [row for rows in _TABLES.values() for row in rows]
"""The rows of layers and losses, in the order in which they are tried."""
MISTAKES.sort(key=lambda row: (row.get("last", False), "of" not in row))


def _compiled(way: str) -> CodeType:
    with suppress(SyntaxError):
        return compile(way, way, "eval")
    return compile(way, way, "exec")


for _row in MISTAKES:
    _row["of"] = _row.get("of", "").split()
    _in_torch = [f"derived({formula!r})" for formula in _row.get("torch", [])]
    _row["ways"] = [_compiled(way) for way in _row.get("ways", []) + _in_torch]


def ways_in(
    rows: list[dict[str, Any]], kind: str, name: str = ""
) -> Iterator[tuple[str, Any]]:
    """Each mistake in a definition of this name, and each of its ways of a kind."""
    for row in rows:
        for way in row.get(kind, []) if name in row.get("of", name) else ():
            yield row["name"], way


def bare(name: str) -> list[str]:
    """The names in the tables that a diagnosis consists of."""
    parts = name.split(", and ")
    return [part if part in HINTS else part.rpartition(" (")[0] for part in parts]


def hint(name: str, of: str) -> str:
    """How to mend what a diagnosis names, in a class or a net."""
    known = [HINTS[part] for part in bare(name) if part in HINTS]
    return "; ".join(h.get(of) or h.get("") or next(iter(h.values())) for h in known)


def convention(name: str) -> str:
    """The kind of definition in which it is no mistake: "any", "loss" or ""."""
    kinds = {CONVENTIONS.get(part, "") for part in bare(name)}
    return min(kinds, key=["", "loss", "any"].index)


# -- diagnosing a layer or a loss ------------------------------------------------------


def diagnosis(failures: list[Failure]) -> str:
    """The name of the first mistake that explains every failure; "" if none does.

    Where none does alone, each wrong result may have its own. Failures at extreme
    inputs and by rounding are left out: where they are the only ones, the formula is
    unstable, and where they are not, they follow from the others. So do results that
    are not finite, and a value in place of one for each example.
    """
    every = [Variants(**vars(f)) for f in failures]
    ordinary = [f for f in every if not is_extreme(f.question) and _is_far(f)]
    for is_telling in (lambda f: f.x.size, _is_finite, _is_reduced, _is_off_kinks):
        ordinary = [f for f in ordinary if is_telling(f)] or ordinary
    name = every[0].name
    ways: dict[str, list[CodeType]] = {}
    for row in MISTAKES:
        is_possible = ordinary or "extreme" in row
        if is_possible and name in (row["of"] or [name]):
            ways.setdefault(row["name"], []).extend(row["ways"])
    cases = [_Case(f) for f in ordinary or every]
    precise = {name: own for name, own in ways.items() if name not in VAGUE}
    found = _named(precise, cases)
    if not ordinary:
        return found or _first(ways, cases) or "unstable form"
    found = found or _named(ways, cases) or _partly(ways, cases)
    slight = [c for f in ordinary if (c := _Case(f, is_slight=True)).wrong]
    beside = _first(ways, slight) if found and slight else ""
    return f"{found}, and {beside}" if beside in CONVENTIONS else found


def _named(ways: dict[str, list[CodeType]], cases: list["_Case"]) -> str:
    """The mistake that explains all wrong results, or several that do together."""
    if found := _first(ways, cases):
        return found
    parts = _parts(ways, cases)
    if "" not in parts:
        return _joined(parts)
    return _pair(ways, cases) or _beside_factors(ways, [case.f for case in cases])


def _partly(ways: dict[str, list[CodeType]], cases: list["_Case"]) -> str:
    """The mistakes that explain some wrong results; "" if none does."""
    if all(case.is_own() for case in cases):
        return ""  # only the value is not torch's
    parts = _parts(ways, cases)
    unknown = {"cause not recognised": parts.pop("")}
    return _joined(parts | unknown) if parts else ""


def _joined(parts: dict[str, list[str]]) -> str:
    return ", and ".join(f"{name} ({', '.join(of)})" for name, of in parts.items())


def _parts(
    ways: dict[str, list[CodeType]], cases: list["_Case"]
) -> dict[str, list[str]]:
    """The wrong results that each mistake explains alone; by "" the others."""
    parts: dict[str, list[str]] = {}
    for result in dict.fromkeys(name for case in cases for name in case.wrong):
        parts.setdefault(_first(ways, cases, result), []).append(result)
    return parts


def is_extreme(question: Question) -> bool:
    """Whether an input is very large, or a probability is exactly 0 or 1."""
    x = question.inputs[0]
    of_probabilities = question.name in ("BCELoss", "CrossEntropyOfProbabilities")
    is_certain = of_probabilities and bool(np.any((x == 0) | (x == 1)))
    return is_certain or bool(np.max(np.abs(x), initial=0.0) >= LARGE)


def _is_far(f: Failure) -> bool:
    return not all(close(f.got[n], f.want[n], TOLERANCE) for n in f.wrong)


def _is_finite(f: Failure) -> bool:
    return all(np.all(np.isfinite(f.got[name])) for name in f.wrong)


def _is_reduced(f: Failure) -> bool:
    return not f.is_loss or f.got["output"].shape == f.want["output"].shape


def _is_off_kinks(f: Variants) -> bool:
    right = f.right_but_where(f.at_kinks())
    return not all(n in right and close(f.got[n], right[n]) for n in f.wrong)


Factor = float | None
"""The k of a formula that fits; None if it has none."""


def _first(
    ways: dict[str, list[CodeType]], cases: list["_Case"], only: str = ""
) -> str:
    """The name of the first mistake that explains all wrong results, or only one.

    It must be explained wherever it is wrong, and everywhere by the same k.
    """
    of = {c: (only,) if only else c.wrong for c in cases if not only or only in c.wrong}
    numbers = [c.f.got[n].ravel() for c, names in of.items() for n in names]
    is_one_number = len(np.unique(np.concatenate([*numbers, []]))) == 1
    for name, own in ways.items():
        found: list[Factor] = [None]
        for case, names in of.items():
            here = case.factors(own, names)
            both = found if found != [None] else here
            found = [k for k in both if any(_alike(k, other) for other in here)]
            if not found:
                break
        if found and not (is_one_number and _is_arbitrary(found[0])):
            return _with_factor(name, found[0])
    return ""


def _pair(ways: dict[str, list[CodeType]], cases: list["_Case"]) -> str:
    """Two mistakes of which in every case at least one explains all; "" if none do."""
    found: dict[str, set[int]] = {}
    for name, own in ways.items():
        these = enumerate(case.factors(own, case.wrong) for case in cases)
        explained = {number for number, ks in these if None in ks}
        for other, others in found.items():
            if len(explained | others) == len(cases):
                told = [n for n in (other, name) if n not in CONVENTIONS]
                return ", and ".join(told or (other, name))
        if explained:
            found[name] = explained
    return ""


def _beside_factors(ways: dict[str, list[CodeType]], failures: list[Variants]) -> str:
    """Usual factors of a loss, and what explains the rest; "" if nothing does."""
    if not failures[0].is_loss:
        return ""
    chosen = (names for n in (1, 2) for names in combinations(FACTORS, n))
    for names, of_value in product(chosen, (True, False)):
        rest = [_divided(f, names, of_value) for f in failures]
        cases = [_Case(f) for f in rest if f.wrong]
        found = _first(ways, cases)
        if found in HINTS and found not in (*names, *VAGUE):  # not one with a k
            return ", and ".join([*names, found])
    return ""


def _divided(f: Variants, names: tuple[str, ...], of_value: bool) -> Variants:
    """The results without these factors of the gradient, and perhaps of the value."""
    factor = np.prod([FACTORS[name] or f.divisor() for name in names])
    results = {
        n: a / factor if of_value or n != "output" else a for n, a in f.got.items()
    }
    answer = replace(f.answer, results=results)
    return replace(f, answer=answer, wrong=wrong_in(results, f.want))


def _alike(k: Factor, other: Factor) -> bool:
    return k is None or other is None or abs(k - other) <= 1e-8 * abs(k)


def _is_arbitrary(k: Factor) -> bool:
    """Whether neither k nor 1/k is a whole number."""
    return k is not None and not any(abs(a - round(a)) < 1e-9 for a in (k, 1 / k))


def _with_factor(name: str, k: Factor) -> str:
    if k is None:
        return name
    if "factor" not in name:
        return f"{name} (k = {k:.4g})"
    if k < 0:
        return f"{name} ({k:.7g} times the right one)"
    return f"{name} ({max(k, 1 / k):.7g} times too {'large' if k > 1 else 'small'})"


class _Case:
    """A failed test case, and what each formula explains in it."""

    def __init__(self, f: Variants, is_slight: bool = False) -> None:
        self.f, names = f, _names(f)
        self.names = [names]
        if "output" in f.wrong:  # its gradient may be wrong in another way
            self.names.append({**names, "y": f.got["output"]})
        far = [n for n in f.wrong if not close(f.got[n], f.want[n], TOLERANCE)]
        self.wrong = far or f.wrong  # the others are rounding, or an ε
        if is_slight:
            self.wrong = [n for n in f.wrong if n not in far]
        self.at_kinks = f.at_kinks()
        self.explained = cache(lambda way: [*self._explained(way)])
        self.is_own = cache(lambda: is_own_gradient(f) is True)

    def factors(self, ways: list[CodeType], results: Iterable[str]) -> list[Factor]:
        """Each k with which one of the formulas explains these wrong results."""
        found = []
        for explained in (e for way in ways for e in self.explained(way)):
            if all(name in explained for name in results):
                ks = {explained[name] for name in results} - {None} or {None}
                found += [k for k in ks if all(_alike(k, other) for other in ks)]
        return found

    def _explained(self, way: CodeType) -> Iterator[dict[str, Factor]]:
        """The results that a formula explains, each with its k."""
        ks, is_of_y = (0.0, 1.0) if _uses_k(way) else (0.0,), "y" in way.co_names
        for names in self.names if is_of_y else self.names[:1]:
            with suppress(Exception):  # not with such shapes, or without such an option
                for found in self._fits(_results(way, names | {"k": k}) for k in ks):
                    if names is not self.names[0]:  # it is given the output
                        found.pop("output", None)
                    elif "output" in found and len(found) < len(self.wrong):
                        others = dict.fromkeys(self.wrong) if self.is_own() else {}
                        found = others | found
                    yield found

    def _fits(
        self, results: Iterable[Iterable[Results]]
    ) -> Iterator[dict[str, Factor]]:
        """The file's results that are those of a formula for some k, and this k."""
        for each in zip(*results, strict=False):
            yield {n: k for n in self.wrong for k in self._fitting(n, *each)}

    def _fitting(self, name: str, at_0: Results, *at_1: Results) -> Iterator[Factor]:
        """The k with which a result is the file's, given are those for k = 0 and 1."""
        got, want, k = self.f.got[name], at_0.get(name), None
        if want is None or np.shape(want) != got.shape:
            return
        if at_1 and np.any(slope := at_1[0][name] - want):
            k = float(np.vdot(slope, got - want) / np.vdot(slope, slope))
            want = want + k * slope
        if name == "input gradient" and np.shape(want) == self.f.x.shape:
            want = np.where(self.at_kinks, got, want)
        # Far closer than torch's is.
        most = min(TOLERANCE, 0.01 * relative(got, self.f.want[name]))
        if k != 0 and close(got, want, max(1e-14, most)):
            yield k


def _uses_k(code: CodeType) -> bool:
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return "k" in code.co_names or any(map(_uses_k, inner))


def _results(way: CodeType, names: dict[str, Any]) -> Iterable[Results]:
    """What a formula gives in a test case."""
    after = dict(names)
    found = eval(way, after)
    if found is None:  # it assigned something
        found = {
            result: np.asarray(after[symbol])
            for symbol, result in _symbols(names["f"]).items()
            if after.get(symbol) is not names.get(symbol)
        }
    return [found] if isinstance(found, dict) else found


def _symbols(f: Failure) -> dict[str, str]:
    """What the results are called in formulas."""
    known = {"dx": "input gradient", "dW": "gradient weight", "db": "gradient bias"}
    more = {f"d{name}": f"gradient {name}" for name in f.question.further}
    return {"y": "output"} | known | more


def _names(f: Variants) -> dict[str, Any]:
    """Everything that a formula may use."""
    state, inputs = f.question.state, f.question.inputs
    make = getattr(handmade.nn, f.question.name, None)
    options = inspect.signature(make).parameters.values() if make else ()
    return {
        **{p.name: p.default for p in options},
        **f.question.kwargs,
        **vars(np),
        **vars(variants),
        **{name: getattr(f, name) for name in vars(Variants) if name[0] != "_"},
        "derived": partial(derived, f),
        **{s: f.want[name] for s, name in _symbols(f).items() if name in f.want},
        **{s: state[k] for s, k in (("W", "weight"), ("b", "bias")) if k in state},
        **{"target": inputs[-1], "g": f.upstream, "x": f.x, "f": f},
        **({"c": f.share()} if f.is_loss else {}),
        **({"d": f.x - inputs[-1]} if f.x.shape == inputs[-1].shape else {}),
    }
