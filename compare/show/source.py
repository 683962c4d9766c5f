"""The two sources that stand side by side."""

import ast
import inspect
import sys
import textwrap
from typing import Any

import torch

from compare.show.layout import laid_out
from compare.show.names import pair
from compare.show.trimmed import trimmed
from handmade.autodiff import functions, rules

GENERAL = ("Module", "Loss", "Optimizer", "Surface", "LRScheduler", "Protocol")
GENERAL += ("ModelLearner",)
"""Base classes that hold what all layers, all losses, … have in common."""
PLACES = (
    *("torch.nn", "torch.optim", "torch.optim.lr_scheduler", "torch.nn.init"),
    *("torch.nn.utils", "torch.func", "torch"),
)
"""Where torch's public names stand."""
TRIMMED = """\
# Of torch's own source, what computes: docstrings, types, checks, and branches
# that are not taken here are left out."""
METHODS = ("forward", "get_lr", "_get_closed_form_lr", "step")
"""What a class of torch computes in; the first that it has is shown."""
KINDS = ("_unary", "_binary", "Elementwise", "Linear")
"""The kinds of rules in the table of autodiff."""
FUNCTIONAL = sys.modules["torch.nn.functional"]


def handmades(dotted: str) -> str:
    """The hand-written source, its own docstring taken out."""
    thing, _ = pair(dotted)
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    return "\n\n".join([_written(thing, "handmade"), *_rules_by_hand(thing)])


def torchs(dotted: str) -> str:
    """torch_ref's own source, or what it re-exports, with torch's Python source."""
    ours, thing = pair(dotted)
    if thing is ours:
        return "# torch_ref takes handmade's own: it computes nothing"
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    parts = []
    if (thing.__module__ or "").startswith("torch_ref"):
        parts.append(_written(thing, "torch_ref"))
    else:
        parts.append(f"# torch_ref re-exports {torch_name(dotted)}")
    if of_torch := _of_torch(thing):
        parts += [TRIMMED, *map(laid_out, of_torch)]
    return "\n\n".join(parts)


def torch_name(dotted: str) -> str | None:
    """The public name in torch of what torch_ref re-exports; None if it wrote it."""
    _, thing = pair(dotted)
    short = dotted.rpartition(".")[2]
    for place in PLACES:
        if getattr(sys.modules[place], short, None) is thing:
            return f"{place}.{short}"
    return None


def _written(thing: Any, library: str) -> str:
    """A function, or a class after those of its library that it derives from."""
    if not inspect.isclass(thing):
        return _without_docstring(thing)
    above = [c for c in thing.__mro__[1:] if c.__module__.startswith(library)]
    family = [c for c in reversed(above) if c.__name__ not in GENERAL]
    return "\n\n\n".join(_without_docstring(c) for c in [*family, thing])


def _without_docstring(thing: Any) -> str:
    """The source as written, without the text that the page shows elsewhere."""
    lines = textwrap.dedent(inspect.getsource(thing)).splitlines()
    node = ast.parse("\n".join(lines)).body[0]
    assert isinstance(node, (ast.ClassDef, ast.FunctionDef))
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        end = node.body[1].lineno - 1 if len(node.body) > 1 else first.end_lineno
        decorated = node.body[1:] and getattr(node.body[1], "decorator_list", [])
        end = decorated[0].lineno - 1 if decorated else end
        del lines[first.lineno - 1 : end]
    return "\n".join(lines)


def _rules_by_hand(function: Any) -> list[str]:
    """The rows of the table of derivatives that a function of autodiff looks up."""
    if function.__module__ != functions.__name__:
        return []
    calls = [n for n in ast.walk(_tree(function)) if isinstance(n, ast.Call)]
    looked_up = [c.args[0] for c in calls if ast.unparse(c.func) == "apply"]
    return [p for key in looked_up for p in _row(ast.literal_eval(key))]


def _row(key: str) -> list[str]:
    """A row of the table, and the functions of its file that it names."""
    table = inspect.getsource(rules)
    dicts = [n for n in ast.walk(ast.parse(table)) if isinstance(n, ast.Dict)]
    rows = [row for d in dicts for row in zip(d.keys, d.values, strict=True)]
    rule = next(v for k, v in rows if k is not None and ast.unparse(k) == repr(key))
    names = [n.id for n in ast.walk(rule) if isinstance(n, ast.Name)]
    private = [getattr(rules, n) for n in names if n not in KINDS and hasattr(rules, n)]
    said = f"# {rules.__name__}: the value, and the slope\nPRIMITIVES[{key!r}] = "
    return [
        f"{said}{ast.get_source_segment(table, rule)}",
        *(_without_docstring(function) for function in private),
    ]


def _tree(function: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _of_torch(thing: Any) -> list[str]:
    """Torch's own Python source of what computes, part by part."""
    if not inspect.isclass(thing):
        own = (thing.__module__ or "").startswith("torch_ref")
        return [] if own else [_shown(thing, torch_label(thing))]
    if issubclass(thing, torch.optim.Optimizer):
        return _rules(thing)
    if thing.__module__.startswith("torch_ref"):
        return []
    name = next((m for m in METHODS if m in vars(thing) or _inherits(thing, m)), None)
    return [] if name is None else _method(thing, name)


def _inherits(thing: Any, method: str) -> bool:
    """Whether a class has a method that is not the one of all modules."""
    found = getattr(thing, method, None)
    return found is not None and found is not torch.nn.Module.forward


def _rules(optimizer: Any) -> list[str]:
    """The rule of an optimiser, or of the one that it sets options of."""
    for one in optimizer.__mro__:
        space = getattr(vars(one).get("__init__"), "__globals__", {})
        if rule := space.get(f"_single_tensor_{one.__name__.lower()}"):
            calls = [n for n in ast.walk(_tree(rule)) if isinstance(n, ast.Call)]
            named = [space.get(ast.unparse(call.func)) for call in calls]
            own = [f for f in named if getattr(f, "__module__", "") == rule.__module__]
            return [_shown(f, torch_label(f)) for f in dict.fromkeys([*own, rule])]
    return []


def _method(thing: Any, name: str) -> list[str]:
    """A method of a class of torch, and the Python functions that it calls."""
    method = getattr(thing, name)
    header = f"class {thing.__name__}({thing.__base__.__name__}):"
    source = textwrap.indent(trimmed(method), "    ")
    parts = [f"{header}\n{source}"]
    helpers = _called(method, "self")
    for helper in [h for h in helpers if h.startswith("_") and "check" not in h]:
        inner = textwrap.indent(trimmed(getattr(thing, helper)), "    ")
        parts[0] += f"\n\n{inner}"
        parts += _functions(getattr(thing, helper))
    return parts + _functions(method)


def _functions(method: Any) -> list[str]:
    """The functions of torch.nn.functional that a method calls, as `F`."""
    parts = []
    for name in _called(method, "F"):
        # Where two functions share a name, the private one computes the values.
        function = getattr(FUNCTIONAL, f"_{name}", None)
        function = function or getattr(FUNCTIONAL, name)
        parts.append(_shown(function, f"torch.nn.functional.{name}"))
    return parts


def _called(method: Any, owner: str) -> list[str]:
    """The names x of all calls of `owner.x(…)` in a method."""
    calls = [n.func for n in ast.walk(_tree(method)) if isinstance(n, ast.Call)]
    names = [
        c.attr
        for c in calls
        if isinstance(c, ast.Attribute)
        and isinstance(c.value, ast.Name)
        and c.value.id == owner
    ]
    return list(dict.fromkeys(names))


def _shown(function: Any, label: str) -> str:
    """A function's trimmed source under its name."""
    try:
        return f"# {label}\n{trimmed(function)}"
    except TypeError:
        return f"# {label} is compiled: it has no Python source"


def torch_label(function: Any) -> str:
    """How torch calls a function that it defines."""
    return f"{function.__module__ or 'torch'}.{function.__name__}"
