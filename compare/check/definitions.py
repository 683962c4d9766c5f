"""What a file defines that can be checked, and what each of its names stands for."""

import inspect
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch

from compare.check.libraries import pair_of, rules_of
from compare.check.signatures import arguments_of
from compare.suggest import suggest
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case, references

NAMES: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("names.toml").read_text(encoding="utf-8")
)
"""What people call classes, functions, parameters and arguments; see names.toml."""
CASES: dict[str, list[Case]] = {}
"""The test cases of each class of `handmade.nn` and `handmade.optim`."""
_LAYERS, _LOSSES = LAYERS + references.LAYERS, LOSSES + references.LOSSES
for _case in [*_LAYERS, *_LOSSES, *OPTIMIZERS]:
    CASES.setdefault(_case.name, []).append(_case)
KINDS = {
    **{case.name: "layer" for case in _LAYERS},
    **{case.name: "loss" for case in _LOSSES},
    **{case.name: "optimizer" for case in OPTIMIZERS},
    **{"Dropout": "dropout", "GaussianSample": "sample", "Rosenblatt": "rosenblatt"},
}
"""The kind of each class that can be checked."""
_BOTH = ("layer", "loss")
_COURSE = {"descend": "descend", "newton_step": "newton", "blind_step": "blind"}
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
WRAPPERS = ("functools", "jax", "jaxlib", "numba", "torch")
"""Libraries whose objects stand for functions."""
MODULE = "checked_file"
"""The module name that a checked file gets."""


class NotTested(Exception):
    """The file does not take such arguments or inputs; the message names them."""


@dataclass(frozen=True)
class Form:
    """How a definition is called, where people write differently."""

    library: str = "numpy"  # "torch" or "jax": the arrays that it takes
    reduction: str = ""  # "none" or "mean" of a loss that gives one for each example
    columns: bool = False  # examples in columns
    one_hot: bool = False  # targets as one-hot rows
    transposed: bool = False  # weights of shape (in, out)
    by_number: bool = False  # takes one number at a time
    one_by_one: bool = False  # takes one example at a time, as (n, 1) or (1, n)
    flat: bool = False  # takes vectors: that example, or all numbers of a loss
    forward: tuple[str, ...] = ()  # the roles of its arguments; () as in torch
    backward: tuple[str, ...] | None = None  # of the backward pass; None as in torch

    @property
    def conventions(self) -> list[str]:
        """What is another way than torch's in it."""
        order = self.backward or ()
        told = {
            "target first": self.forward[:2] == ("target", "x"),
            "one-hot targets only": self.one_hot,
            "examples in columns": self.columns,
            "weights stored (in, out)": self.transposed,
            "one example at a time": self.one_by_one,
            "vectors only": self.flat and not self.one_by_one,
            "loss of each example, not their mean": bool(self.reduction),
            "slope by the output": "y" in order and "g" not in order,
        }
        return [words for words, is_so in told.items() if is_so]


@dataclass(frozen=True)
class Definition:
    """A class or function to check."""

    label: str  # its name in the file
    name: str  # the class of `handmade` that it is compared with
    kind: str  # one of `checker.CHECKS`
    make: Callable[..., Any]  # the class, or the function
    backward: Callable[..., Any] | None = None  # the function that returns its gradient
    form: Form = field(default_factory=Form)

    @property
    def has_gradient(self) -> bool:
        """Whether more than its value can be checked."""
        return self.is_class or bool(self.backward) or self.kind not in _BOTH

    @property
    def is_class(self) -> bool:
        """Whether it is a class, and not a function."""
        return inspect.isclass(self.make)


CALLS = {key: tuple(names.split()) for key, names in NAMES["calls"].items()}
"""Names of methods and functions, the usual one first."""
FORWARD = ("calculate", *CALLS["forward"], *CALLS["value"])
BACKWARD = CALLS["backward"]
FINDERS: list[Callable[[str, Any, dict[str, Any]], Definition | None]] = []
"""Ways to recognise a definition: `checker` adds those of its modules."""


def own_names(module: ModuleType) -> dict[str, Any]:
    """What a loaded file itself defines, by its public name."""
    return {
        name: value
        for name, value in vars(module).items()
        if name[0] != "_"
        and _is_code(value)
        and getattr(value, "__module__", None) == module.__name__
    }


def _is_code(value: Any) -> bool:
    """Whether it is a class, a function, or a library's wrapper of a function.

    Other objects are never touched: their attributes may do anything.
    """
    kind = type(value)
    if issubclass(kind, type):
        return not issubclass(value, Enum)
    library = kind.__module__.partition(".")[0]
    return issubclass(kind, _FUNCTIONS) or library in WRAPPERS


def definitions(own: dict[str, Any], meant: Sequence[str] = ()) -> list[Definition]:
    """Everything among these values that can be checked, in their order.

    Args:
        own: by name.
        meant: what some are meant to be, each as "MSELoss=error,error_gradient": then
            only these are checked.
    """
    if meant:
        return [_as_meant(own, one) for one in meant]
    partners = {id(p) for name in own if (p := partner(name, own)) is not None}
    partners |= {id(rule) for value in own.values() for rule in rules_of(value)}
    found: dict[int, Definition] = {}
    for name, value in own.items():
        ways = (find(name, value, own) for find in FINDERS)
        definition = next(filter(None, ways), None)
        if definition is None or id(value) in partners:
            continue
        previous = found.get(id(value))
        if previous is None or previous.name != previous.label:
            found[id(value)] = definition
    checked = [d for d in found.values() if d.kind != "unknown"]
    bases = {id(base) for d in checked for base in getattr(d.make, "__mro__", ())[1:]}
    classes = {d.name for d in checked if d.is_class}
    known = {*vars(torch.nn), *vars(references)}
    return [
        d
        for d in found.values()
        if (id(d.make) not in bases if d.kind == "unknown" else d.has_gradient)
        or (d.name not in classes and (d.name in known or _is_step_alone(d)))
    ]


def _is_step_alone(d: Definition) -> bool:
    """Whether it is the step function: one called "step" may be anything."""
    return d.name == "Step" != d.label.title() and len(arguments_of(d.make)) == 1


def _as_meant(own: dict[str, Any], meant: str) -> Definition:
    name, _, labels = meant.partition("=")
    labels, *others = labels.split(",")
    known = FUNCTIONS.get(name, name)
    if len(others) > 1 or not labels:
        raise ValueError(f"--as needs CLASS=NAME or CLASS=NAME,GRADIENT, got {meant!r}")
    if known not in KINDS:
        near = f"; did you mean {near}?" if (near := nearest(name)) else ""
        raise ValueError(f"--as: check knows no class {name!r}{near}")
    for label in (labels, *others):
        if label not in own:
            raise ValueError(f"the file defines no {label!r}; it has {', '.join(own)}")
    backward = own[others[0]] if others else partner(labels, own)
    return Definition(labels, known, KINDS[known], own[labels], backward)


def _definition(name: str, value: Any, own: dict[str, Any]) -> Definition | None:
    known = meant_by(name)
    if known and (pair := pair_of(value)):
        return Definition(name, known, KINDS[known], *pair)
    if inspect.isclass(value):
        passes = [method_of(value, names) for names in (FORWARD, BACKWARD)]
        if known and KINDS[known] == "optimizer":
            return None
        if known and (any(passes) or KINDS[known] not in _BOTH):
            return Definition(name, known, KINDS[known], value)
        is_found = all(passes) or is_of_autograd(value)
        return Definition(name, "", "unknown", value) if is_found else None
    if name in _COURSE:
        return Definition(name, name, _COURSE[name], value)
    takes_one = known and KINDS[known] == "loss" and len(arguments_of(value)) == 1
    other = partner(name, own)
    is_known = known and KINDS[known] in (
        _BOTH if other is None else (*_BOTH, "dropout")
    )
    if is_known and not takes_one:
        return Definition(name, known, KINDS[known], value, other)
    is_backward_alone = inspect.isfunction(value) and differentiated(name)
    return Definition(name, "", "unknown", value) if is_backward_alone else None


def differentiated(name: str) -> str:
    """The known function whose gradient is of this name, such as relu; "" if none."""
    ends = ("backward", "grad", "gradient", "prime", "derivative", "ableitung")
    found = (re.sub(rf"_?{word}$", "", name) for word in ends)
    return next((base for base in found if base != name and meant_by(base)), "")


def is_of_autograd(value: Any) -> bool:
    """Whether it is a module of torch whose backward pass is autograd's."""
    is_module = inspect.isclass(value) and issubclass(value, torch.nn.Module)
    return is_module and not method_of(value, BACKWARD)


FINDERS.append(_definition)


def method_of(owner: Any, names: tuple[str, ...], private: bool = False) -> str:
    """The name of the first of these methods that a class or an object has; or ""."""
    is_ours = [n for n in dir(owner) if private or n[0] != "_" or n == "__call__"]
    own = {plain(name): name for name in is_ours}
    found = (own[plain(name)] for name in names if plain(name) in own)
    return next((name for name in found if callable(getattr(owner, name, None))), "")


def find(owner: Any, names: tuple[str, ...], private: bool = False) -> Any:
    """The first of these methods; None if there is none."""
    name = method_of(owner, names, private)
    return getattr(owner, name) if name else None


def partner(name: str, own: dict[str, Any]) -> Any:
    """The function that returns the gradient of a function of this name."""
    if has_update(own) and plain(name) in map(plain, (*FORWARD, *CALLS["predict"])):
        return None  # the forward pass of a whole net
    base = re.sub(r"_?forward_?|_?fwd_?", "", name)
    after, before = (NAMES["partners"][key].split() for key in ("after", "before"))
    names = {plain(base + word) for word in after} - {plain(name)}
    names |= {plain(word + base) for word in before}
    for other, value in own.items():
        if other != name and inspect.isroutine(value) and plain(other) in names:
            return value
    return None


def has_update(own: dict[str, Any]) -> bool:
    """Whether a file has a function that changes the parameters of a net."""
    return not {*map(plain, own)}.isdisjoint(map(plain, CALLS["update"]))


# -- names -----------------------------------------------------------------------------


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def plain(name: str) -> str:
    """A name without underscores and umlauts, in lower case."""
    return name.replace("_", "").lower().translate(_UMLAUTS)


_OTHERS = "L1Loss MSELoss HuberLoss BCELoss BCEWithLogitsLoss SmoothL1Loss NLLLoss"
FUNCTIONS = {
    **NAMES["functions"],
    **{
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): name
        for name in KINDS
        if KINDS[name] in ("layer", "loss")
    },
}
"""Functions that can be checked, and the classes on whose test cases they are."""
_KNOWN = {
    **{other: k for k, others in NAMES["classes"].items() for other in others.split()},
    **{plain(name): known for name, known in FUNCTIONS.items()},
    **{plain(name): name for name in KINDS},
}
"""By a name without underscores in lower case: the class."""
_ADDED = (
    re.compile(
        r"^(my|own|mein|meine|custom|hand|simple|naive|basic|numpy|np|activation|loss|eigene?"
        r"|layer|optimizer|our|stable|manual|func|the|fast)"
    ),
    re.compile(
        r"(own|mine|layer|loss|function|activation|fn|func|forward|fwd|np|numpy|op|error"
        r"|cost|manual|custom|naive|\d+|optimizer|module|node|unit|fast|schicht|funktion"
        r"|aktivierung|verlust|kosten|fehler)$"
    ),
)
"""What people add to a name to say what it is, or that it is their own."""


def meant_by(name: str) -> str:
    """The class that a name of a class or function stands for; "" if none is known."""
    words = [plain(name)]
    for word in words:  # which grows
        for each in (word, f"{word}loss"):
            if _KNOWN.get(each) in KINDS:
                return _KNOWN[each]
        words += [shorter for end in _ADDED if (shorter := end.sub("", word)) != word]
    return ""


def nearest(name: str) -> str:
    """The class or function whose name is most like this one; "" if none is."""
    found = suggest(plain(name), _KNOWN, cutoff=0.75)
    return _KNOWN[found[0]] if found else ""


def words_for(group: str, key: str) -> list[str]:
    """What people call a parameter, an argument or an option, the usual name first."""
    return [plain(key), *map(plain, NAMES[group].get(key, "").split())]


def roles(names: list[str]) -> Iterator[str]:
    """The role of each argument by its name; "" where the name tells none."""
    groups = [(group, key) for group in ("roles", "parameters") for key in NAMES[group]]
    words = {plain(key): key for _, key in groups}
    for group, key in reversed(groups):
        words |= dict.fromkeys(words_for(group, key), key)
    before = ""
    for word in map(plain, names):
        is_target = word == "y" and (before == "a" or words.get(before) == "prediction")
        yield "target" if is_target else words.get(word, "")
        before = word
