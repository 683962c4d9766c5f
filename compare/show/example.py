"""A live example of a name: both libraries compute it from the same numbers."""

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.check import trajectories
from compare.lockstep import Lockstep
from compare.show.programs import DRAWS, LEARNERS, PROGRAMS
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case, reference
from compare.testing.draws import Draw
from compare.verdict import Verdict, classify, worst

Arrays = Mapping[str, np.ndarray]
Numbers = int | float | np.ndarray | np.generic | torch.Tensor
EPS = float(np.finfo(float).eps)
TOLERANCE, STEPS_TOLERANCE = 1e-12, 1e-11
"""Relative, in float64: of one result, and after a few steps of an optimizer; the tests
show that correct results stay below."""
READABLE = range(4, 31)
"""The sizes of an input that can be read at a glance."""
LEARNER_STEPS = 3
SEED = 1


@dataclass(frozen=True)
class Row:
    """One result of both libraries."""

    name: str
    handmade: np.ndarray
    torch_ref: np.ndarray
    verdict: Verdict


@dataclass(frozen=True)
class Example:
    """What was computed, and both results."""

    call: str  # what was built or run, as code
    given: Arrays  # the inputs by name
    rows: tuple[Row, ...]
    verdict: Verdict  # the worst of all rows of all cases
    cases: int = 1  # how many test cases the verdict covers; one of them is shown


def example(dotted: str) -> Example | None:
    """The example of a name; None if there is none (see `programs.NO_EXAMPLE`)."""
    if cases := cases_of(dotted):
        return _of_cases(cases)
    if dotted in PROGRAMS:
        return _of_program(PROGRAMS[dotted])
    return _of_learner(*LEARNERS[dotted]) if dotted in LEARNERS else None


def cases_of(dotted: str) -> list[Case]:
    """The test cases of a class of `nn` or `optim`; none of anything else."""
    module, _, name = dotted.rpartition(".")
    known = {"nn": [*LAYERS, *LOSSES], "optim": OPTIMIZERS}.get(module, [])
    return [case for case in known if case.name == name]


def _compared(
    call: str,
    given: Arrays,
    got: Arrays,
    want: Arrays,
    tolerance: float = TOLERANCE,
    scale: float = 0.0,
    eps: float = EPS,
) -> Example:
    """Compare the results of both libraries by name: see `classify`."""
    if got.keys() != want.keys():
        raise ValueError(f"handmade gives {sorted(got)}, torch_ref {sorted(want)}")
    rows: list[Row] = []
    for name, theirs in want.items():
        ours = got[name]
        verdict = classify(ours, theirs, tolerance=tolerance, eps=eps, scale=scale)
        rows.append(Row(name, ours, theirs, verdict))
    return Example(call, given, tuple(rows), worst([row.verdict for row in rows]))


# Layers, losses and optimizers: one of their test cases, the verdict over all of them.


def _of_cases(cases: list[Case]) -> Example:
    run = _layer if cases[0].inputs else _optimizer
    with warnings.catch_warnings():  # torch's advice on reductions
        warnings.simplefilter("ignore", UserWarning)
        verdicts = [run(case).verdict for case in cases]
        shown = run(_readable(cases))
    return replace(shown, verdict=worst(verdicts), cases=len(cases))


def _readable(cases: list[Case]) -> Case:
    """The first ordinary case that is small, or else the smallest."""
    if not cases[0].inputs:
        return next((case for case in cases if case.kwargs), cases[0])
    ordinary = [c for c in cases if c.note in ("", "batch 1") and c.training] or cases
    sizes = [reference.drawn(case).inputs[0].size for case in ordinary]
    small = [size for size in sizes if size in READABLE]
    return ordinary[sizes.index(small[0] if small else min(sizes))]


def _layer(case: Case) -> Example:
    """Forward and backward of a layer or a loss."""
    question = reference.drawn(case)
    want = reference.torchs(question)
    got = reference.found(getattr(handmade.nn, case.name), question, np.array)
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    given = dict(zip(names, question.inputs, strict=True))
    given |= {**question.kwargs, **question.state, **question.buffers}
    given |= {"grad_output": question.grad_output(want["output"])}
    given = {n: array for n, array in given.items() if isinstance(array, np.ndarray)}
    return _compared(f"nn.{case.name}({_arguments(case)})", given, got, want)


def _optimizer(case: Case) -> Example:
    """The steps of one parameter under given gradients."""
    shape = min((s for s in case.shapes if s), key=math.prod)
    steps = trajectories.Steps(case.name, kwargs=case.kwargs, shapes=(shape,))
    make = getattr(handmade.optim, case.name)
    paths = trajectories.trajectory(make, steps)[0], trajectories.torchs_path(steps)
    got, want = (
        {f"parameter after {n}": a.reshape(shape) for n, a in enumerate(each, 1)}
        for each in (path.values() for path in paths)
    )
    gradients = enumerate(steps.gradients(), 1)
    given = {"parameter": steps.start()[0]}
    given |= {f"gradient {n}": gradient for n, (gradient,) in gradients}
    call = f"optim.{case.name}({_arguments(case, '[parameter]')})"
    return _compared(call, given, got, want, STEPS_TOLERANCE)


def _arguments(case: Case, *first: str) -> str:
    """The constructor arguments as code; a drawn one is named by its keyword."""
    named = [f"{k}={k if callable(v) else repr(v)}" for k, v in case.kwargs.items()]
    return ", ".join([*first, *map(repr, case.args), *named])


# Functions: a few lines run with both libraries; everything they name is compared.


def _of_program(lines: str) -> Example:
    used = compile(lines, "program", "exec").co_names
    given = _drawn({name: DRAWS[name] for name in used if name in DRAWS})
    got = _run(re.sub(".*# torch_ref\n", "", lines), handmade, given)
    want = _run(re.sub(".*# handmade\n", "", lines), torch_ref, given)
    return _compared(lines, given, got, want)


def _drawn(draws: Mapping[str, Draw]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(SEED)
    return {name: np.asarray(draw(rng)) for name, draw in draws.items()}


def _run(lines: str, library: ModuleType, given: Arrays) -> dict[str, np.ndarray]:
    """The numbers that the lines assign to a name, unless it begins with "_"."""
    space = _namespace(library)
    space |= {name: space["array"](a) for name, a in given.items()}
    known = set(space)
    with warnings.catch_warnings():  # of torch.func about torch itself
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(lines, space)
    assigned = [name for name in space if name not in known and name[0] != "_"]
    results = {name: _numbers(space[name]) for name in assigned}
    return {name: array for name, array in results.items() if array is not None}


def _namespace(library: ModuleType) -> dict[str, Any]:
    """What lines of code can use: a library, and `array` to make its arrays."""
    array = np.array if library is handmade else lambda a: torch.tensor(np.asarray(a))
    return {**vars(library), "array": array}


def _numbers(value: Any) -> np.ndarray | None:
    """Numbers, or a list of arrays of one shape, as an array; else None."""
    parts = value if isinstance(value, list | tuple) else [value]
    is_numbers = all(isinstance(part, Numbers) for part in parts)
    if not is_numbers or isinstance(value, torch.nn.Parameter):
        return None
    arrays = list(map(to_numpy, parts))
    if parts is not value:
        return arrays[0]
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else None


# Learners: a few steps on one batch, from the same weights.


def _of_learner(code: str, batch: tuple[Draw, Draw]) -> Example:
    given = _drawn(dict(zip(("x", "target"), batch, strict=True)))
    lockstep = Lockstep(lambda lib: eval(code, _namespace(lib)), Backend(), SEED)
    steps = [lockstep.step(*given.values()) for _ in range(LEARNER_STEPS)]

    def results(side: str) -> Arrays:
        learner = lockstep.sides[side].learner
        tensors = {f"gradient {n}": g for n, g in learner.gradients().items()}
        tensors |= {f"parameter {n}": p for n, p in learner.parameters().items()}
        losses = np.array([step.losses[side] for step in steps])
        return {"losses": losses} | {n: to_numpy(t) for n, t in tensors.items()}

    got, want = results("handmade"), results("torch_ref")
    call = f"{code}  # {LEARNER_STEPS} steps"
    tolerance = max(TOLERANCE, lockstep.tolerance.bound)  # larger in float16
    limits = {"tolerance": tolerance, "eps": lockstep.eps}
    found = _compared(call, given, got, want, scale=1.0, **limits)  # it may vanish
    return replace(found, verdict=lockstep.verdict())
