"""Everything that a learner has after a step: copied, or as named arrays."""

from math import isinf
from typing import Any

import numpy as np
from torch import Tensor

from compare.backend import mapped, to_numpy

Values = dict[str, Any]
"""Arrays of either library and floats, by name."""


def snapshot(learner: Any) -> Any:
    """A copy of the learner's `state_dict`, in arrays of its own library."""
    return mapped(learner.state_dict(), copied)


def numpy_state(learner: Any) -> Any:
    """A copy of the learner's `state_dict`, in NumPy arrays."""
    return mapped(learner.state_dict(), lambda a: to_numpy(a).copy())


def copied(array: Any) -> Any:
    """A copy of an array, in its own library."""
    return array.clone() if isinstance(array, Tensor) else array.copy()


def weights(state: dict[str, Any]) -> dict[str, Any]:
    """The part of a learner's state that holds its weights."""
    return state.get("model", state)


def values(learner: Any, loss: float, state: dict[str, Any]) -> Values:
    """All that is compared after a step: loss, gradients, parameters, other state.

    Counts, optimizer state and schedule are taken from the learner's `state` by their
    dotted keys, such as "optimizer.state.0.momentum_buffer".
    """
    parameters = learner.parameters()
    named = {f"{'model.' * ('model' in state)}{name}" for name in parameters}
    return {
        "loss": float(loss),
        **{f"gradient {name}": a for name, a in learner.gradients().items()},
        **{f"parameter {name}": a for name, a in parameters.items()},
        **{name: a for name, a in flattened(state).items() if name not in named},
    }


def flattened(tree: Any, prefix: str = "") -> Values:
    """The arrays and finite numbers of a nested state, by dotted key.

    A whole number stays an int: counts are compared exactly.
    """
    found: Values = {}
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        name = f"{prefix}{key}"
        if isinstance(value, (dict, list, tuple)):
            found |= flattened(value, f"{name}.")
        elif hasattr(value, "dtype"):
            found[name] = value if value.ndim else to_numpy(value).item()
        elif isinstance(value, (int, float)) and not isinf(value):
            found[name] = value
    return found


def unmatched(got: Values, want: Values) -> list[str]:
    """What only one side has; hyper-parameters and schedules may be one side's own."""
    kinds = ("gradient ", "parameter ", "model.")
    names = got.keys() ^ want.keys()
    return sorted(n for n in names if n.startswith(kinds) or ".state." in n)


def non_finite(found: Values) -> str:
    """The first NaN or infinity with its name and index, or ""."""
    for name, array in found.items():
        array = to_numpy(array)
        if not np.isfinite(array).all():
            index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
            return f"{name}{f' at {index}' if index else ''} is {array[tuple(index)]}"
    return ""
