"""Whether what a file defines is written by hand."""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from importlib import import_module
from typing import Any

from compare.check.definitions import KINDS, Definition

DIFFERENTIATES = {
    "torch.autograd": ("grad", "backward"),
    "jax": ("grad", "value_and_grad", "vjp", "jvp", "jacfwd", "jacrev"),
    "autograd": ("grad", "elementwise_grad", "jacobian"),
}
"""The functions by which each library differentiates."""
LIBRARIES = ("handmade", "torch_ref", "torch", "jax", "autograd")


class Autograd:
    """Notes where a file has a library differentiate, from now on."""

    def __init__(self, source: str) -> None:
        self.used: dict[str, None] = {}
        for library, names in DIFFERENTIATES.items():
            if library in sys.modules or re.search(rf"\b{library}\b", source):
                with suppress(ImportError):
                    module = import_module(library)
                    for name in names:
                        function = getattr(module, name)
                        watched = self._watched(f"{library}.{name}", function)
                        setattr(module, name, watched)

    def _watched(
        self, name: str, function: Callable[..., Any], is_files: bool = False
    ) -> Callable[..., Any]:
        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            is_own = is_files or not _is_called_by_us()
            self.used |= {name: None} if is_own else {}
            result = function(*args, **kwargs)
            if is_own and callable(result):  # as of jax.grad
                return self._watched(name, result, is_files=True)
            return result

        return watched


def _is_called_by_us() -> bool:
    """Whether compare itself, and not the file, calls a library."""
    frame = sys._getframe(2)
    while frame.f_back and _library(frame.f_globals.get("__name__")) in LIBRARIES:
        frame = frame.f_back
    return _library(frame.f_globals.get("__name__")) == "compare"


def _library(module: str | None) -> str:
    return (module or "").partition(".")[0]


def inherited(definition: Definition) -> str:
    """What a class inherits from a library's class of the same kind; "" if nothing."""
    for name in ("forward", "backward", "step"):
        method = getattr(definition.make, name, None) if definition.is_class else None
        owner = getattr(method, "__qualname__", "").partition(".")[0]
        module = getattr(method, "__module__", None)
        if owner in KINDS and _library(module) in LIBRARIES:
            return f"inherits {name} of {module}.{owner}"
    return ""
