"""What the signature of a function or a class, and its code, tell about it."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Function = Callable[..., Any]


def _parameters(function: Function) -> list[inspect.Parameter] | None:
    """None for what has no signature, as some builtin functions."""
    try:
        return [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return None


def arguments_of(function: Function) -> list[str]:
    """The names of its arguments; none if they are not known."""
    return [p.name for p in _parameters(function) or ()]


def required(function: Function) -> list[str]:
    """The arguments that are given by position and have no default."""
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    found = _parameters(function) or ()
    return [p.name for p in found if p.kind in kinds and p.default is p.empty]


def taken(function: Function) -> set[str] | None:
    """The arguments that something can be given by name; None if any."""
    found = _parameters(function)
    if found is None or any(p.kind is p.VAR_KEYWORD for p in found):
        return None
    return {p.name for p in found}


def defaults(function: Function) -> dict[str, Any]:
    """The default of each argument, `inspect.Parameter.empty` where there is none."""
    return {p.name: p.default for p in _parameters(function) or ()}


def takes(function: Function, *arguments: Any) -> bool:
    """Whether it can be called with these arguments."""
    with suppress(TypeError, ValueError):
        inspect.signature(function).bind(*arguments)
        return True
    return False


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:  # the name is ast's
        return None if isinstance(node.value, ast.Constant) else node


def code_of(function: Function) -> str:
    """Its code without docstrings and comments; "" if it is not known."""
    with suppress(OSError, TypeError, SyntaxError):
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        return ast.unparse(_WithoutDocstrings().visit(tree))
    return ""
