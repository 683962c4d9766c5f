"""Classes to fill in that stand on their own: NumPy is all they need."""

import inspect
import textwrap
from typing import Any

import handmade

FILE = '''\
"""Write what says "write me"; `python -m compare check THIS_FILE` judges it."""

import numpy as np


class {name}:
    """{doc}
    """

{methods}
'''
SECTIONS = ("Forward", "Backward", "Shape", "At the kink", "Stability", "Args")
"""What of a docstring whoever writes the class needs to know."""
WRITE = 'raise NotImplementedError("write me")'
KEEP = "# Keep in self what backward needs."
STATE = "# Named as in torch; `check` puts its own numbers here, as arrays."
ZERO_GRAD = """\
def zero_grad(self):
    for parameter in self.params:
        parameter.grad = None"""
WIDTH = 84
"""Of a line inside the class."""


def class_of(name: str) -> Any:
    """The class of `handmade` that has this name."""
    for place in (handmade.nn, handmade.optim, handmade.perceptron):
        if hasattr(place, name):
            return getattr(place, name)
    raise AssertionError(name)


def blank(name: str) -> str:
    """A file with a plain class of this name: arguments, formulas, empty methods."""
    found = class_of(name)
    parts = [part for part in (_init(found), *_methods(found)) if part]
    methods = textwrap.indent("\n\n".join(parts), "    ")
    return FILE.format(name=name, doc=_doc(found), methods=methods)


def _doc(found: Any) -> str:
    """The summary, formulas, shapes and arguments, of the class or one above it."""
    from compare.show import docstring

    known: dict[str, str] = {}
    for above in reversed([c for c in found.__mro__ if c is not object]):
        if above.__module__ == found.__module__:
            known |= docstring.sections(above)
    told = {name: known[name] for name in SECTIONS if name in known}
    blocks = [f"{n}:\n{textwrap.indent(text, '    ')}" for n, text in told.items()]
    whole = "\n\n".join([docstring.summary(found), *blocks])
    return textwrap.indent(whole, "    ").lstrip().replace("\\", "\\\\")


def _init(found: Any) -> str:
    """The constructor: keeps every argument, and has a place for every parameter."""
    parameters, buffers = _state(found)
    kept = [p.name for p in _plain(found)[1:] if p.name not in parameters]
    lines = [f"self.{name} = {_kept(name)}" for name in kept]
    if parameters or buffers:
        lines += [STATE, *(f"self.{name} = None" for name in (*parameters, *buffers))]
    if hasattr(found, "backward"):
        lines += [f"self.{name}_grad = 0" for name in parameters]
    if buffers or found.__name__ in ("Dropout", "GaussianSample"):
        lines += ["self.training = True"]
    return _function("__init__", found, lines) if lines else ""


def _kept(name: str) -> str:
    return "list(params)" if name == "params" else name


def _state(found: Any) -> tuple[list[str], list[str]]:
    """The names of its own parameters, and of its buffers, over all of its cases."""
    from compare.check.definitions import CASES
    from compare.testing import resolved, rng_of

    if found.__name__ == "Rosenblatt":
        return ["weight", "bias"], []
    if not hasattr(found, "forward"):
        return [], []
    parameters: dict[str, None] = {}
    buffers: dict[str, None] = {}
    for case in CASES[found.__name__]:
        args = resolved(case.args, handmade.nn)
        kwargs = case.drawn(rng_of(case))
        made = found(*args, **{k: resolved(v, handmade.nn) for k, v in kwargs.items()})
        parameters |= dict.fromkeys(n for n, _ in made.named_parameters())
        own = (n for n, _ in made.named_buffers() if n not in kwargs)
        buffers |= dict.fromkeys(own)
    return [n for n in parameters if "." not in n], [n for n in buffers if "." not in n]


def _methods(found: Any) -> list[str]:
    """The methods to be written, each with what it has to do."""
    if hasattr(found, "forward"):
        back = _function("backward", found.backward, [_wanted(found), WRITE])
        return [_function("forward", found.forward, [KEEP, WRITE]), back]
    if found in vars(handmade.optim).values():
        said = (
            "# Each of self.params has its numbers in .data, their gradient in .grad."
        )
        return [f"def step(self):\n    {said}\n    {WRITE}", ZERO_GRAD]
    said = "# Change self.weight and self.bias; return the error before that."
    return [_function("step", found.step, [said, WRITE])]


def _wanted(found: Any) -> str:
    """What a backward pass has to do, as a comment."""
    places = [f"self.{name}_grad" for name in _state(found)[0]]
    first = next(iter(_plain(found.forward)[1:])).name
    add = f"Add to {', '.join(places)}; " if places else ""
    return f"# {add}return ∂L/∂{first}.".replace("# r", "# R")


def _plain(made: Any) -> list[inspect.Parameter]:
    """The parameters of a method, or of a class's own, without their annotations."""
    found = [*inspect.signature(made).parameters.values()]
    if inspect.isclass(made):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.insert(0, inspect.Parameter("self", kind))
    return [p.replace(annotation=inspect.Parameter.empty) for p in found]


def _function(name: str, function: Any, lines: list[str]) -> str:
    """A method with the arguments of another, and these lines."""
    signature = str(inspect.Signature(_plain(function))).replace("'", '"')
    head = f"def {name}{signature}:"
    if len(head) > WIDTH:
        arguments = "".join(f"    {p},\n" for p in _listed(_plain(function)))
        head = f"def {name}(\n{arguments}):"
    return "\n".join([head, *(f"    {line}" for line in lines)])


def _listed(parameters: list[inspect.Parameter]) -> list[str]:
    """Each as it is written in a signature, with the star before what is by name."""
    by_name = [p.kind is p.KEYWORD_ONLY for p in parameters]
    first = by_name.index(True) if True in by_name else len(parameters)
    said = [str(p).replace("'", '"') for p in parameters]
    return [*said[:first], *(["*"] if first < len(said) else []), *said[first:]]
