"""What a compiled step captures as constants: modes, attributes, the optimizer."""

from typing import Any

import numpy as np

from handmade.nn.module import Module, Parameter
from handmade.training import GradientLearner

Constants = Any
"""Hashable: steps with equal constants are equal functions of their state."""
TEMPORARY = frozenset({"saved", "_value", "_order", "training"})
"""Attributes with values of the last step only; the mode is captured by itself."""


def constants(learner: GradientLearner) -> Constants:
    """Of every module of model and loss, of the optimizer, and of gradient clipping."""
    modules = [*learner.model.modules(), *learner.criterion.modules()]
    captured = tuple(module_constants(module) for module in modules)
    return captured, type(learner.optimizer), _constant(learner.clip)


def module_constants(module: Module) -> Constants:
    """Its class, mode and attributes, without arrays.

    Those named in `buffer_names` belong to the state; a step uses no others.
    """
    attributes = tuple(
        (name, _constant(value))
        for name, value in vars(module).items()
        if name not in TEMPORARY and not _is_state(value)
    )
    return type(module), module.training, attributes


def _constant(value: Any) -> Constants:
    """A value in hashable form: numbers exactly, functions by identity."""
    if isinstance(value, (bool, int, float, np.generic)):
        return type(value), repr(value)
    if isinstance(value, dict):
        return tuple((str(k), _constant(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_constant(v) for v in value if not _is_state(v))
    return value if getattr(value, "__hash__", None) else repr(value)


def _is_state(value: Any) -> bool:
    is_array = hasattr(value, "shape") and hasattr(value, "dtype")
    return isinstance(value, (Module, Parameter)) or (
        is_array and not isinstance(value, np.generic)
    )
