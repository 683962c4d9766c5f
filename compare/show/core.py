"""The core of a hand-written source: forward and backward without argument checks."""

import ast
import re

METHODS = (
    *("forward", "backward", "accumulate", "value", "gradient"),
    *("updated", "rate", "scale", "unscale_", "step", "update"),
)
"""The methods that compute; of a class that has one of them, only these are shown, and
the private ones that they call."""
CHECK = re.compile(r"_?(check|require|array_namespace|holds)\w*")
"""Functions that check arguments; most return xp, the array library."""
NOTE = "# The core; --full shows the rest. xp is the array library."


def core(source: str) -> str:
    """The source with fewer lines, each as it was written; its first says so."""
    tree, lines = ast.parse(source), source.splitlines()
    dropped = [node for block in _blocks(tree) for node in _left_out(block)]
    numbers = {n for node in dropped for n in range(_start(node), _end(node) + 1)}
    kept = [line for n, line in enumerate(lines, 1) if n not in numbers]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(kept))
    text = re.sub(r"(:\n)\n+(?=    )", r"\1", re.sub(r"\n{2,}(?=    )", "\n\n", text))
    return f"{NOTE}\n{text.strip()}" if dropped else source


def _blocks(tree: ast.AST) -> list[list[ast.stmt]]:
    """The bodies of all classes, functions and branches."""
    fields = [getattr(node, "body", None) for node in ast.walk(tree)]
    fields += [getattr(node, "orelse", None) for node in ast.walk(tree)]
    return [block for block in fields if isinstance(block, list)]


def _left_out(block: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a block that are not shown: never all of them."""
    functions = [node for node in block if isinstance(node, ast.FunctionDef)]
    found: list[ast.stmt]
    if any(node.name in METHODS for node in functions):
        shown = _with_helpers(functions)
        found = [node for node in functions if node.name not in shown]
    else:
        found = [node for node in block if _is_check(node)]
    return found if len(found) < len(block) else []


def _with_helpers(functions: list[ast.FunctionDef]) -> set[str]:
    """`METHODS`, and the private methods that they call, and those call."""
    code = {node.name: ast.unparse(node) for node in functions}
    shown: set[str] = set(METHODS)
    while True:
        callers = " ".join(code[name] for name in shown & code.keys())
        called = set(re.findall(r"self\.(_\w+)\(", callers))
        if called <= shown:
            return shown
        shown |= called


def _is_check(node: ast.stmt) -> bool:
    match node:
        case ast.If(body=[*_, ast.Raise()], orelse=[]):
            return True
        case (
            ast.Expr(value=ast.Call(func=function))
            | ast.Assign(
                targets=[ast.Name(id="xp" | "owner")], value=ast.Call(func=function)
            )
        ):
            name = ast.unparse(function).rpartition(".")[2]
            return CHECK.fullmatch(name) is not None
    return False


def _start(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min(part.lineno for part in (node, *decorators))


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
