"""The first training step of a lesson in numbers, by hand and by PyTorch."""

from typing import Any

import numpy as np

from compare.backend import Backend, to_numpy
from compare.data import DataLoader
from compare.experiment import Experiment
from compare.lockstep import Lockstep
from pages.markdown import table

HEAD = ("", "parameter", "before", "gradient", "after", "loss")
SEED = 0


def first_step(lesson: Experiment) -> str:
    """The parameter with the largest gradient before and after the step, as a table."""
    name, make = next(iter(lesson.learners.items()))
    rng = np.random.default_rng(SEED)
    loader = DataLoader(lesson.data_of(name)(rng), lesson.batch_size, rng)
    lockstep = Lockstep(make, Backend(), SEED, lesson.start)
    sides = {"handmade": lockstep.handmade_learner, "PyTorch": lockstep.torch_learner}
    before = {side: _arrays(learner.parameters()) for side, learner in sides.items()}
    step = lockstep.step(*next(loader))
    gradients = _arrays(lockstep.torch_learner.gradients())
    moved = _arrays(lockstep.torch_learner.parameters())
    change = {n: moved[n] - a for n, a in before["PyTorch"].items()}
    tensor, index = _largest(gradients or change)
    place = f"{tensor}{[*index] or ''}"
    rows = []
    for side, loss in zip(sides, (step.handmade, step.torch_ref), strict=True):
        gradient = _arrays(sides[side].gradients()).get(tensor)
        after = _arrays(sides[side].parameters())[tensor][index]
        slope = "–" if gradient is None else _number(gradient[index])
        numbers = (_number(before[side][tensor][index]), slope, _number(after))
        rows.append((side, f"`{place}`", *numbers, _number(loss)))
    return table(HEAD, rows) + _update(lockstep.handmade_learner, *rows[0][2:5])


def _update(learner: Any, before: str, gradient: str, after: str) -> str:
    """The update with its numbers, where it is plain gradient descent."""
    groups = getattr(getattr(learner, "optimizer", None), "param_groups", [{}])
    if gradient == "–" or not (lr := groups[0].get("lr")):
        return ""
    old, slope, new = (
        float(text.replace("−", "-")) for text in (before, gradient, after)
    )
    if abs(old - lr * slope - new) > 1e-5 * max(abs(old), abs(lr * slope)):
        return ""
    slope_text = f"({gradient})" if slope < 0 else gradient
    return f"\n`w ← w − lr · ∂loss/∂w: {before} − {lr:g} · {slope_text} = {after}`\n"


def _arrays(tensors: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(to_numpy(tensor)) for name, tensor in tensors.items()}


def _largest(tensors: dict[str, np.ndarray]) -> tuple[str, tuple[int, ...]]:
    """The name and the index of the largest entry."""
    name = max(tensors, key=lambda n: np.abs(tensors[n]).max(initial=0))
    array = np.abs(tensors[name])
    return name, tuple(int(i) for i in np.unravel_index(array.argmax(), array.shape))


def _number(value: Any) -> str:
    return f"{float(value):.7g}".replace("-", "−")
