"""A whole net of a file: its parameters θ, and calling its passes, losses and step.

A net is an instance of a class, or functions and the parameters they take. What an
argument is for is told by its name (names.toml, [training]), or by its place.
"""

import copy
import inspect
import itertools
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from compare.check import definitions
from compare.check.definitions import CALLS, MODULE, NAMES, NotTested, plain
from compare.check.net_layers import Array, weights_of

Values = dict[str, Array]
LR = 0.5
FORWARDS = CALLS["forward"] + CALLS["predict"]
BACKWARDS = CALLS["backward"] + CALLS["backward of a net"]
find = partial(definitions.find, private=True)
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "rows": lambda a: a,
    "columns": lambda a: a.T,
    "rows, one by one": lambda a: a,
    "rows of shape (1, n), one by one": lambda a: a[:, None, :],
    "columns, one by one": lambda a: a[:, :, None],
    "a vector": lambda a: a[0],
    "a column": lambda a: a[0][:, None],
}
"""How a batch is given; "one by one" where the forward pass takes one example."""
RETURNED = "what its step returns"
_ROLES = {n: role for role, names in NAMES["training"].items() for n in names.split()}
_TRAINS = re.compile(
    r"^(train|fit|sgd|gradientdescent|lern|gradientenabstieg)(?!.*(split|data|set))"
    r"|(regression|train|fit)$"
)
"""The names of functions that train; "train_test_split" does not."""
_OF_GRADIENT = re.compile(
    r"\bgrad\w*\.|\bd_?(?=[A-Z]|[wb]\d*$|weight|bias)|_?[Gg]rad(ient)?s?_?"
)


class NotSummed(Exception):
    """A step makes biases larger: they get a gradient for each example."""


@dataclass(frozen=True)
class Net:
    """A net of a file, ready to be run; θ are its parameters as one vector."""

    state: Any  # the instance; or an object with functions, and `params`
    functions: dict[str, Any] = field(default_factory=dict)  # its losses among others
    train: str = ""  # the method that takes a whole step, if there is one
    data: dict[str, str] = field(default_factory=dict)  # roles of some attributes
    layout: str = "rows"
    to_target: Callable[[Any], Any] = lambda t: t
    names: tuple[str, ...] = ()  # of the parameters; () if they are not known
    sets_itself: bool = False  # whether each training begins with its own parameters
    place: int = -1  # of the output among the arrays that the forward pass returns
    penalty: float = 0.1  # the factor of its penalty, if it takes one

    @cached_property
    def own(self) -> Values:
        """Its parameters by name, as they are at first."""
        found = read(self.state)
        names = self.names or [n for n in found if not _OF_GRADIENT.search(n)]
        return {n: found[n] for n in names if n not in self.data}

    @cached_property
    def parts(self) -> Values:
        """Where the entries of each parameter are in θ."""
        ends = np.cumsum([a.size for a in self.own.values()])
        pairs = zip(self.own.items(), ends, strict=True)
        return {n: np.arange(e - a.size, e).reshape(a.shape) for (n, a), e in pairs}

    def drawn(self, seed: int) -> Array:
        """Random θ, or its own if it sets them itself."""
        own = np.concatenate([np.zeros(0), *map(np.ravel, self.own.values())])
        rng = np.random.default_rng(seed)
        return own if self.sets_itself else rng.normal(0, 0.7, own.shape)

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The roles of its attributes that are numbers, or its data."""
        found = vars(self.state).items()
        numbers = {n: role_of(n) for n, a in found if isinstance(a, (int, float))}
        return numbers | self.data

    @cached_property
    def roles(self) -> set[str]:
        """The roles of the arguments of its step, and of its attributes."""
        steps = [(self.train,)] if self.train else [BACKWARDS, CALLS["update"]]
        told = [roles_of(f) for names in steps if (f := find(self.state, names))]
        return {*self.attributes.values()}.union(*told)

    @cached_property
    def lr(self) -> float:
        """The learning rate that it is given; 1 if it takes none."""
        return LR if "lr" in self.roles else 1.0

    @cached_property
    def learns(self) -> bool:
        """Whether the file changes the parameters, and not only returns gradients."""
        return bool(self.train or find(self.state, CALLS["update"]) or self.lr != 1)

    def ready(self, theta: Any, x: Array, target: Any = None, **more: Any) -> Any:
        """A copy of the state with these parameters, and what can be given, by role."""
        state = copy.deepcopy(self.state)
        _write(state, {n: theta[part] for n, part in self.parts.items()})
        is_torch = any(torch.is_tensor(owner[key]) for _, owner, key in _leaves(state))
        shape, give = LAYOUTS[self.layout], torch.tensor if is_torch else np.asarray
        known = {"lr": self.lr, "one": 1, "all": len(x), "penalty": self.penalty}
        known |= {"x": give(shape(x.copy()))} | more
        if target is not None:
            known["target"] = known["g"] = give(self.to_target(shape(target.copy())))
            with suppress(TypeError):
                known["pairs"] = [*zip(known["x"], known["target"], strict=False)]
        for name, role in self.attributes.items():
            if role in known.keys() & {"lr", "one", "penalty", *self.data.values()}:
                setattr(state, name, known[role])
        return state, known | _params(state)

    def output(self, theta: Array, x: Array) -> Array:
        """What its own forward pass gives, one example a row."""
        state, known = self.ready(theta, x)
        if "one by one" in self.layout:
            each = (
                _forward(state, known | {"x": one}, self.place) for one in known["x"]
            )
            return np.stack([np.ravel(results["prediction"]) for results in each])
        out = _forward(state, known, self.place)["prediction"]
        is_columns = out.ndim > 1 and out.shape[-1] == len(x) != len(out)
        return out.T if is_columns else out.reshape(len(x), -1)

    def acting(self, x: Array) -> tuple[str, ...]:
        """The parameters on which the output depends; all if there is no output."""
        theta, rng = self.drawn(0), np.random.default_rng(2)
        if not find(self.state, FORWARDS):
            return (*self.parts,)
        output = self.output(theta, x)
        if not np.array_equal(self.output(theta, x), output, equal_nan=True):
            raise NotTested("its output is random, by dropout, say")
        found: dict[str, None] = {}
        for (name, part), h in itertools.product(self.parts.items(), (1, 5, 5)):
            moved = theta.copy()
            moved[part] = rng.normal(0, h, part.shape)
            if not np.array_equal(self.output(moved, x), output):
                found[name] = None
        return (*found,)

    def step(self, theta: Array, x: Array, target: Array, steps: int = 1) -> Any:
        """θ after a step, and what the step returns (its loss, perhaps)."""
        state, known = self.ready(theta, x, target)
        np.random.seed(0)  # noqa: NPY002
        result = None
        with _unshuffled():
            for _ in range(steps):
                before = read(state)
                result = self._step(state, known | _params(state))
                self._learn(state, before, result)
        found = read(state)
        after = [(n, found[n], part) for n, part in self.parts.items()]
        wide = [n for n, a, part in after if a.size > part.size]
        if wide and not {*wide} & {*weights_of(self.parts)}:
            raise NotSummed(", ".join(wide))
        return np.concatenate([a.reshape(p.shape).ravel() for _, a, p in after]), result

    def _step(self, state: Any, known: dict[str, Any]) -> Any:
        """What its step returns: new parameters or gradients, unless it keeps them."""
        by_place = ("x", "target", "lr")
        if self.train:
            return call(find(state, (self.train,)), known, by_place)
        if zero := find(state, CALLS["zero"]):
            call(zero, known)
        with suppress(NotTested):
            known |= _forward(state, known, self.place)
        grads = call(find(state, BACKWARDS), {"grads": known["g"]} | known, by_place)
        is_pair = isinstance(grads, tuple) and isinstance(grads[0], dict)
        grads = grads[0] if is_pair else grads
        update = find(state, CALLS["update"])
        result = call(update, known | {"grads": grads}, ("lr",)) if update else None
        return grads if result is None else result

    def _learn(self, state: Any, before: Values, result: Any) -> None:
        """Make the parameters those after the step, if it has not done so itself."""
        is_one = isinstance(result, np.ndarray)
        many = result if isinstance(result, tuple) else (result,) * is_one
        arrays = [np.asarray(a) for a in many if not isinstance(a, (list, dict))]
        shapes = [a.shape for a in before.values()]
        for new in (result, *many) if self.learns else ():
            if [*read(new)] == [*before]:
                state.params = new
                return
        after, new = read(state), {}
        if self.train and shapes and [a.shape for a in arrays][: len(shapes)] == shapes:
            new = dict(zip(before, arrays, strict=False))
        elif all(np.array_equal(before[n], after[n]) for n in before):
            gradients = _gradients(before, after, result).items()
            new = {n: before[n] - self.lr * g for n, g in gradients}
        _write(state, new)

    @cached_property
    def losses(self) -> list[str]:
        """The names of its own losses."""
        methods = [n for n in dir(self.state) if plain(n) in CALLS["loss"]]
        return [*dict.fromkeys([*filter(is_loss, self.functions), *methods]), RETURNED]

    def loss(self, name: str, theta: Array, x: Array, target: Array) -> float:
        """The value of one of its losses; NaN if it cannot be computed."""
        with suppress(Exception):
            if name == RETURNED:
                value = self.step(theta, x, target)[1]
                return float(value[-1] if isinstance(value, (tuple, list)) else value)
            state, known = self.ready(theta, x, target)
            with suppress(Exception):
                known |= _forward(state, known, self.place)
            function = self.functions.get(name) or getattr(state, name)
            value = call(function, known, ("prediction", "target"))
            return float(value[0] if isinstance(value, tuple) else value)
        return float("nan")


def _params(state: Any) -> dict[str, Any]:
    """The parameters that functions are given, together and one by one."""
    params = getattr(state, "params", None)
    return {"params": params} | (params if isinstance(params, dict) else {})


def _forward(state: Any, known: dict[str, Any], place: int) -> dict[str, Any]:
    """The results of the forward pass, by role."""
    forward = find(state, FORWARDS)
    if forward is None:
        raise NotTested("it has no forward pass of its own")
    cache = out = call(forward, known, ("x",))
    if out is None:
        out = next(getattr(state, n) for n in CALLS["output"] if hasattr(state, n))
    if isinstance(out, tuple) and len(out) == 2:
        cache = out[1]
    if isinstance(out, (tuple, list)):
        out = ([a for a in out if isinstance(a, np.ndarray)] or [out])[place]
    return {"prediction": np.asarray(out, dtype=float), "cache": cache}


def _gradients(before: Values, after: Values, result: Any) -> Values:
    """Gradients by parameter: returned or kept under its name, or in order."""

    def bare(name: str) -> str:
        return plain(re.sub(r"^\[\d+\]\.", "", _OF_GRADIENT.sub("", name)))

    returned = read(result)
    found = {bare(n): a for n, a in after.items() if _OF_GRADIENT.search(n)}
    found |= {bare(n): a for n, a in returned.items()}
    names = [n for n in before if not _OF_GRADIENT.search(n)]
    by_name = {n: found[bare(n)] for n in names if bare(n) in found}
    is_in_order = not by_name and len(returned) == len(names)
    return dict(zip(names, returned.values(), strict=True)) if is_in_order else by_name


@contextmanager
def _unshuffled() -> Iterator[None]:
    """Where examples are drawn, all are, in their order."""

    def first(many: Any, size: Any = None, *_: Any, **__: Any) -> Any:
        many = np.arange(many) if isinstance(many, (int, np.integer)) else many
        return np.resize(many, len(many) if size is None else size)

    of_numpy = {"choice": first, "permutation": first, "shuffle": np.asarray}
    python = patch.object(random, "shuffle", np.asarray)
    with patch.multiple(np.random, **of_numpy), python:
        yield


def _leaves(tree: Any, name: str = "", path: tuple[int, ...] = ()) -> Iterator[Any]:
    """The name, owner and key of every array of floats in attributes, lists, dicts."""
    if id(tree) in path or len(path) > 5:
        return
    path, is_list = (*path, id(tree)), isinstance(tree, (list, tuple))
    if getattr(type(tree), "__module__", "") == MODULE and hasattr(tree, "__dict__"):
        tree = vars(tree)
    items = (
        tree.items() if isinstance(tree, dict) else enumerate(tree if is_list else ())
    )
    for key, value in items:
        label = f"{name}[{key}]" if is_list else f"{name}.{key}"
        label = re.sub(r"^\.?(params(?=[.[])\.?)?", "", label)
        if _is_parameter(label, value):
            yield label, tree, key
        else:
            yield from _leaves(value, label, path)


def _is_parameter(label: str, value: Any) -> bool:
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return "float" in str(value.dtype)
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], float)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and bool(re.search(r"(^|\W)_?b(ias)?_?\d*\W*$", label))


def read(state: Any) -> Values:
    """Parameters by name, and whatever else is kept in arrays."""
    return {n: np.array(owner[key], float) for n, owner, key in _leaves(state)}


def _write(state: Any, values: Values) -> None:
    for name, owner, key in [*_leaves(state)]:
        if name in values:
            old, new = owner[key], np.array(values[name])
            is_list = isinstance(old, list) or not new.ndim
            array = torch.tensor if torch.is_tensor(old) else np.asarray
            owner[key] = new.tolist() if is_list else array(new)


def call(function: Any, known: dict[str, Any], by_place: tuple[str, ...] = ()) -> Any:
    """Call a function with what its arguments' names stand for; others in order."""
    told, given = roles_of(function), {}
    left = [role for role in by_place if role not in told]
    for p in inspect.signature(function).parameters.values():
        key = p.name if p.name in known else role_of(p.name)
        is_needed = p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        if key not in known and is_needed:
            if not left:
                raise NotTested(f"the argument {p.name} is not understood")
            key = left.pop(0)
        if key in known:
            given[p.name] = known[key]
    return function(**given)


def source(of: Any) -> str:
    """The source of a class, function or module; "" if there is none."""
    with suppress(OSError, TypeError):
        return inspect.getsource(of)
    return ""


def roles_of(function: Any) -> set[str]:
    """What the arguments of a function are for."""
    return {*map(role_of, definitions.arguments_of(function))}


def role_of(name: str) -> str:
    """What an argument in the training of a net is for; "" if that is not known."""
    word = plain(name)
    found = _ROLES.get(word) or _ROLES.get(word.rstrip("0123456789"))
    parts = NAMES["training_parts"].items()
    return found or next((r for p, r in parts if re.search(p, word)), "")


def is_step(name: str) -> bool:
    """Whether a function of this name takes a training step."""
    known = plain(name) in map(plain, CALLS["train"] + CALLS["step"])
    return known or bool(_TRAINS.search(plain(name)))


def is_loss(name: str) -> bool:
    """Whether a function of this name is a loss."""
    return plain(name) in CALLS["loss"] or definitions.meant_by(name).endswith("Loss")


def net_definition(name: str, value: Any, own: dict[str, Any]) -> Any:
    """The `Definition` of a class or a function that trains a whole net, or None."""
    if inspect.isclass(value):
        known = definitions.meant_by(name)
        is_loss = definitions.KINDS.get(known) == "loss"
        has_backward = find(value, definitions.BACKWARD)
        is_whole = known in ("", "Sequential") or (is_loss and not has_backward)
        is_net = is_whole and _trains(value)
    else:
        is_backward = plain(name) in map(plain, BACKWARDS)
        is_part = is_backward and definitions.has_update(own)
        is_net = (is_part or is_step(name)) and _takes_batch(value)
    made = definitions.Definition(name, name, "training step", value)
    return made if is_net else None


def _trains(owner: type) -> bool:
    """Whether a class takes a training step, or has all its parts."""
    known = {*map(plain, CALLS["train"])}
    methods = [getattr(owner, n) for n in dir(owner) if plain(n) in known]
    if any(_takes_batch(method, of_class=True) for method in methods):
        return True
    passes = (definitions.FORWARD, BACKWARDS)
    forward, backward = (definitions.method_of(owner, names) for names in passes)
    takers = (owner, getattr(owner, backward or "__init__"))
    has_target = any("target" in roles_of(taker) for taker in takers)
    has_rest = has_target or bool(find(owner, CALLS["update"]))
    return bool(forward and backward and has_rest)


def _takes_batch(function: Any, of_class: bool = False) -> bool:
    told = roles_of(function)
    number = len(definitions.arguments_of(function)) - of_class
    return "pairs" in told or ("target" in told and "grads" not in told and number > 1)
