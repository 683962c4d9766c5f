"""Optimizers as people write them, behind torch's interface.

A form says what holds the parameters, whether the constructor takes them, which method
makes a step ("" for a function, which returns the new parameters or changes them), and
what each of its arguments is. It is found by names, and by trying: the first form in
which two steps move every parameter.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import handmade
from compare.backend import to_numpy
from compare.check import wording
from compare.check.arguments import torchs_defaults
from compare.check.definitions import (
    CALLS,
    NAMES,
    Definition,
    NotTested,
    find,
    method_of,
    plain,
)
from compare.check.signatures import arguments_of, code_of, defaults
from compare.check.trajectories import ON_TORCH

OBJECTS = ("objects", "torch")
"""Containers of parameters that have data and grad."""
ARRAYS = ("list", "dict", "d dict", "one")
"""Containers of arrays; "d dict": the gradient of W1 is dW1; "one": one by one."""
METHODS = CALLS["optimizer step"]
FRACTIONS = {"SGD": "momentum", "RMSprop": "alpha", "Adadelta": "rho"}
"""The one option of each that is a fraction of the past."""
LR_NAMES = ["lr", "learning_rate", "step_size", *NAMES["optimizers"]["lr"].split()]
SGDS = re.compile(
    r"momentum|impuls|nesterov|gradientdescent|gradientenabstieg|^(nag|gd)$|^param|^weights"
)
"""What people call forms of SGD, in lower case without what `_ADDED` takes away."""
_ADDED = re.compile(
    r"_|^(optimi[sz]er|my|own|update)|(update|step|optimi[sz]er|optim|own|np|numpy)$"
)


@dataclass(frozen=True)
class Form:
    """How an optimizer is given its parameters, and how it makes a step."""

    container: str  # one of `OBJECTS` or `ARRAYS`, or "layer"
    is_given: bool  # whether the constructor takes the parameters
    method: str
    roles: dict[str, str]  # of each argument of the step, by its name

    def __contains__(self, role: str) -> bool:
        return role in self.roles.values()

    def __str__(self) -> str:
        call = f"{self.method or 'called with'}({', '.join(self.roles)})"
        return f"{call} on {self.container}"

    def named(self, role: str) -> list[str]:
        """The arguments of this role."""
        return [name for name, own in self.roles.items() if own == role]


def optimizer_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function of this name is checked as, if it is an optimizer."""
    word, shorter = "", name.lower()
    while word != shorter:
        word, shorter = shorter, _ADDED.sub("", shorter)
    torchs = (one for one in handmade.optim.__all__ if one.lower() in word)
    by_word = "SGD" if SGDS.search(word) else ""
    known = max({*torchs} - {"Optimizer"}, key=len, default=by_word)
    if inspect.isclass(value):
        fits = bool(word) and bool(find(value, METHODS[:-3]))
    else:
        roles = {*map(_role, arguments_of(value))}
        fits = "parameters" in roles and ("gradients" in roles or bool(word))
    return Definition(name, known, "optimizer", value) if known and fits else None


def as_torchs(definition: Definition) -> Definition:
    """The same with a `make` that takes parameters and torch's options.

    Raises:
        NotTested: no form could be run.
    """
    make, options = definition.make, _options(definition)
    form = _form(definition, options)

    def made(params: Any, **given: Any) -> Any:
        own = _as_own(given, options)
        return _adapted(make, form, params, own, options.get("lr", "lr"))

    made.__signature__ = _signature(make, options)  # pyright: ignore[reportFunctionMemberAccess]
    made.form = form  # pyright: ignore[reportFunctionMemberAccess]
    return replace(definition, make=made)


def _form(definition: Definition, options: dict[str, str]) -> Form:
    """The form in which it moves most parameters."""
    make, torchs = definition.make, torchs_defaults(definition)
    parameters = _signature(make, options).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty} & options.keys()
    given = _as_own({name: torchs[name] for name in needed}, options)
    tried = ["it has none of the methods " + ", ".join(METHODS)]
    best: dict[int, Form] = {}
    for form in _forms(make, " ".join(options.values()).split()):
        try:
            best.setdefault(_moved(make, form, given), form)
        except Exception as error:
            tried.append(f"{form}: {wording.raised(error)}")
            is_torchs = form.container == "objects" and form.is_given and not form.roles
            if is_torchs or isinstance(error, ZeroDivisionError):
                best.setdefault(0, form)  # the error may be a mistake
        if 2 in best:
            break
    if not best:
        words = f"its form was not understood; give it step(); tried: {tried[:2][-1]}"
        raise NotTested(words)
    return best[max(best)]


def _moved(make: Any, form: Form, options: dict[str, Any]) -> int:
    """How many of two parameters move in two steps."""
    give, parameter = giver(form.container)
    before = [np.linspace(-1.0, 2.0, 6).reshape(3, 2), np.array([0.7, -0.4])]
    params = [parameter(give(a)) for a in before]
    optimizer = _adapted(make, form, params, options)
    for _ in range(2):
        for p in params:
            p.grad = give(np.ones(p.shape))
        optimizer.step()
    pairs = [(to_numpy(p.data), a) for p, a in zip(params, before, strict=True)]
    if any(new.shape != old.shape for new, old in pairs):
        raise ValueError("the parameters change their shapes")
    return sum(not np.array_equal(*pair) for pair in pairs)


def _forms(make: Any, options: list[str]) -> Iterator[Form]:
    """Every form that it may have, by its signature."""
    if not inspect.isclass(make):
        roles = _roles(make, options)
        for container in ARRAYS if "gradients" in roles.values() else OBJECTS:
            yield Form(container, False, "", roles)
        return
    first = next(iter(arguments_of(make)), "self")
    is_given = first not in options and first != "self"
    for method in filter(None, (method_of(make, (name,)) for name in METHODS)):
        roles = _roles(getattr(make, method), [], is_method=True)
        kinds, containers = {*roles.values()}, ["layer"]
        if is_given or "layer" not in kinds:
            of_arrays = kinds & {"gradients", "pairs"}
            containers = [*(ARRAYS if of_arrays else OBJECTS), *["layer"] * is_given]
        for container in containers:
            yield Form(container, is_given, method, roles)


def _roles(
    function: Any, options: list[str], is_method: bool = False
) -> dict[str, str]:
    """The role of each argument that has to be given, by its name."""
    found: dict[str, str] = {}
    for p in [*inspect.signature(function).parameters.values()][is_method:]:
        role = _role(p.name)
        is_named = p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        is_needed = p.default is p.empty or role in ("count", "config")
        if p.name not in options and is_named and is_needed:
            is_lr = is_method and plain(p.name) in LR_NAMES
            found[p.name] = "lr" if is_lr else role
    return found


def _role(name: str) -> str:
    words = NAMES["step arguments"].items()
    return next((r for r, each in words if re.fullmatch(each, plain(name))), "state")


# -- options ---------------------------------------------------------------------------


def _options(definition: Definition) -> dict[str, str]:
    """Its own name of each of torch's options; of betas both, "beta1 beta2"."""
    make, torchs = definition.make, torchs_defaults(definition)
    own = {plain(name): name for name in reversed(arguments_of(make))}
    if "config" in map(_role, own.values()):
        keys = NAMES["optimizer config"]
        unknown = {"momentum"} if definition.name != "SGD" else set[str]()
        code, known = code_of(make), keys.keys() - unknown
        is_read = {o: all(key in code for key in keys[o].split()) for o in known}
        return {o: keys[o] for o in torchs if is_read.get(o)}
    found: dict[str, str] = {}

    def own_name(option: str) -> str:
        words = NAMES["optimizers"].get(option, plain(option)).split()
        free = (own[w] for w in words if w in own and own[w] not in found.values())
        return next(free, "")

    for option in torchs:
        name = own_name(option)
        if option == "betas" and not name:
            name = " ".join(filter(None, (own_name("beta1"), own_name("beta2"))))
        if name:
            found[option] = name
    taken = " ".join(found.values()).split()
    left = [n for n, v in defaults(make).items() if _is_fraction(v) and n not in taken]
    if (fraction := FRACTIONS.get(definition.name)) and len(left) == 1:
        found.setdefault(fraction, left[0])  # whatever it is called
    methods = filter(None, (find(make, (name,)) for name in METHODS))
    if any("lr" in _roles(method, [], True).values() for method in methods):
        found.setdefault("lr", "lr")
    return found


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) and 0.5 <= value < 1


def _as_own(given: dict[str, Any], options: dict[str, str]) -> dict[str, Any]:
    """Options by its own names."""
    own: dict[str, Any] = {}
    for option, value in given.items():
        names = options.get(option, option).split()
        own |= dict(zip(names, value if len(names) > 1 else [value], strict=True))
    return own


def _signature(make: Any, options: dict[str, str]) -> inspect.Signature:
    """Parameters and the options that it takes, under torch's names."""
    own, empty = inspect.signature(make).parameters, inspect.Parameter.empty
    taken = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)]
    for option, names in options.items():
        each = [own[n].default if n in own else empty for n in names.split()]
        default = tuple(each) if len(each) > 1 and empty not in each else each[0]
        default = empty if empty in each else default
        kind = inspect.Parameter.KEYWORD_ONLY
        taken.append(inspect.Parameter(option, kind, default=default))
    return inspect.Signature(taken)


# -- parameters in containers ----------------------------------------------------------


class Parameter(handmade.nn.Parameter):
    """A parameter under both names that are in use."""

    value = property(lambda own: own.data, lambda own, new: setattr(own, "data", new))


class Layer:
    """A layer of a weight and a bias, under all names that are in use."""

    def __init__(self, params: list[Parameter]) -> None:
        self.params = params

    @staticmethod
    def _array(which: int, name: str) -> Any:
        return property(
            lambda own: getattr(own.params[which], name),
            lambda own, new: setattr(own.params[which], name, new),
        )

    weights = W = w = weight = _array(0, "data")
    biases = b = bias = _array(1, "data")
    dweights = dW = dw = grad_weight = _array(0, "grad")
    dbiases = db = grad_bias = _array(1, "grad")


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
    if isinstance(held, list):
        kinds = (list, tuple)
        return isinstance(one, kinds) and [*map(np.shape, one)] == [
            *map(np.shape, held)
        ]
    return not isinstance(one, tuple) and np.shape(one) == np.shape(held)


# -- steps -----------------------------------------------------------------------------


class Adapted:
    """A file's optimizer in its form, behind torch's interface."""

    def __init__(
        self, make: Any, form: Form, params: list[Any], options: Any, lr: str = "lr"
    ) -> None:
        self.form, self.params, self.options = form, params, dict(options)
        self.count, self.state, self.lr_names = 0, dict[str, Any](), [lr, *LR_NAMES]
        self.held: Any = Layer(params) if form.container == "layer" else params
        if form.container in ARRAYS:
            self.held = arrays_in(form.container, [p.data for p in params])
        own = {k: v for k, v in options.items() if k != "lr" or "lr" not in form}
        self.inner: Any = (
            make(*[self.held][: form.is_given], **own) if form.method else None
        )
        self.function = getattr(self.inner, form.method) if form.method else make

    def step(self) -> None:
        """Make one step; the parameters get the new values."""
        self.count += 1
        getattr(self.inner, "pre_update_params", lambda: None)()
        options = {} if self.form.method or "config" in self.form else self.options
        result = self.function(**self._arguments(), **options)
        getattr(self.inner, "post_update_params", lambda: None)()
        if self.form.container in ARRAYS:
            self.held, others = split(result, self.held)
            self._keep(others)
            for p, array in zip(self.params, unpacked(self.held), strict=True):
                p.data = array

    def _arguments(self) -> dict[str, Any]:
        form, grads = self.form, [p.grad for p in self.params]
        given = {"parameters": self.held, "layer": self.held, "batch": 1}
        given |= {"count": self.count, "config": self.options}
        given["lr"] = self.options.get("lr")
        if form.container in ARRAYS:
            given["gradients"] = arrays_in(form.container, grads, "d")
            given["pairs"] = zip(given["gradients"], self.held, strict=False)
        arguments: dict[str, Any] = {}
        for name in form.named("state"):
            zeros = arrays_in(form.container, [0 * a for a in grads], "d")
            arguments[name] = self.state.setdefault(name, zeros)
        for role in {*form.roles.values()} - {"state"}:
            names = form.named(role)
            # Of several (w, b, dw, db) each gets its own.
            each = given[role] if len(names) > 1 else [given[role]]
            arguments |= dict(zip(names, each, strict=True))
        return arguments

    def _keep(self, others: list[Any]) -> None:
        """Keep for the next step what it returns beside the parameters."""
        if "config" in self.form and others:
            self.options = others[0]
        arrays = (other for other in others if not np.isscalar(other))
        self.state |= dict(zip(self.form.named("state"), arrays, strict=False))

    def zero_grad(self) -> None:
        """Clear the gradients; where it can do that itself, in its way."""
        is_given = self.form.is_given and self.form.container in OBJECTS
        if is_given and hasattr(self.inner, "zero_grad"):
            self.inner.zero_grad()
            return
        for p in self.params:
            p.grad = None

    def set_lr(self, value: float) -> None:
        """Set the learning rate wherever it is kept under one of its names."""
        if self.inner is None or "lr" in self.form:
            names = [n for n in self.lr_names if n in self.options]
            self.options |= dict.fromkeys(names or self.lr_names[:1], value)
            return
        owners = [vars(self.inner), *getattr(self.inner, "param_groups", [])]
        found = [n for n in self.lr_names if any(n in owner for owner in owners)]
        if not found:
            raise NotTested("another lr later: it keeps none under the name lr")
        for owner in owners:
            owner.update({key: value for key in owner if key.endswith(found[0])})


class OneByOne:
    """An optimizer for each parameter, behind the interface of one."""

    def __init__(self, each: list[Adapted]) -> None:
        self.each = each

    def __getattr__(self, name: str) -> Any:
        return lambda *args: [getattr(one, name)(*args) for one in self.each]


def _adapted(make: Any, form: Form, params: list[Any], *options: Any) -> Any:
    if form.container == "one":
        return OneByOne([Adapted(make, form, [p], *options) for p in params])
    return Adapted(make, form, params, *options)
