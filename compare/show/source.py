"""The two sources that stand side by side: the hand-written one and PyTorch's."""

import ast
import inspect
import sys
import textwrap
from typing import Any

import torch

import torch_ref
from compare.show.names import lookup
from compare.show.shorten import broken, shortened
from handmade.autodiff import functions, rules

GENERAL = ("Module", "Loss", "Optimizer", "Surface", "LRScheduler", "Protocol")
GENERAL += ("ModelLearner",)
"""Base classes that are not repeated with every class that derives from them."""
TORCH_MODULES = (
    *("torch.nn", "torch.optim", "torch.optim.lr_scheduler", "torch.nn.init"),
    *("torch.nn.utils", "torch.func", "torch"),
)
SHORTENED = """\
# PyTorch source, shortened to what computes: without docstrings, types, checks,
# and the branches that are not taken here."""
KINDS = ("_unary", "_binary", "Elementwise", "Linear")
"""The kinds of rows in autodiff's table, which are not repeated with each row."""
METHODS = ("forward", "get_lr", "_get_closed_form_lr", "step")
"""The method of a torch class that computes is the first of these that it has."""


def of_handmade(dotted: str) -> str:
    """The hand-written source without its docstring."""
    thing = lookup(dotted)
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    return "\n\n".join([_written(thing, "handmade"), *_autodiff_rules(thing)])


def of_torch(dotted: str) -> str:
    """torch_ref's own source and, where it uses torch's classes, torch's, shortened."""
    thing = lookup(dotted, torch_ref)
    if thing is lookup(dotted):
        return "# torch_ref takes handmade's own: it computes nothing"
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    own = f"# torch_ref re-exports {torch_name(dotted)}"
    if _is_own(thing):
        own = _written(thing, "torch_ref")
    theirs = [*map(broken, _torchs(thing))]
    return "\n\n".join([own, SHORTENED, *theirs] if theirs else [own])


def torch_name(dotted: str) -> str | None:
    """The public name in torch of what torch_ref re-exports; None if it wrote it."""
    short = dotted.rpartition(".")[2]
    for module in TORCH_MODULES:
        if getattr(sys.modules[module], short, None) is lookup(dotted, torch_ref):
            return f"{module}.{short}"
    return None


def _is_own(thing: Any) -> bool:
    return (thing.__module__ or "").startswith("torch_ref")


def _written(thing: Any, library: str) -> str:
    """A function, or a class after those of its library that it derives from."""
    if not inspect.isclass(thing):
        return _without_docstring(thing)
    bases = [c for c in thing.__mro__[:0:-1] if c.__module__.startswith(library)]
    family = [c for c in bases if c.__name__ not in GENERAL]
    return "\n\n\n".join(map(_without_docstring, [*family, thing]))


def _without_docstring(thing: Any) -> str:
    lines = textwrap.dedent(inspect.getsource(thing)).splitlines()
    (node,) = ast.parse("\n".join(lines)).body
    assert isinstance(node, (ast.ClassDef, ast.FunctionDef))
    if ast.get_docstring(node) is not None:
        start = node.body[0].lineno - 1
        del lines[start : node.body[0].end_lineno]
        while start < len(lines) and not lines[start].strip():
            del lines[start]
    return "\n".join(lines)


def _autodiff_rules(function: Any) -> list[str]:
    """Of a function of autodiff: its rows in the table of derivatives, and helpers."""
    if function.__module__ != functions.__name__:
        return []
    source = inspect.getsource(rules)
    values = [getattr(node, "value", None) for node in ast.parse(source).body]
    (table,) = [value for value in values if isinstance(value, ast.Dict)]
    rows = {
        ast.unparse(k): v for k, v in zip(table.keys, table.values, strict=True) if k
    }
    parts: list[str] = []
    for key in (c.args[0] for c in _calls(function) if ast.unparse(c.func) == "apply"):
        row = rows[name := ast.unparse(key)]
        code = ast.get_source_segment(source, row)
        title = f"# {rules.__name__}: the value, and the slope"
        parts.append(f"{title}\nPRIMITIVES[{name}] = {code}")
        used = [n.id for n in ast.walk(row) if isinstance(n, ast.Name)]
        helpers = [n for n in used if n not in KINDS and hasattr(rules, n)]
        parts += [_without_docstring(getattr(rules, n)) for n in helpers]
    return parts


def _torchs(thing: Any) -> list[str]:
    """Torch's own Python source of what computes, part by part."""
    if not inspect.isclass(thing):
        return [] if _is_own(thing) else [_titled(thing)]
    if issubclass(thing, torch.optim.Optimizer):
        return _update_rule(thing)
    absent = (None, torch.nn.Module.forward)
    methods = [m for n in METHODS if (m := getattr(thing, n, None)) not in absent]
    return _class(thing, methods[0]) if methods and not _is_own(thing) else []


def _update_rule(optimizer: Any) -> list[str]:
    """The function that steps, of an optimiser or of the base that has one."""
    for cls in optimizer.__mro__:
        module = getattr(vars(cls).get("__init__"), "__globals__", {})
        if rule := module.get(f"_single_tensor_{cls.__name__.lower()}"):
            called = [module.get(ast.unparse(call.func)) for call in _calls(rule)]
            place = rule.__module__
            helpers = [f for f in called if getattr(f, "__module__", "") == place]
            return [_titled(f) for f in dict.fromkeys([*helpers, rule])]
    return []


def _class(cls: Any, method: Any) -> list[str]:
    """The method that computes, its private helpers, and the functions they call."""
    names = [n for n in _called(method, "self") if n[0] == "_" and "check" not in n]
    helpers = [getattr(cls, name) for name in names]
    bodies = [textwrap.indent(shortened(m), "    ") for m in (method, *helpers)]
    parts = [f"class {cls.__name__}({cls.__base__.__name__}):\n" + "\n\n".join(bodies)]
    functional = torch.nn.functional
    for name in (name for m in (*helpers, method) for name in _called(m, "F")):
        # A private function of the same name computes.
        function = getattr(functional, f"_{name}", None) or getattr(functional, name)
        parts.append(_titled(function, f"torch.nn.functional.{name}"))
    return parts


def _titled(function: Any, name: str = "") -> str:
    name = name or f"{function.__module__ or 'torch'}.{function.__name__}"
    try:
        return f"# {name}\n{shortened(function)}"
    except TypeError:
        return f"# {name} is compiled: it has no Python source"


def _called(function: Any, owner: str) -> list[str]:
    """The names x of all calls of `owner.x(…)` in a function."""
    called = [call.func for call in _calls(function)]
    attributes = [f for f in called if isinstance(f, ast.Attribute)]
    own = [f.attr for f in attributes if ast.unparse(f.value) == owner]
    return list(dict.fromkeys(own))


def _calls(function: Any) -> list[ast.Call]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
