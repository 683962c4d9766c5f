"""A tiny live example: both sides on the same numbers, and what comes out."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import handmade
from compare.check import trajectories
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case, reference
from compare.testing.case import Layer
from compare.verdict import Verdict, classify, worst

EPS = float(np.finfo(float).eps)
BOUND = 1e-12
"""Up to here, relatively, float64 results differ by rounding only: see the tests."""
STEPS_BOUND = 1e-11
"""The same after a few steps of an optimiser."""
SMALL = range(4, 31)
"""So many numbers of input can be read at a glance."""
PLAIN = ("", "batch 1")
"""Notes of cases that show nothing odd."""


@dataclass(frozen=True)
class Row:
    """One result of both sides."""

    name: str
    handmade: np.ndarray
    torch_ref: np.ndarray
    verdict: Verdict

    @property
    def both(self) -> tuple[np.ndarray, np.ndarray]:
        """The hand-written result and torch's."""
        return self.handmade, self.torch_ref


@dataclass(frozen=True)
class Example:
    """What was asked, and both answers.

    Args:
        call: what was built or run, as code.
        given: the numbers that it was given, by name.
        rows: what came out, result by result.
        verdict: what the comparison came to.
        cases: how many cases the verdict covers; the example is one of them.
    """

    call: str
    given: Mapping[str, np.ndarray]
    rows: tuple[Row, ...]
    verdict: Verdict
    cases: int = 1


def cases_of(dotted: str) -> list[Case]:
    """All cases of a class of `nn` or `optim`; none of anything else."""
    place, _, name = dotted.rpartition(".")
    known = {"nn": [*LAYERS, *LOSSES], "optim": OPTIMIZERS}.get(place, [])
    return [case for case in known if case.name == name]


def of_cases(dotted: str, cases: list[Case]) -> Example:
    """The example of a layer, a loss or an optimiser; its verdict is over all cases."""
    answer = _stepped if dotted.startswith("optim.") else _answered
    with warnings.catch_warnings():  # torch's advice on reductions
        warnings.simplefilter("ignore", UserWarning)
        verdicts = [row.verdict for case in cases for row in answer(case).rows]
        shown = answer(_readable(cases))
    return replace(shown, verdict=worst(verdicts), cases=len(cases))


def compared(
    got: Mapping[str, np.ndarray],
    want: Mapping[str, np.ndarray],
    bound: float = BOUND,
    scales: Mapping[str, float] | None = None,
) -> tuple[Row, ...]:
    """Both sides' results, row by row.

    Args:
        got: the hand-written ones.
        want: torch's.
        bound: up to here, relatively, a difference is rounding.
        scales: what to measure against at least, where a result may vanish.

    Raises:
        ValueError: they have other names.
    """
    if got.keys() != want.keys():
        raise ValueError(f"handmade gives {sorted(got)}, torch_ref {sorted(want)}")
    known = scales or {}
    return tuple(
        Row(
            n,
            got[n],
            a,
            classify(got[n], a, tolerance=bound, eps=EPS, scale=known.get(n, 0)),
        )
        for n, a in want.items()
    )


def of_rows(
    call: str, given: Mapping[str, np.ndarray], rows: tuple[Row, ...]
) -> Example:
    """An example that is judged by what it shows."""
    return Example(call, given, rows, worst([row.verdict for row in rows]))


def _readable(cases: list[Case]) -> Case:
    """The first plain case that is small, or else the smallest."""
    if not cases[0].inputs:
        return next((case for case in cases if case.kwargs), cases[0])
    sizes = {case.id: reference.drawn(case).inputs[0].size for case in cases}
    plain = [case for case in cases if case.note in PLAIN and case.training]
    small = [case for case in plain if sizes[case.id] in SMALL]
    return small[0] if small else min(plain or cases, key=lambda c: sizes[c.id])


def _answered(case: Case) -> Example:
    """A layer or a loss: output, and the gradients by input and parameters."""
    question = reference.drawn(case)
    want = reference.torchs(question)
    got = reference.found(getattr(handmade.nn, case.name), question, np.array)
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    given = dict(zip(names, question.inputs, strict=True))
    given |= {k: v for k, v in question.kwargs.items() if isinstance(v, np.ndarray)}
    given |= question.state | question.buffers
    upstream = question.grad_output(want["output"])
    given |= {} if upstream is None else {"grad_output": upstream}
    return of_rows(_call(case), given, compared(got, want))


def _stepped(case: Case) -> Example:
    """An optimiser: where one parameter goes under given gradients."""
    shapes = (min((s for s in case.shapes if s), key=math.prod),)
    walk = trajectories.trajectory(
        getattr(handmade.optim, case.name), case.kwargs, shapes
    )
    want = trajectories.torchs_path(case.name, case.kwargs, shapes)
    gradients = [g for (g,) in trajectories.gradients(shapes)]
    given = {"parameter": trajectories.start(shapes)[0]}
    given |= {f"gradient {n}": g for n, g in enumerate(gradients, 1)}
    names = [f"parameter after {n}" for n in range(1, len(want) + 1)]
    paths = (
        {n: a.reshape(shapes[0]) for n, a in zip(names, path, strict=True)}
        for path in (walk.path, want)
    )
    return of_rows(_call(case), given, compared(*paths, bound=STEPS_BOUND))


def _call(case: Case) -> str:
    """How a case is built, as code; what is drawn goes by the argument's name."""
    said = [_code(value) for value in case.args]
    said += [f"{k}={k if callable(v) else _code(v)}" for k, v in case.kwargs.items()]
    if case.inputs:
        return f"nn.{case.name}({', '.join(said)})"
    return f"optim.{case.name}({', '.join(['[parameter]', *said])})"


def _code(value: Any) -> str:
    """A constructor argument as code, layers in it as calls."""
    if isinstance(value, Layer):
        built = f"nn.{value.name}({', '.join(map(_code, value.args))})"
        return f"{built}.weight" if value.weight else built
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(_code, value))
        alone = "," if len(value) == 1 else ""
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{alone})"
    return repr(value)
