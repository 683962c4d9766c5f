"""A class to fill in, as a file of its own, or as `handmade` has it (the solution)."""

import ast
import inspect
import sys
import textwrap
from typing import Any

import handmade
from compare.show import docstring
from compare.show.shorten import broken
from compare.suggest import suggest
from compare.testing import LAYERS, LOSSES, OPTIMIZERS
from compare.testing.reference import drawn

FILE = '''\
"""Fill in the parts marked TODO; `python -m compare check THIS_FILE` checks it."""

import numpy as np


class {name}:
    """{doc}
    """

{methods}
'''
SECTIONS = ("Forward", "Backward", "Shape", "At the kink", "Stability", "Args")
"""The sections of the docstring that are needed to write the class."""
TODO = 'raise NotImplementedError("TODO")'
COMPUTES = ("forward", "backward", "updated", "step")
"""The methods that compute; a class without any of them only sets options."""


def names() -> list[str]:
    """The classes that there is a template of."""
    cases = (*LAYERS, *LOSSES, *OPTIMIZERS)
    return [*dict.fromkeys(case.name for case in cases), "Rosenblatt"]


def template(name: str, solution: bool = False) -> str:
    """A file that defines the class `name`, such as "MSELoss", with its formulas.

    The solution is as `handmade` has it, after the classes that it derives from.

    Raises:
        ValueError: there is no template of this name; the message suggests one.
    """
    if name not in names():
        similar = suggest(name, names())
        hint = f"did you mean {similar[0]}?" if similar else f"there are {names()}"
        raise ValueError(f"there is no template {name!r}; {hint}")
    cls = class_of(name)
    return _solution(cls) if solution else _to_fill_in(cls)


def class_of(name: str) -> Any:
    """The class of `handmade` that a template is of."""
    places = (handmade.nn, handmade.optim, handmade.perceptron)
    return next(getattr(place, name) for place in places if hasattr(place, name))


# A class to fill in: it needs nothing but NumPy.


def _to_fill_in(cls: Any) -> str:
    texts = docstring.sections(cls, inherited=SECTIONS)
    sections = [f"{n}:\n{_indented(texts[n])}" for n in SECTIONS if n in texts]
    doc = _indented(docstring.summary(cls), *sections).lstrip().replace("\\", "\\\\")
    parameters, buffers = _state(cls)
    constructor = _constructor(cls, parameters, buffers)
    methods = _indented(*constructor, *_methods(cls, parameters))
    return FILE.format(name=cls.__name__, doc=doc, methods=methods)


def _indented(*blocks: str) -> str:
    return textwrap.indent("\n\n".join(blocks), "    ")


def _state(cls: Any) -> tuple[list[str], list[str]]:
    """The names of its own parameters, and of its buffers, over all of its cases."""
    if cls is handmade.perceptron.Rosenblatt:
        return ["weight", "bias"], []
    questions = [drawn(c) for c in [*LAYERS, *LOSSES] if c.name == cls.__name__]
    names = (n for q in questions for n in q.state if not n[0].isdigit())
    parameters = dict.fromkeys(n.replace(".", "_") for n in names)
    buffers = dict.fromkeys(n for q in questions for n in q.buffers if "." not in n)
    return list(parameters), list(buffers)


def _constructor(cls: Any, parameters: list[str], buffers: list[str]) -> list[str]:
    """Keeps every argument, and declares every parameter and buffer."""
    kept = [p.name for p in _arguments(cls)[1:] if p.name not in parameters]
    lines = [f"self.{n} = {'list(params)' if n == 'params' else n}" for n in kept]
    if parameters or buffers:
        lines.append("# Named as in torch; `check` sets them to arrays.")
        lines += [f"self.{name} = None" for name in (*parameters, *buffers)]
    if hasattr(cls, "backward"):
        lines += [f"self.{name}_grad = 0" for name in parameters]
    if buffers or cls.__name__ in ("Dropout", "GaussianSample"):
        lines.append("self.training = True")
    return [_method("__init__", cls, *lines)] if lines else []


def _methods(cls: Any, parameters: list[str]) -> list[str]:
    """The methods to be written, each with what it has to do."""
    if hasattr(cls, "forward"):
        gradients = ", ".join(f"self.{name}_grad" for name in parameters)
        gradients = gradients if len(parameters) < 3 else "each gradient above"
        wanted = f"# Add to {gradients}; return" if gradients else "# Return"
        wanted += f" ∂L/∂{_arguments(cls.forward)[1].name}."
        todo = {"forward": "# Keep in self what backward needs.", "backward": wanted}
        return [_method(name, getattr(cls, name), todo[name], TODO) for name in todo]
    if cls in vars(handmade.optim).values():
        use = "# Each of self.params has its numbers in .data, their gradient in .grad."
        loop = ("for parameter in self.params:", "    parameter.grad = None")
        zero_grad = _method("zero_grad", cls.zero_grad, *loop)
        return [_method("step", cls.step, use, TODO), zero_grad]
    change = "# Change self.weight and self.bias; return the loss before that."
    return [_method("step", cls.step, change, TODO)]


def _method(name: str, function: Any, *lines: str) -> str:
    """A method with the arguments of another, and these lines."""
    signature = str(inspect.Signature(_arguments(function))).replace("'", '"')
    head = broken(f"def {name}{signature}:").replace("\n):", ",\n):")
    return "\n".join([head, *(f"    {line}" for line in lines)])


def _arguments(function: Any) -> list[inspect.Parameter]:
    """Of a method or, with `self`, of a class's constructor; without annotations."""
    arguments = [*inspect.signature(function).parameters.values()]
    if inspect.isclass(function):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        arguments.insert(0, inspect.Parameter("self", kind))
    return [a.replace(annotation=inspect.Parameter.empty) for a in arguments]


# The solution: the source of `handmade`, and what it imports.


def _solution(cls: Any) -> str:
    classes = _with_bases(cls)
    source = "\n\n\n".join(inspect.getsource(c).rstrip() for c in classes)
    used = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    used -= {c.__name__ for c in classes}
    modules = dict.fromkeys(c.__module__ for c in classes)
    imports = dict.fromkeys(line for m in modules for line in _imports(m, used))
    return "\n".join(imports) + f"\n\n{source}\n"


def _with_bases(cls: Any) -> list[Any]:
    """The class, after the private classes of its own file that it derives from.

    A class that only sets options comes after its base, as AdamW after Adam.
    """
    own = [c for c in cls.__mro__ if c.__module__ == cls.__module__]
    family = [c for c in reversed(own) if c is cls or c.__name__.startswith("_")]
    computes = any(method in vars(c) for c in own for method in COMPUTES)
    return family if computes else [*_with_bases(cls.__base__), *family]


def _imports(module: str, used: set[str]) -> list[str]:
    """The import statements for the names in `used` that a module has."""
    lines: list[str] = []
    own = used & vars(sys.modules[module]).keys()
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [a for a in node.names if (a.asname or a.name) in used]
            own -= {a.asname or a.name for a in node.names}
            lines += [ast.unparse(node)] if node.names else []
    return lines + ([f"from {module} import {', '.join(sorted(own))}"] if own else [])
