"""The parameters and gradients of a module, wherever it keeps them."""

from typing import Any

import numpy as np

from compare.check.subjects import NotCovered


def set_parameters(module: Any, state: dict[str, np.ndarray]) -> None:
    """Give a module these parameters, however it keeps its own."""
    if state and hasattr(module, "load_state_dict"):
        module.to(next(a for a in state.values() if a.dtype.kind == "f"))
        module.load_state_dict(state)
        return
    for name, value in state.items():
        if not hasattr(module, name):
            names = _named(state)
            raise NotCovered(
                f"it has no parameter {name!r}; parameters are named as in torch: "
                f"{names}; found: {arrays_of(module) or 'no arrays'}"
            )
        own = getattr(module, name)
        if hasattr(own, "grad"):
            own.data = value.copy()
        else:
            setattr(module, name, value.copy())


def get_parameter(module: Any, name: str) -> Any:
    """A parameter, wherever the module keeps it."""
    if hasattr(module, "parameters") and name in (found := module.parameters()):
        return found[name]
    own = getattr(module, name)
    return own.data if hasattr(own, "grad") else own


def get_gradient(module: Any, name: str) -> Any:
    """A parameter's gradient, wherever the module keeps it."""
    if hasattr(module, "named_parameters"):
        own = dict(module.named_parameters()).get(name)
    else:
        for place in (f"{name}_grad", f"grad_{name}", f"d{name}", f"d_{name}"):
            if getattr(module, place, None) is not None:
                return getattr(module, place)
        own = getattr(module, name)
    if (gradient := getattr(own, "grad", None)) is None:
        raise NotCovered(
            f"the gradient of its {name} was not found after backward; call it "
            f"{name}_grad, grad_{name} or {name}.grad; found: "
            f"{arrays_of(module) or 'no arrays'}"
        )
    return gradient


def arrays_of(module: Any) -> str:
    """The arrays that a module keeps, as its attributes or in dicts, in words."""
    kept: dict[str, Any] = {}
    for name, value in getattr(module, "__dict__", {}).items():
        if isinstance(value, dict):
            kept |= {f"{name}[{key!r}]": one for key, one in value.items()}
        kept[name] = getattr(value, "data", value) if _has_grad(value) else value
    return _named({k: v for k, v in kept.items() if isinstance(v, np.ndarray)})


def _has_grad(value: Any) -> bool:
    return hasattr(value, "grad")


def _named(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
