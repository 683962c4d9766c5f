"""The two sources that stand side by side: the hand-written one and PyTorch's."""

import inspect
import re
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
DOCSTRING = re.compile(r'\n? *""".*?"""\n+', re.DOTALL)


def of_handmade(dotted: str) -> str:
    """The hand-written source without its docstring."""
    thing = lookup(dotted)
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    return "\n\n".join([_written(thing), *_autodiff_rules(thing)])


def of_torch(dotted: str) -> str:
    """torch_ref's own source and, where it uses torch's classes, torch's, shortened."""
    thing = lookup(dotted, torch_ref)
    if thing is lookup(dotted):
        return "# torch_ref takes handmade's own: it computes nothing"
    if not callable(thing):
        return f"{dotted.rpartition('.')[2]} = {thing!r}"
    re_exported = torch_name(dotted)
    own = f"# torch_ref re-exports {re_exported}" if re_exported else _written(thing)
    parts: list[str] = []
    if inspect.isclass(thing) and issubclass(thing, torch.optim.Optimizer):
        parts = _update_rule(thing)
    elif re_exported:
        parts = _class(thing) if inspect.isclass(thing) else [_titled(thing)]
    theirs = [SHORTENED, *map(broken, parts)] if parts else []
    return "\n\n".join([own, *theirs])


def torch_name(dotted: str) -> str | None:
    """The public name in torch of what torch_ref re-exports; None if it wrote it."""
    short = dotted.rpartition(".")[2]
    for module in TORCH_MODULES:
        if getattr(sys.modules[module], short, None) is lookup(dotted, torch_ref):
            return f"{module}.{short}"
    return None


def _written(thing: Any) -> str:
    """A function, or a class after those of its library that it derives from."""
    library = thing.__module__.partition(".")[0]
    bases = thing.__mro__[:0:-1] if inspect.isclass(thing) else ()
    family = [c for c in bases if c.__module__.partition(".")[0] == library]
    shown = [c for c in family if c.__name__ not in GENERAL]
    return "\n\n\n".join(map(_without_docstring, [*shown, thing]))


def _without_docstring(thing: Any) -> str:
    source = inspect.getsource(thing).rstrip()
    return DOCSTRING.sub("\n", source, count=1) if thing.__doc__ else source


def _autodiff_rules(function: Any) -> list[str]:
    """Of a function of autodiff: its rows in the table of derivatives, and helpers."""
    if function.__module__ != functions.__name__:
        return []
    table = inspect.getsource(rules).partition("\nPRIMITIVES")[2]
    parts: list[str] = []
    for name in re.findall(r'apply\("(\w+)"', inspect.getsource(function)):
        start = table.partition(f'    "{name}": ')[2]
        row = re.split(r',\n(?:    ["#]|\})', start)[0]
        title = f"# {rules.__name__}: the value, and the slope"
        parts.append(f"{title}\nPRIMITIVES[{name!r}] = {row}")
        used = [vars(rules).get(n) for n in re.findall(r"\w+", row) if n not in KINDS]
        parts += [_without_docstring(helper) for helper in used if helper]
    return parts


# Torch's own Python source of what computes, part by part


def _update_rule(optimizer: Any) -> list[str]:
    """The function that steps, of an optimizer or of the base that has one."""
    for cls in optimizer.__mro__:
        module = getattr(vars(cls).get("__init__"), "__globals__", {})
        if rule := module.get(f"_single_tensor_{cls.__name__.lower()}"):
            used = [module.get(name) for name in inspect.unwrap(rule).__code__.co_names]
            place = rule.__module__
            helpers = [f for f in used if getattr(f, "__module__", "") == place]
            return [_titled(f) for f in dict.fromkeys([*helpers, rule])]
    return []


def _class(cls: Any) -> list[str]:
    """The method that computes, its private helpers, and the functions they call."""
    absent = (None, torch.nn.Module.forward)
    methods = [m for n in METHODS if (m := getattr(cls, n, None)) not in absent][:1]
    if not methods:
        return []
    private = [n for n in _called(methods[0], "self") if n[0] == "_"]
    methods += [getattr(cls, name) for name in private if "check" not in name]
    bodies = [textwrap.indent(shortened(method), "    ") for method in methods]
    parts = [f"class {cls.__name__}({cls.__base__.__name__}):\n" + "\n\n".join(bodies)]
    functional = torch.nn.functional
    for name in [name for method in methods[::-1] for name in _called(method, "F")]:
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


def _called(method: Any, owner: str) -> list[str]:
    """The names x of all calls of `owner.x(…)` in a method."""
    found = re.findall(rf"\b{owner}\.(\w+)\(", inspect.getsource(method))
    return list(dict.fromkeys(found))
