"""Running the programs and the learners on both sides."""

import ast
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.lockstep import Lockstep
from compare.show.example import Example, compared, of_rows
from compare.show.programs import LEARNERS, PROGRAMS
from compare.show.programs.program import Learning, Program
from compare.testing.draws import Draw

STEPS = 3
"""So many steps a learner is shown."""
SEED = 1


def of_program(dotted: str) -> Example:
    """The example of a function: what its lines give a name to, on both sides."""
    program = PROGRAMS[dotted]
    given = _drawn(program.given)
    got = _run(program, handmade, given)
    want = _run(program, torch_ref, given)
    call = program.lines
    if program.theirs:
        call += f"\n\n# with torch_ref\n{program.theirs}"
    return of_rows(call, given, compared(got, want))


def of_learner(dotted: str) -> Example:
    """The example of a learner: its losses, and where it stands after a few steps."""
    learning = LEARNERS[dotted]
    given = _drawn({"x": learning.x, "target": learning.target})
    lockstep = Lockstep(_maker(learning), Backend(), SEED)
    steps = [lockstep.step(given["x"], given["target"]) for _ in range(STEPS)]
    got, want = (
        {"losses": np.array([getattr(step, side) for step in steps])}
        | _tensors("gradient", getattr(lockstep, side).gradients())
        | _tensors("parameter", getattr(lockstep, side).parameters())
        for side in ("handmade", "torch_ref")
    )
    rows = compared(got, want, scales=lockstep.tolerance.scales)
    verdict = lockstep.verdict()
    return Example(f"{learning.learner}  # {STEPS} steps", given, rows, verdict)


def _drawn(draws: Mapping[str, Draw]) -> dict[str, np.ndarray]:
    """The numbers of an example; the same whenever it is shown."""
    rng = np.random.default_rng(SEED)
    return {name: np.asarray(draw(rng)) for name, draw in draws.items()}


def _run(
    program: Program, library: ModuleType, given: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """All numbers that a program gives a name to, with one of the libraries."""
    array = _array(library)
    names = {**vars(library), "array": array, **{k: array(a) for k, a in given.items()}}
    lines = program.lines
    if library is torch_ref and program.theirs:
        lines = program.theirs
    with warnings.catch_warnings():  # torch.func compiles a part of itself the old way
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(lines, names)  # the lines of this package, nobody else's
    found = {name: _numbers(names[name]) for name in _assigned(lines)}
    return {name: a for name, a in found.items() if a is not None}


def _assigned(lines: str) -> list[str]:
    """What lines give a name to, but for loops."""
    places = [n for n in ast.parse(lines).body if isinstance(n, ast.Assign)]
    inside = [n for p in places for t in p.targets for n in ast.walk(t)]
    return [n.id for n in inside if isinstance(n, ast.Name)]


def _maker(learning: Learning) -> Callable[[Any], Any]:
    """From a library to the learner."""

    def make(library: Any) -> Any:
        return eval(learning.learner, {**vars(library), "array": _array(library)})

    return make


def _array(library: ModuleType) -> Callable[[Any], Any]:
    """What makes an array of the library: float64, or int64 where all is whole."""
    if library is handmade:
        return np.array
    return lambda values: torch.tensor(np.asarray(values))


def _numbers(value: Any) -> np.ndarray | None:
    """Numbers as an array; None for anything else."""
    if isinstance(value, (list, tuple)):
        return _stacked([_numbers(part) for part in value])
    if isinstance(value, torch.nn.Parameter):
        return None
    if isinstance(value, (bool, int, float, np.ndarray, np.generic, torch.Tensor)):
        return to_numpy(value)
    return None


def _stacked(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """One array of all parts, if there are any and each is one."""
    arrays = [part for part in parts if part is not None]
    alike = len({a.shape for a in arrays}) == 1 and len(arrays) == len(parts)
    return np.stack(arrays) if alike else None


def _tensors(kind: str, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {f"{kind} {name}": to_numpy(a) for name, a in arrays.items()}
