"""Torch's source without what has nothing to do with the values on these arrays.

Left out are docstrings, annotations, errors and warnings, and the branches for
TorchScript, for compilers, for complex numbers, for hyper-parameters that are tensors,
and for arguments that are deprecated.
"""

import ast
import inspect
import textwrap
from typing import Any

OFF = ("capturable", "differentiable", "has_complex")
"""Options that are False unless asked for."""
ABSENT = ("size_average", "reduce", "grad_scale", "found_inf", "beta1_dict")
"""Arguments that are None unless asked for."""
NEVER = (
    *("is_scripting", "is_tracing", "is_compiling", "is_complex"),
    "are_deterministic_algorithms_enabled",
)
"""Questions whose answer is no."""


def trimmed(function: Any) -> str:
    """The source of a Python function or method of torch.

    Raises:
        TypeError: it has no Python source.
    """
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    tree = _Trim().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Trim(ast.NodeTransformer):
    """Takes out of a tree what is not shown."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Without docstring, decorators and annotations."""
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        node.decorator_list, node.returns = [], None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Without annotation."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """An assignment, or nothing where only a type was said."""
        if node.value is None:
            return None
        return ast.Assign([node.target], node.value)

    def visit_If(self, node: ast.If) -> Any:
        """The branch that is taken, where that is known; nothing where it fails."""
        self.generic_visit(node)
        known = _known(node.test)
        if known is not None:
            return node.body if known else node.orelse
        if not node.body and not node.orelse:
            return None
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Raise(self, node: ast.Raise) -> None:
        """Nothing."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Nothing."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Nothing where it only warns or describes."""
        said = ast.unparse(node)
        is_text = isinstance(node.value, ast.Constant)
        return None if is_text or said.startswith("warnings.warn") else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """The value that is taken, where that is known."""
        self.generic_visit(node)
        known = _known(node.test)
        if known is None:
            return node
        return node.body if known else node.orelse


def _known(test: ast.expr) -> bool | None:
    """Whether a condition holds on ordinary arrays; None where that depends."""
    match test:
        case ast.Name(id=name) if name in OFF:
            return False
        case ast.Call():
            return _answer(test)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            known = _known(operand)
            return None if known is None else not known
        case ast.Compare(
            left=ast.Name(id=name), ops=[is_], comparators=[ast.Constant(value=None)]
        ) if name in ABSENT:
            return isinstance(is_, ast.Is)
        case ast.BoolOp(op=op, values=values):
            return _joined([_known(v) for v in values], isinstance(op, ast.And))
        case _:
            return None


def _answer(call: ast.Call) -> bool | None:
    """What a call that asks for the kind of something answers."""
    name = ast.unparse(call.func).rpartition(".")[2]
    if name in NEVER or name.startswith("has_torch_function"):
        return False
    is_tensor = name == "isinstance" and ast.unparse(call.args[1]).endswith("Tensor")
    return False if is_tensor else None


def _joined(known: list[bool | None], all_of: bool) -> bool | None:
    """Of "and", one False decides; of "or", one True."""
    if (not all_of) in known:
        return not all_of
    return None if None in known else all_of
