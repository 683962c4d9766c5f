"""PyTorch's source, shortened to what computes the values of ordinary tensors.

Left out are docstrings, annotations, errors and warnings, and the branches for
TorchScript, for compilers, for complex numbers, for hyper-parameters that are tensors,
and for deprecated arguments.
"""

import ast
import inspect
import re
import textwrap
from itertools import pairwise
from typing import Any

FALSE = re.compile(
    r"capturable|differentiable|has_complex|isinstance\(.*Tensor\)"
    r"|([\w.]+\.)?(is_(scripting|tracing|compiling|complex)|has_torch_function\w*"
    r"|are_deterministic_algorithms_enabled)\(.*\)"
)
"""Conditions that do not hold for ordinary tensors and the default options."""
ABSENT = re.compile(
    r"(size_average|reduce|grad_scale|found_inf|beta1_dict) is( not)? None"
)
"""Whether an argument is None that nobody gives."""
WIDTH = 79
TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[][(){}]|, """)
"""A string, which may hold brackets of its own; or a bracket or a comma."""


def shortened(function: Any) -> str:
    """The source of a function or method of torch; TypeError if it has none."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    tree = _Shorten().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Shorten(ast.NodeTransformer):
    """Removes from a syntax tree what is not shown."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list, node.returns = [], None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_Raise(self, node: ast.Raise | ast.Assert) -> None:
        return None

    visit_Assert = visit_Raise

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Keeps a call, but no docstring and no warning."""
        is_text = isinstance(node.value, ast.Constant)
        is_warning = ast.unparse(node).startswith("warnings.warn")
        return None if is_text or is_warning else node

    def visit_If(self, node: ast.If | ast.IfExp) -> Any:
        """Keeps the branch or value that is taken, where that is known."""
        self.generic_visit(node)
        taken = _value(node.test)
        if taken is not None:
            return node.body if taken else node.orelse
        if isinstance(node, ast.If):
            if not node.body and not node.orelse:
                return None
            node.body = node.body or [ast.Pass()]
        return node

    visit_IfExp = visit_If


def _value(test: ast.expr) -> bool | None:
    """The value of a condition for ordinary tensors; None where it depends."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = _value(operand)
            return None if value is None else not value
        case ast.BoolOp(op=op, values=operands):
            decisive = isinstance(op, ast.Or)  # one True decides "or", one False "and"
            values = [_value(operand) for operand in operands]
            if decisive in values:
                return decisive
            return None if None in values else not decisive
    condition = ast.unparse(test)
    if absent := ABSENT.fullmatch(condition):
        return not absent[2]
    return False if FALSE.fullmatch(condition) else None


def broken(source: str) -> str:
    """The same code; a long line is broken around what its widest bracket holds."""
    return "\n".join(map(_broken_line, source.splitlines()))


def _broken_line(line: str) -> str:
    opened: list[int] = []
    brackets: list[tuple[int, int]] = []
    for token in TOKEN.finditer(line):
        if token[0] in "([{":
            opened.append(token.end())
        elif token[0] in ")]}":
            brackets.append((opened.pop(), token.start()))
    if len(line) <= WIDTH or not brackets:
        return line
    start, end = max(brackets, key=lambda bracket: bracket[1] - bracket[0])
    commas = [t.end() for t in TOKEN.finditer(line, start, end) if t[0] == ", "]
    indent = " " * (len(line) - len(line.lstrip()))
    inner = [""]
    for a, b in pairwise([start, *commas, end]):
        if inner[-1] and len(f"{indent}    {inner[-1]}{line[a:b]}") > WIDTH:
            inner.append("")
        inner[-1] += line[a:b]
    lines = [f"{indent}    {items.rstrip()}" for items in inner]
    return "\n".join([line[:start], *lines, indent + line[end:]])
