"""All that a learner has and goes by, as tensors with a name."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from compare.backend import mapped, to_numpy

Tensors = dict[str, Any]
"""NumPy arrays or tensors of torch, by name."""
Found = tuple[Tensors, Tensors]
"""The tensors of a learner, and what it remembers beside them."""
SCHEDULED = ("lr", "momentum", "betas")
"""What a schedule sets in the optimiser's groups."""
COUNTED = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
"""What a schedule keeps count of."""


def tensors(learner: Any, loss: float) -> Tensors:
    """Loss, gradients and parameters of a learner, named, and what its schedule set."""
    return {
        "loss": np.asarray(loss),
        **schedule(learner),
        **{f"gradient {name}": a for name, a in learner.gradients().items()},
        **{f"parameter {name}": a for name, a in learner.parameters().items()},
    }


def schedule(learner: Any) -> dict[str, np.ndarray]:
    """What a learner's schedule has set and counted for the next step, named.

    The re-synced clock takes over torch's schedule, so that errors of the hand-written
    one would otherwise never show.
    """
    if (scheduler := getattr(learner, "scheduler", None)) is None:
        return {}
    groups = learner.optimizer.param_groups
    found = {
        f"{name} of group {i}": group[name]
        for i, group in enumerate(groups)
        for name in SCHEDULED
        if name in group
    }
    state = scheduler.state_dict()
    found |= {f"schedule's {name}": state[name] for name in COUNTED if name in state}
    return {name: np.asarray(value, float) for name, value in found.items()}


def rates(learner: Any) -> list[float]:
    """The learning rate of each group, where a schedule changes them."""
    scheduler = getattr(learner, "scheduler", None)
    return [] if scheduler is None else list(scheduler.get_last_lr())


def memory(learner: Any) -> Tensors:
    """What optimisers remember of each parameter, and the counts of the model.

    A step from torch's state shows a mistake in them only where it leaves them wrong.
    What is rounded otherwise by design, as NAdam's product, is left to the free clock.
    """
    state = learner.state_dict()
    counts = {
        f"count {name}": np.asarray(to_numpy(a), float)
        for name, a in weights(state).items()
        if hasattr(a, "dtype") and to_numpy(a).dtype.kind in "iu"
    }
    optimizers = state.get("optimizers", [state.get("optimizer", {})])
    return counts | {
        memory_name(i, number, name): found
        for i, optimizer in enumerate(optimizers)
        for number, values in optimizer.get("state", {}).items()
        for name, found in remembered(values)
    }


def memory_name(optimizer: int, number: int, name: str) -> str:
    """What an optimiser remembers of a parameter under `name`, in words."""
    return f"{name} of parameter {number} in optimizer {optimizer}"


def remembered(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Arrays as they are, a count of steps as float64; nothing else."""
    for name, value in values.items():
        if name == "step":
            yield name, np.asarray(to_numpy(value), float)
        elif getattr(value, "ndim", 0):
            yield name, value


def weights(state: dict[str, Any]) -> dict[str, Any]:
    """The part of a learner's state that holds its weights."""
    return state.get("model", state)


def copied(learner: Any) -> Any:
    """The learner's state, in NumPy arrays that no step will change."""
    return mapped(learner.state_dict(), lambda a: to_numpy(a).copy())


def kept(learner: Any) -> Any:
    """The learner's state, in arrays of its own kind that no step will change."""
    return mapped(learner.state_dict(), own)


def own(array: Any) -> Any:
    """A copy of an array, of its own kind."""
    return array.clone() if isinstance(array, Tensor) else array.copy()


def not_finite(found: Tensors) -> str:
    """The first number that is none, in words, or ""."""
    for name, values in mapped(found, to_numpy).items():
        finite = np.isfinite(values)
        if not finite.all():
            odd = np.argwhere(~finite)
            index = [int(i) for i in odd[0]]
            return f"{name}{f' at {index}' if index else ''} is {values[tuple(index)]}"
    return ""


def disturbed(
    tree: Any, rng: np.random.Generator, eps: float, *, whole: bool = True
) -> Any:
    """Every floating number moved by −1, 0 or 1 ULP; whole ones only if asked for."""

    def move(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a
        moved = (a * (1 + eps * rng.integers(-1, 2, a.shape))).astype(a.dtype)
        return moved if whole else np.where(a == np.round(a), a, moved)

    return mapped(tree, move)
