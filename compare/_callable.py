"""`compare.check` and `compare.show` are packages that can also be called."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def make_callable(package: str, function: str) -> None:
    """Let `package(...)` call the function of that name in `compare.notebook`.

    Args:
        package: full name of an imported package.
        function: the public function that shares its name.
    """

    class CallableModule(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return getattr(import_module("compare.notebook"), function)(*args, **kwargs)

    sys.modules[package].__class__ = CallableModule
