"""PyTorch's source, shortened to what computes the values of ordinary tensors.

Left out are docstrings, annotations, errors and warnings, and the branches for
TorchScript, for compilers, for complex numbers, for hyper-parameters that are tensors,
and for deprecated arguments.
"""

import ast
import inspect
import re
import textwrap
from typing import Any

FALSE = ("capturable", "differentiable", "has_complex")
"""Options that are False by default."""
NONE = ("size_average", "reduce", "grad_scale", "found_inf", "beta1_dict")
"""Arguments that are None by default."""
ALWAYS_FALSE = re.compile(
    r"is_(scripting|tracing|compiling|complex)|are_deterministic_algorithms_enabled"
    r"|has_torch_function\w*"
)
"""Functions that return False here."""
WIDTH = 79
TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[][(){},]""")
"""A string, which may hold brackets of its own; or a bracket or a comma."""


def shortened(function: Any) -> str:
    """The source of a function or method of torch; TypeError if it has none."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    tree = _Shorten().visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


def broken(source: str) -> str:
    """The same code; a line that is too long is broken inside its widest bracket."""
    return "\n".join(_break(line) for line in source.splitlines())


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
        case ast.Name(id=name) if name in FALSE:
            return False
        case ast.Call(func=function, args=args):
            name = ast.unparse(function).rpartition(".")[2]
            of_tensor = name == "isinstance" and ast.unparse(args[1])[-6:] == "Tensor"
            return False if of_tensor or ALWAYS_FALSE.fullmatch(name) else None
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = _value(operand)
            return None if value is None else not value
        case ast.Compare(
            left=ast.Name(id=name), ops=[is_], comparators=[ast.Constant(value=None)]
        ) if name in NONE:
            return isinstance(is_, ast.Is)
        case ast.BoolOp(op=op, values=operands):
            decisive = isinstance(op, ast.Or)  # one True decides "or", one False "and"
            values = [_value(operand) for operand in operands]
            if decisive in values:
                return decisive
            return None if None in values else not decisive
    return None


def _break(line: str) -> str:
    """A line that fits, or the items of its widest bracket on a line each."""
    brackets = [] if len(line) <= WIDTH or "#" in line else _brackets(line)
    if not brackets:
        return line
    opens, *commas, closes = max(brackets, key=lambda places: places[-1] - places[0])
    starts, ends = [opens, *commas], [*commas, closes]
    items = [line[a + 1 : b].strip() for a, b in zip(starts, ends, strict=True)]
    if not any(items):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    inner = [f"{indent}    {item}," for item in items[:-1] if item]
    inner += [f"{indent}    {items[-1]}"] if items[-1] else []
    parts = line[: opens + 1], *map(_break, inner), f"{indent}{line[closes:]}"
    return "\n".join(parts)


def _brackets(line: str) -> list[list[int]]:
    """Where each outermost bracket opens, where its commas stand, where it closes."""
    brackets: list[list[int]] = []
    depth = 0
    for token in TOKEN.finditer(line):
        if token[0] in "([{":
            depth += 1
            if depth == 1:
                brackets.append([])
        if brackets and depth == 1 and token[0] in "([{,)]}":
            brackets[-1].append(token.start())
        depth -= token[0] in ")]}"
    return [places for places in brackets if len(places) > 1]
