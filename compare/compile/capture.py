"""What a learner computes with besides numbers of its state: the settings in Python."""

from typing import Any

import numpy as np

from handmade.nn.module import Module, Parameter
from handmade.training import GradientLearner

FLEETING = frozenset({"saved", "_value", "_order", "training"})
"""What a step leaves in a module for its backward, for the next step, or for whoever
asks; and the mode, which is told apart, whether it was ever set or not."""
Setting = Any
"""Something hashable; equal settings make equal steps."""


def settings(learner: GradientLearner) -> Setting:
    """Mode and attributes of each module, of the loss, too; the optimiser; clipping."""
    every = [*learner.model.modules(), *learner.criterion.modules()]
    modules = tuple(module_settings(module) for module in every)
    return modules, type(learner.optimizer), _setting(learner.clip)


def module_settings(module: Module) -> Setting:
    """Its class, its mode and its attributes.

    Without arrays: they belong to the state, or are none of a step's business, for only
    those named in `buffer_names` move to where the learner computes.
    """
    names = [n for n, value in vars(module).items() if not _is_state(value)]
    own = [(n, _setting(vars(module)[n])) for n in names if n not in FLEETING]
    return type(module), module.training, tuple(own)


def _setting(value: Any) -> Setting:
    """A value as something to compare: numbers exactly, functions by identity."""
    if isinstance(value, (bool, int, float, np.generic)):
        return type(value), repr(value)
    if isinstance(value, dict):
        return tuple((str(k), _setting(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_setting(v) for v in value if not _is_state(v))
    return value if getattr(value, "__hash__", None) else repr(value)


def _is_state(value: Any) -> bool:
    array = hasattr(value, "shape") and hasattr(value, "dtype")
    return isinstance(value, (Module, Parameter)) or (
        array and not isinstance(value, np.generic)
    )
