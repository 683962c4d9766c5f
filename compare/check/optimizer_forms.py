"""Optimisers as people write them, driven as torch's: made of parameters, step().

A class may be given its parameters (objects with data and grad, arrays in a list or a
dict) or only its options; its method takes what the names of its arguments say. A
function is given parameters, gradients, its state and options, and returns the new
ones, or changes them. Which form it is shows when it is tried.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

import handmade
from compare.backend import to_numpy
from compare.check import wording
from compare.check.definitions import Definition, NotTested

SGDS = re.compile(r"momentum|nesterov|gradientdescent|^(nag|gd|)$|^param|^weights")
"""What people call forms of SGD, in lower case without what `_ADDED` takes away."""
_ADDED = re.compile(
    r"_|^(optimi[sz]er|my|own|update)|(update|step|optimi[sz]er|optim|own|np|numpy)$"
)
OPTIONS = {
    "lr": "lr learningrate lrate eta rate stepsize lernrate alpha",
    "momentum": "momentum mu beta gamma mom beta1 rho",
    "weight_decay": "weightdecay wd l2 lambda lam l2reg reg",
    "alpha": "alpha rho decayrate beta gamma beta2 decay",
    "rho": "rho decayrate gamma beta alpha decay",
    "eps": "eps epsilon",
    "beta1": "beta1 b1",
    "beta2": "beta2 b2",
}
"""Torch's options, and the names that people give them."""
CONFIG = {
    **{"lr": "learning_rate", "momentum": "momentum", "alpha": "decay_rate"},
    **{"betas": "beta1 beta2", "eps": "epsilon"},
}
"""The options in a dict of them."""
METHODS = (
    *("step", "update", "update_params", "update_parameters", "apply_gradients"),
    *("apply", "optimize", "__call__", "get_updates", "update_weights"),
)
ROLES = (
    ("count", r"t|step|steps|it|iter|iteration|k|n|i|epoch|timestep|counter"),
    ("config", r"config|optstate|optconfig|hyperparams"),
    ("layer", r"layer"),
    ("batch", r"batchsize|batch"),
    ("pairs", r"gradsandvars|paramsandgrads"),
    ("gradients", r"g|gs|gw|.*grad.*|d[a-zw]|dw\d?|dparams?|dtheta|dweights?|delta"),
    ("parameters", r"p|ps|w|ws|x|b|theta|.*param.*|weights?|vars|variables|model|net"),
)
"""What an argument is, by its name; anything else is a part of the state."""
CONTAINERS = ("objects", "torch", "list", "dict", "d dict", "one", "layer")
"""How parameters are given; "d dict": the gradient of W1 is dW1; "one": one by one."""


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
        roles = {*map(_role, _names(value))}
        fits = "parameters" in roles and ("gradients" in roles or bool(word))
    return Definition(name, known, "optimizer", value) if known and fits else None


def as_torchs(definition: Definition) -> Definition:
    """The same with a `make` that takes parameters and torch's options.

    Raises:
        NotTested: no form could be run.
    """
    make, options = definition.make, _options(definition)

    def made(params: Any, **given: Any) -> Adapted:
        own = _as_own(given, options)
        return Adapted(make, form, params, own, options.get("lr", "lr"))

    tried: list[str] = []
    best: tuple[int, Form] | None = None
    rng = np.random.default_rng(0)
    for form in _forms(make, {n for name in options.values() for n in name.split()}):
        params = [Parameter(rng.normal(size=s)) for s in ((3, 2), (2,))]
        before = [p.data.copy() for p in params]
        try:
            optimizer = made(params, **_needed(definition, options))
            for _ in range(2):
                for p in params:
                    p.grad = np.ones_like(p.data)
                optimizer.step()
            moved = [not np.array_equal(p.data, a) for p, a in zip(params, before)]
            if any(p.data.shape != a.shape for p, a in zip(params, before)):
                raise ValueError("the parameters change their shapes")
        except Exception as error:
            tried.append(f"{form}: {wording.raised(error)}")
            if form.is_torchs and best is None:
                best = 0, form
            continue
        if best is None or sum(moved) > best[0]:
            best = sum(moved), form
        if all(moved):
            break
    if best is None:
        what = "; ".join(tried[-2:]) or "it has none of the methods " + ", ".join(METHODS)
        raise NotTested(f"its form was not understood; give it step(); tried: {what}")
    form = best[1]
    made.__signature__ = _signature(make, options)  # pyright: ignore
    made.form = form  # pyright: ignore
    return replace(definition, make=made)


def may_lack_a_gradient(make: Any) -> bool:
    """Whether parameters are objects, whose gradient may be None."""
    return make.form.container in CONTAINERS[:2]


@dataclass(frozen=True)
class Form:
    """How an optimiser is given its parameters, and how it makes a step."""

    container: str  # one of `CONTAINERS`
    is_given: bool = False  # whether the constructor takes the parameters
    method: str = ""  # that makes a step; "" for a function
    roles: tuple[tuple[str, str], ...] = ()  # of each argument of the method

    @property
    def is_torchs(self) -> bool:
        """Whether it is made of objects, and a step takes no argument."""
        return self.is_given and self.container == "objects" and not self.roles

    def has(self, role: str) -> bool:
        """Whether it is given such an argument."""
        return any(role == own for _, own in self.roles)

    def __str__(self) -> str:
        arguments = ", ".join(name for name, _ in self.roles)
        made = f"made of {self.container}, " if self.is_given else ""
        return f"{made}{self.method or 'called with'}({arguments}) on {self.container}"


def _forms(make: Any, options: set[str]) -> Iterator[Form]:
    """Every form that it may have, by its signature."""
    if not inspect.isclass(make):
        roles = _roles(make, options)
        has_gradients = "gradients" in dict(roles).values()
        for container in CONTAINERS[2:6] if has_gradients else CONTAINERS[:2]:
            yield Form(container, roles=roles)
        return
    first = next(iter(_names(make)), "")
    is_given = first not in options and first != "self" and bool(first)
    for method in METHODS:
        if (function := getattr(make, method, None)) is None or (
            method == "__call__" and "__call__" not in vars(make)
        ):
            continue
        roles = _roles(function, set(), skip=1)
        kinds = {role for _, role in roles}
        objects = not kinds & {"gradients", "pairs"}
        for container in CONTAINERS[: 2 if objects else None] + ("layer",):
            if ("layer" in kinds) == (container == "layer") or is_given:
                yield Form(container, is_given, method, roles)


def _names(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _roles(
    function: Any, options: set[str], skip: int = 0
) -> tuple[tuple[str, str], ...]:
    """The name and role of each argument that has to be given."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    return tuple(
        (p.name, "lr" if skip and _plain(p.name) in OPTIONS["lr"].split() else role)
        for p in parameters
        if p.name not in options and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        for role in [_role(p.name)]
        if p.default is p.empty or role in ("count", "config")
    )


def _role(name: str) -> str:
    word = _plain(name)
    return next((r for r, words in ROLES if re.fullmatch(words, word)), "state")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


# -- options ---------------------------------------------------------------------------


def _options(definition: Definition) -> dict[str, str]:
    """Its own name of each of torch's options; of betas both, "beta1 beta2"."""
    own = {_plain(name): name for name in reversed(_names(definition.make))}
    found: dict[str, str] = {}

    def find(option: str) -> str:
        words = OPTIONS.get(option, _plain(option)).split()
        free = (own[w] for w in words if w in own and own[w] not in found.values())
        return next(free, "")

    torchs = _names(getattr(handmade.optim, definition.name))[1:]
    if "config" in map(_role, own.values()):
        in_none = set() if definition.name == "SGD" else {"momentum"}
        return {o: CONFIG[o] for o in torchs if o in CONFIG.keys() - in_none}
    for option in torchs:
        name = find(option)
        if option == "betas" and not name:
            name = " ".join(filter(None, (find("beta1"), find("beta2"))))
        if name:
            found[option] = name
    return found


def _as_own(given: dict[str, Any], options: dict[str, str]) -> dict[str, Any]:
    """Options by its own names."""
    own: dict[str, Any] = {}
    for option, value in given.items():
        names = options.get(option, option).split()
        own |= dict(zip(names, value)) if len(names) > 1 else {names[0]: value}
    return own


def _needed(definition: Definition, options: dict[str, str]) -> dict[str, Any]:
    """Torch's defaults of the options that have none here."""
    torchs = inspect.signature(getattr(handmade.optim, definition.name)).parameters
    signature = _signature(definition.make, options)
    own = [p.name for p in signature.parameters.values() if p.default is p.empty]
    return {name: torchs[name].default for name in own if name in options}


def _signature(make: Any, options: dict[str, str]) -> inspect.Signature:
    """Parameters and the options that it takes, under torch's names."""
    own, kind = inspect.signature(make).parameters, inspect.Parameter.KEYWORD_ONLY
    taken = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)]
    for option, names in options.items():
        empty = inspect.Parameter(option, kind)
        defaults = tuple(own.get(name, empty).default for name in names.split())
        default = defaults if len(defaults) > 1 else defaults[0]
        if inspect.Parameter.empty in defaults:
            default = inspect.Parameter.empty
        taken.append(inspect.Parameter(option, kind, default=default))
    return inspect.Signature(taken)


# -- steps -----------------------------------------------------------------------------


class Parameter(handmade.nn.Parameter):
    """A parameter under both names that are in use."""

    value = property(lambda own: own.data, lambda own, new: setattr(own, "data", new))


class Layer:
    """A layer of a weight and a bias, under all names that are in use."""

    ARRAYS = ("weights W w weight", "biases b bias")
    GRADIENTS = ("dweights dW dw grad_weight", "dbiases db grad_bias")

    def put(self, names: tuple[str, ...], arrays: list[np.ndarray]) -> None:
        """Let it have these arrays."""
        for words, array in zip(names, arrays, strict=True):
            vars(self).update(dict.fromkeys(words.split(), array))

    def take(self, old: list[np.ndarray]) -> list[np.ndarray]:
        """Its arrays, of which some name may hold a new one."""
        found = []
        for words, before in zip(self.ARRAYS, old, strict=True):
            own = [getattr(self, word) for word in words.split()]
            new = (array for array in own if not np.array_equal(array, before))
            found.append(next(new, own[0]))
        self.put(self.ARRAYS, found)
        return found


class Driver:
    """Makes steps on parameters in one container, with one optimiser of a file."""

    def __init__(self, make: Any, form: Form, params: list[Any], kwargs: Any) -> None:
        self.make, self.form, self.params, self.kwargs = make, form, params, kwargs
        self.count, self.config, self.states = 0, dict(kwargs), {}
        self.held = self._container([p.data for p in params])
        given = [self.held] if form.is_given else []
        self.inner = make(*given, **kwargs) if form.method else None

    def _container(self, arrays: list[Any], prefix: str = "") -> Any:
        kind = self.form.container
        if kind == "objects":
            return self.params
        if kind == "torch":
            return [torch.nn.Parameter(torch.tensor(array)) for array in arrays]
        if kind == "one":
            return arrays[0]
        if kind.endswith("dict"):
            return {
                f"{prefix}{'Wb'[n % 2]}{n // 2 + 1}": a for n, a in enumerate(arrays)
            }
        if kind == "layer":
            layer = Layer()
            layer.put(layer.ARRAYS, arrays)
            return layer
        return list(arrays)

    def set_lr(self, names: list[str], value: float) -> bool:
        """Set the learning rate wherever it is kept; whether it is kept anywhere."""
        if self.inner is None:
            self.kwargs[names[0]] = value
        owners = [getattr(self.inner, "__dict__", {}), self.config]
        owners += [self.kwargs, *getattr(self.inner, "param_groups", [])]
        is_kept = self.inner is None or self.form.has("lr")
        owners = owners if is_kept else [owners[0], *owners[3:]]
        found = [n for n in names if any(n in owner for owner in owners)]
        for owner in owners if found else ():
            owner.update({key: value for key in owner if key.endswith(found[0])})
        return bool(found)

    def step(self) -> None:
        """Make one step; parameters take over the new values."""
        self.count += 1
        kind, before = self.form.container, [p.data.copy() for p in self.params]
        grads = [p.grad for p in self.params]
        if kind == "torch":
            for own, grad in zip(self.held, grads, strict=True):
                own.grad = None if grad is None else torch.tensor(grad)
        if kind == "layer":
            self.held.put(Layer.GRADIENTS, grads)
        in_objects = kind in CONTAINERS[:2]
        given = None if in_objects else self._container(grads, "d" * (kind == "d dict"))
        result = self._call(self.held if kind == "layer" else given)
        if in_objects:
            new = [to_numpy(p.data) for p in self.held]
        elif kind == "layer":
            new = self.held.take(before)
        elif kind == "one":
            self.held = result
            new = [result]
        elif isinstance(self.held, dict):
            self.held.update(result)
            new = list(self.held.values())
        else:
            self.held[:] = new = list(result)
        for p, array in zip(self.params, new, strict=True):
            p.data = np.array(array) if kind == "torch" else array

    def _call(self, gradients: Any) -> Any:
        """Call it; the container of the new parameters."""
        given = {"parameters": self.held, "layer": self.held, "gradients": gradients}
        given |= {"count": self.count, "config": self.config, "batch": 1}
        given["lr"] = self.kwargs.get("lr")
        if self.form.has("pairs"):
            given["pairs"] = zip(gradients, self.held, strict=True)
        arguments: dict[str, Any] = {}
        for role in dict.fromkeys(role for _, role in self.form.roles):
            names = [name for name, own in self.form.roles if own == role]
            if role == "state":
                zeros = {n: _zeros(gradients) for n in names if n not in self.states}
                self.states |= zeros
                arguments |= self.states
            elif len(names) > 1:  # w, b, dw, db
                arguments |= dict(zip(names, given[role], strict=True))
            else:
                arguments[names[0]] = given[role]
        if self.inner is None:
            options = {} if self.form.has("config") else self.kwargs
            return self._taken(self.make(**arguments, **options))
        getattr(self.inner, "pre_update_params", lambda: None)()
        result = getattr(self.inner, self.form.method)(**arguments)
        getattr(self.inner, "post_update_params", lambda: None)()
        return self._taken(result)

    def _taken(self, result: Any) -> Any:
        """The parameters in a result; a new state goes where it belongs."""
        if isinstance(result, tuple) and result and _is_like(result[0], self.held):
            result, *others = result
            if self.form.has("config") and others:
                self.config = others[0]
            arrays = (other for other in others if not np.isscalar(other))
            names = (name for name, role in self.form.roles if role == "state")
            self.states |= dict(zip(names, arrays, strict=False))
        return result if _is_like(result, self.held) else self.held


class Adapted:
    """A file's optimiser behind torch's interface."""

    def __init__(
        self, make: Any, form: Form, params: list[Any], kwargs: Any, lr: str
    ) -> None:
        apart = [[p] for p in params] if form.container == "one" else [params]
        self.drivers = [Driver(make, form, own, dict(kwargs)) for own in apart]
        self.names = [lr, "learning_rate", "step_size", *OPTIONS["lr"].split()]
        if form.is_given and hasattr(self.drivers[0].inner, "zero_grad"):
            self.zero_grad = self._zero_grad

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "lr" and not all(d.set_lr(self.names, value) for d in self.drivers):
            raise NotTested("another lr later: it keeps none under the name lr")
        super().__setattr__(name, value)

    def _zero_grad(self) -> None:
        (driver,) = self.drivers
        driver.inner.zero_grad()
        for p, own in zip(driver.params, driver.held, strict=True):
            p.grad = getattr(own, "grad", None)

    def step(self) -> None:
        """Make one step."""
        for driver in self.drivers:
            driver.step()


def _zeros(like: Any) -> Any:
    if isinstance(like, dict):
        return {name: np.zeros_like(array) for name, array in like.items()}
    if isinstance(like, list):
        return [np.zeros_like(array) for array in like]
    return np.zeros_like(like)


def _is_like(one: Any, held: Any) -> bool:
    """Whether something holds the same kind of arrays."""
    if isinstance(held, dict):
        return isinstance(one, dict) and held.keys() <= one.keys()
    if isinstance(held, list):
        shapes = [np.shape(array) for array in held]
        is_row = isinstance(one, (list, tuple))
        return is_row and [np.shape(array) for array in one] == shapes
    return np.shape(one) == np.shape(held)
