"""`compare.check` and `compare.show` are packages, and functions, too."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def make_callable(package: str, function: str) -> None:
    """Let the imported `package`, when called, call a function of `compare.notebook`.

    To import anything from the package makes Python set the package itself as the
    attribute `compare.check`, in place of the function of that name.
    """

    class CallableModule(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return getattr(import_module("compare.notebook"), function)(*args, **kwargs)

    sys.modules[package].__class__ = CallableModule
