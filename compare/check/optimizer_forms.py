"""Optimisers as people write them, driven as torch's: made of parameters, step().

A class may be given its parameters (objects with data and grad, arrays in a list or a
dict) or only its options; its method takes what the names of its arguments say. A
function is given parameters, gradients, its state and options, and returns the new
ones, or changes them. Which form it is shows when it is tried.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import handmade
from compare.backend import to_numpy
from compare.check import wording
from compare.check.arguments import taken_in_order, torchs_defaults
from compare.check.definitions import NAMES, Definition, NotTested, plain
from compare.check.trajectories import ON_TORCH

OBJECTS = ("objects", "torch")
ARRAYS = ("list", "dict", "d dict", "one")
"""How parameters are given; "d dict": the gradient of W1 is dW1; "one": one by one."""
METHODS = (
    *("step", "update", "update_params", "update_parameters", "apply_gradients"),
    *("apply", "optimize", "__call__", "get_updates", "update_weights"),
)
SGDS = re.compile(r"momentum|nesterov|gradientdescent|^(nag|gd)$|^param|^weights")
"""What people call forms of SGD, in lower case without what `_ADDED` takes away."""
_ADDED = re.compile(
    r"_|^(optimi[sz]er|my|own|update)|(update|step|optimi[sz]er|optim|own|np|numpy)$"
)


@dataclass(frozen=True)
class Form:
    """How an optimiser is given its parameters, and how it makes a step."""

    container: str  # one of `OBJECTS` or `ARRAYS`, or "layer"
    is_given: bool = False  # whether the constructor takes the parameters
    method: str = ""  # that makes a step; "" for a function
    roles: dict[str, str] = field(default_factory=dict)  # of each argument, by its name

    def has(self, role: str) -> bool:
        """Whether it is given such an argument."""
        return role in self.roles.values()


def optimizer_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function of this name is checked as, if it is an optimiser."""
    word, shorter = "", name.lower()
    while word != shorter:
        word, shorter = shorter, _ADDED.sub("", shorter)
    torchs = [one for one in handmade.optim.__all__ if one != "Optimizer"]
    found = [one for one in torchs if one.lower() in word]
    known = max(found, key=len, default="SGD" if SGDS.search(word) else "")
    if inspect.isclass(value):
        fits = bool(word) and any(hasattr(value, method) for method in METHODS[:-3])
    else:
        roles = {*map(_role, taken_in_order(value))}
        fits = "parameters" in roles and ("gradients" in roles or bool(word))
    return Definition(name, known, "optimizer", value) if known and fits else None


def as_torchs(definition: Definition) -> Definition:
    """The same with a `make` that takes parameters and torch's options.

    Raises:
        NotTested: no form could be run.
    """
    make, options = definition.make, _options(definition)
    signature, torchs = _signature(make, options), torchs_defaults(definition)
    needed = [p.name for p in signature.parameters.values() if p.default is p.empty]
    given = _as_own({n: torchs[n] for n in needed if n in options}, options)
    lr_names = [options.get("lr", "lr"), "learning_rate", "step_size"]
    lr_names += NAMES["optimizers"]["lr"].split()
    tried = ["it has none of the methods " + ", ".join(METHODS)]
    most, form = -1, Form("objects")
    for each in _forms(make, {n for names in options.values() for n in names.split()}):
        try:
            moved = _moved(make, each, given)
        except Exception as error:
            call = f"{each.method or 'called with'}({', '.join(each.roles)})"
            tried.append(f"{call} on {each.container}: {wording.raised(error)}")
            # What torch's own form raises may be a mistake: the check will tell.
            moved = 0 if each == Form("objects", True, each.method) else -1
        if moved > most:
            most, form = moved, each
        if most == 2:
            break
    if most < 0:
        raise NotTested(
            "its form was not understood; give it step(); tried: " + tried[:2][-1]
        )

    def made(params: Any, **given: Any) -> Adapted:
        return Adapted(make, form, params, _as_own(given, options), lr_names)

    made.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
    made.form = form  # pyright: ignore[reportFunctionMemberAccess]
    return replace(definition, make=made)


def _moved(make: Any, form: Form, options: dict[str, Any]) -> int:
    """How many of two parameters move in two steps."""
    rng = np.random.default_rng(0)
    before = [rng.normal(size=shape) for shape in ((3, 2), (2,))]
    give, parameter = giver(form.container)
    params = [parameter(give(a)) for a in before]
    optimizer = Adapted(make, form, params, options, [])
    for _ in range(2):
        for p in params:
            p.grad = give(np.ones(p.shape))
        optimizer.step()
    pairs = [(to_numpy(p.data), a) for p, a in zip(params, before, strict=True)]
    if any(new.shape != old.shape for new, old in pairs):
        raise ValueError("the parameters change their shapes")
    return sum(not np.array_equal(new, old) for new, old in pairs)


def _forms(make: Any, options: set[str]) -> Iterator[Form]:
    """Every form that it may have, by its signature."""
    if not inspect.isclass(make):
        roles = _roles(make, options)
        for container in ARRAYS if "gradients" in roles.values() else OBJECTS:
            yield Form(container, roles=roles)
        return
    first = next(iter(taken_in_order(make)), "self")
    is_given = first not in options and first != "self"
    for method in METHODS:
        if method not in dir(make) or (
            method == "__call__" and "__call__" not in vars(make)
        ):
            continue
        roles = _roles(getattr(make, method), set(), is_method=True)
        kinds = {*roles.values()}
        containers = ARRAYS if kinds & {"gradients", "pairs"} else OBJECTS
        if "layer" in kinds and not is_given:
            containers = ()
        for container in (*containers, *["layer"] * ("layer" in kinds or is_given)):
            yield Form(container, is_given, method, roles)


def _roles(function: Any, options: set[str], is_method: bool = False) -> dict[str, str]:
    """The role of each argument that has to be given, by its name."""
    parameters = [*inspect.signature(function).parameters.values()][is_method:]
    found: dict[str, str] = {}
    for p in parameters:
        role = _role(p.name)
        is_named = p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        if p.name in options or not is_named:
            continue
        if p.default is p.empty or role in ("count", "config"):
            is_lr = is_method and plain(p.name) in NAMES["optimizers"]["lr"].split()
            found[p.name] = "lr" if is_lr else role
    return found


def _role(name: str) -> str:
    words = NAMES["step arguments"].items()
    return next((r for r, each in words if re.fullmatch(each, plain(name))), "state")


# -- options ---------------------------------------------------------------------------


def _options(definition: Definition) -> dict[str, str]:
    """Its own name of each of torch's options; of betas both, "beta1 beta2"."""
    make, torchs = definition.make, torchs_defaults(definition)
    own = {plain(name): name for name in reversed(taken_in_order(make))}
    if "config" in map(_role, own.values()):
        in_none = set() if definition.name == "SGD" else {"momentum"}
        keys = NAMES["optimizer config"]
        return {o: keys[o] for o in torchs if o in keys.keys() - in_none}
    found: dict[str, str] = {}

    def find(option: str) -> str:
        words = NAMES["optimizers"].get(option, plain(option)).split()
        free = (own[w] for w in words if w in own and own[w] not in found.values())
        return next(free, "")

    for option in torchs:
        name = find(option)
        if option == "betas" and not name:
            name = " ".join(filter(None, (find("beta1"), find("beta2"))))
        if name:
            found[option] = name
    methods = (getattr(make, name) for name in METHODS if hasattr(make, name))
    if any("lr" in _roles(method, set(), True).values() for method in methods):
        found.setdefault("lr", "lr")
    return found


def _as_own(given: dict[str, Any], options: dict[str, str]) -> dict[str, Any]:
    """Options by its own names."""
    own: dict[str, Any] = {}
    for option, value in given.items():
        names = options.get(option, option).split()
        own |= dict(zip(names, value if len(names) > 1 else [value], strict=True))
    return own


def _signature(make: Any, options: dict[str, str]) -> inspect.Signature:
    """Parameters and the options that it takes, under torch's names."""
    own, kind = inspect.signature(make).parameters, inspect.Parameter.KEYWORD_ONLY
    taken = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)]
    for option, names in options.items():
        needed = inspect.Parameter(option, kind)
        defaults = [own.get(name, needed).default for name in names.split()]
        default = tuple(defaults) if len(defaults) > 1 else defaults[0]
        is_needed = needed.default in defaults
        taken.append(needed if is_needed else needed.replace(default=default))
    return inspect.Signature(taken)


# -- parameters in containers ----------------------------------------------------------


class Parameter(handmade.nn.Parameter):
    """A parameter under both names that are in use."""

    value = property(lambda own: own.data, lambda own, new: setattr(own, "data", new))


def _array_of(which: int, name: str) -> Any:
    return property(
        lambda own: getattr(own.params[which], name),
        lambda own, new: setattr(own.params[which], name, new),
    )


class Layer:
    """A layer of a weight and a bias, under all names that are in use."""

    weights = W = w = weight = _array_of(0, "data")
    biases = b = bias = _array_of(1, "data")
    dweights = dW = dw = grad_weight = _array_of(0, "grad")
    dbiases = db = grad_bias = _array_of(1, "grad")

    def __init__(self, params: list[Parameter]) -> None:
        self.params = params


def giver(container: str) -> tuple[Callable[[np.ndarray], Any], Callable[..., Any]]:
    """What makes an array, and a parameter of it, for such a container."""
    return ON_TORCH if container == "torch" else (np.array, Parameter)


def arrays_in(container: str, arrays: list[Any], prefix: str = "") -> Any:
    """Arrays as an array, a list or a dict; the prefix is that of a "d dict"."""
    if container == "one":
        return arrays[0]
    if container == "list":
        return arrays
    prefix = prefix if container == "d dict" else ""
    return {f"{prefix}{'Wb'[n % 2]}{n // 2 + 1}": a for n, a in enumerate(arrays)}


def unpacked(held: Any) -> list[Any]:
    """The arrays in such a container."""
    if isinstance(held, dict):
        return list(held.values())
    return list(held) if isinstance(held, (list, tuple)) else [held]


def split(result: Any, held: Any) -> tuple[Any, list[Any]]:
    """The new container in a result, the old one if there is none, and the rest."""
    is_several = isinstance(result, tuple) and not _is_like(result, held)
    each = [*result] if is_several else [result]
    for one in each:
        if _is_like(one, held):
            new = {name: one[name] for name in held} if isinstance(held, dict) else one
            return new, [other for other in each if other is not one]
    return held, []


def _is_like(one: Any, held: Any) -> bool:
    """Whether something holds the same kind of arrays."""
    if isinstance(held, dict):
        return isinstance(one, dict) and held.keys() <= one.keys()
    rows = (list, tuple)
    if isinstance(held, rows):
        return isinstance(one, rows) and [*map(np.shape, one)] == [*map(np.shape, held)]
    return not isinstance(one, tuple) and np.shape(one) == np.shape(held)


# -- steps -----------------------------------------------------------------------------


class Driver:
    """Makes steps on parameters in one container, with one optimiser of a file."""

    def __init__(self, make: Any, form: Form, params: list[Any], kwargs: Any) -> None:
        self.form, self.params, self.kwargs = form, params, dict(kwargs)
        self.count, self.config, self.state = 0, dict(kwargs), dict[str, Any]()
        self.held: Any = params
        if form.container == "layer":
            self.held = Layer(params)
        if form.container in ARRAYS:
            self.held = arrays_in(form.container, [p.data for p in params])
        given = [self.held] if form.is_given else []
        own = {k: v for k, v in kwargs.items() if k != "lr" or not form.has("lr")}
        self.inner: Any = make(*given, **own) if form.method else None
        self.function: Any = getattr(self.inner, form.method) if form.method else make

    def step(self) -> None:
        """Make one step; the parameters get the new values."""
        self.count += 1
        getattr(self.inner, "pre_update_params", lambda: None)()
        options = {} if self.form.method or self.form.has("config") else self.kwargs
        result = self.function(**self._arguments(), **options)
        getattr(self.inner, "post_update_params", lambda: None)()
        if self.form.container in ARRAYS:
            self.held, others = split(result, self.held)
            self._keep(others)
            for p, array in zip(self.params, unpacked(self.held), strict=True):
                p.data = array

    def _arguments(self) -> dict[str, Any]:
        container, roles = self.form.container, self.form.roles
        gradients = [p.grad for p in self.params]
        given = {"parameters": self.held, "layer": self.held, "batch": 1}
        given |= {"count": self.count, "config": self.config}
        given["lr"] = self.kwargs.get("lr")
        if container in ARRAYS:
            given["gradients"] = arrays_in(container, gradients, "d")
            given["pairs"] = zip(given["gradients"], self.held, strict=False)
        arguments: dict[str, Any] = {}
        for role in dict.fromkeys(roles.values()):
            names = [name for name, own in roles.items() if own == role]
            if role == "state":
                for name in names:
                    zeros = arrays_in(container, [0 * a for a in gradients], "d")
                    arguments[name] = self.state.setdefault(name, zeros)
            elif len(names) > 1:  # w, b, dw, db
                arguments |= dict(zip(names, given[role], strict=True))
            else:
                arguments[names[0]] = given[role]
        return arguments

    def _keep(self, others: list[Any]) -> None:
        """Keep for the next step what it returns beside the parameters."""
        if self.form.has("config") and others:
            self.config = others[0]
        arrays = (other for other in others if not np.isscalar(other))
        names = (name for name, role in self.form.roles.items() if role == "state")
        self.state |= dict(zip(names, arrays, strict=False))

    def zero_grad(self) -> None:
        """Clear the gradients; where it can do that itself, in its way."""
        is_given = self.form.is_given and self.form.container in OBJECTS
        if is_given and hasattr(self.inner, "zero_grad"):
            self.inner.zero_grad()
            return
        for p in self.params:
            p.grad = None

    def set_lr(self, names: list[str], value: float) -> None:
        """Set the learning rate wherever it is kept under one of these names."""
        if self.inner is None or self.form.has("lr"):
            self.kwargs[names[0]] = value
            self.config.update({n: value for n in names if n in self.config})
            return
        owners = [vars(self.inner), *getattr(self.inner, "param_groups", [])]
        found = [n for n in names if any(n in owner for owner in owners)]
        if not found:
            raise NotTested("another lr later: it keeps none under the name lr")
        for owner in owners:
            owner.update({key: value for key in owner if key.endswith(found[0])})


class Adapted:
    """A file's optimiser behind torch's interface; `names` are those of its lr."""

    def __init__(
        self, make: Any, form: Form, params: list[Any], kwargs: Any, names: list[str]
    ) -> None:
        groups = [[p] for p in params] if form.container == "one" else [params]
        self.drivers = [Driver(make, form, own, kwargs) for own in groups]
        self.names = names

    def set_lr(self, value: float) -> None:
        """Set the learning rate."""
        for driver in self.drivers:
            driver.set_lr(self.names, value)

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for driver in self.drivers:
            driver.zero_grad()

    def step(self) -> None:
        """Make one step."""
        for driver in self.drivers:
            driver.step()
