"""Calling a whole net of a file: its forward pass, its losses, and a training step.

A net is a class with `train(X, y, lr)`, or with a forward and a backward pass and
perhaps an update; or functions of its parameters. What an argument is for is told by
its name (names.toml, [training]), or by its place.
"""

import copy
import inspect
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from compare.check.definitions import (
    BACKWARD,
    CALLS,
    FORWARD,
    KINDS,
    MODULE,
    NAMES,
    Definition,
    NotTested,
    arguments_of,
    has_update,
    meant_by,
    method_of,
    plain,
)

LR = 0.5
FORWARDS = (*(name for name in FORWARD if name != "loss"), *CALLS["predict"])
BACKWARDS = (*BACKWARD, *CALLS["backward"])
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
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
Values = dict[str, np.ndarray]
_ROLES = {n: role for role, names in NAMES["training"].items() for n in names.split()}


def net_definition(name: str, value: Any, own: dict[str, Any]) -> Definition | None:
    """A class or a function that trains a whole net."""
    if inspect.isclass(value):
        known = meant_by(name)
        is_other = KINDS.get(known) != "loss" or bool(method_of(value, BACKWARD))
        is_net = _trains(value) and not (known not in ("", "Sequential") and is_other)
    else:
        is_net = _is_step(name, own)
    return Definition(name, name, "training step", value) if is_net else None


def _trains(owner: type) -> bool:
    """Whether a class takes a training step, or has all its parts."""
    methods = [getattr(owner, n) for n in CALLS["train"] if n in dir(owner)]
    if any(_takes_batch(m, is_method=True) for m in methods):
        return True
    forward, backward = (method_of(owner, names) for names in (FORWARD, BACKWARDS))
    return bool(forward and backward) and (
        bool(method_of(owner, CALLS["update"]))
        or any("target" in _roles_of(f) for f in (owner, getattr(owner, backward)))
    )


def _is_step(name: str, own: dict[str, Any]) -> bool:
    """Whether a function takes the training step of a net, or is its backward pass."""
    if plain(name) in map(plain, CALLS["train"] + CALLS["step"]):
        return _takes_batch(own[name])
    is_backward = plain(name) in map(plain, BACKWARDS)
    return is_backward and has_update(own) and _takes_batch(own[name])


def _takes_batch(function: Any, is_method: bool = False) -> bool:
    told = _roles_of(function)
    many = len(arguments_of(function)) - is_method >= 2
    return "pairs" in told or (many and "target" in told and "grads" not in told)


def _roles_of(function: Any) -> set[str]:
    return {*map(role_of, arguments_of(function))}


def role_of(name: str) -> str:
    """What an argument in the training of a net is for; "" if that is not known."""
    word = plain(name)
    found = _ROLES.get(word) or _ROLES.get(word.rstrip("0123456789"))
    parts = NAMES["training_parts"].items()
    return found or next((r for p, r in parts if re.search(p, word)), "")


def source(of: Any) -> str:
    """The source of a function or a module; "" if there is none."""
    with suppress(OSError, TypeError):
        return inspect.getsource(of)
    return ""


def call(function: Any, known: dict[str, Any], by_place: tuple[str, ...] = ()) -> Any:
    """Call a function with what its arguments' names stand for; others in order."""
    parameters = inspect.signature(function).parameters.values()
    told = {role_of(p.name) for p in parameters}
    left, given = [role for role in by_place if role not in told], {}
    for p in parameters:
        key = p.name if p.name in known else role_of(p.name)
        if key in known:
            given[p.name] = known[key]
        elif p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD:
            if not left:
                raise NotTested(f"the argument {p.name} is not understood")
            given[p.name] = known[left.pop(0)]
    return function(**given)


# -- parameters ------------------------------------------------------------------------


def leaves(
    tree: Any, name: str = "", path: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any, Any]]:
    """Every array of floats in attributes, lists and dicts: name, owner, key."""
    if id(tree) in path or len(path) > 5:
        return
    path = (*path, id(tree))
    if getattr(type(tree), "__module__", "") == MODULE and hasattr(tree, "__dict__"):
        tree = vars(tree)
    if isinstance(tree, dict):
        items = [(f"{name}.{key}".lstrip("."), key, v) for key, v in tree.items()]
    elif isinstance(tree, (list, tuple)):
        items = [(f"{name}[{i}]", i, v) for i, v in enumerate(tree)]
    else:
        return
    for label, key, value in items:
        is_row = isinstance(value, list) and value and isinstance(value[0], float)
        is_bias = isinstance(value, float) and re.search(r"(^|\W)_?b", label)
        dtype = str(getattr(value, "dtype", ""))
        is_array = isinstance(value, (np.ndarray, torch.Tensor)) and "float" in dtype
        if is_array or is_row or is_bias:
            yield label, tree, key
        else:
            yield from leaves(value, label, path)


def read(state: Any) -> Values:
    """Parameters by name."""
    return {n: np.array(owner[key], float) for n, owner, key in leaves(state)}


def write(state: Any, values: Values) -> Any:
    """Set parameters by name."""
    for name, owner, key in [*leaves(state)]:
        if name in values and isinstance(owner, tuple):
            owner[key][...] = values[name]
        elif name in values:
            old, new = owner[key], np.array(values[name])
            is_tensor, is_list = isinstance(old, torch.Tensor), isinstance(old, list)
            own = new.tolist() if is_list or not new.ndim else new
            owner[key] = torch.tensor(new) if is_tensor else own
    return state


# -- the net ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Net:
    """A net of a file, ready to be run."""

    state: Any  # the instance, or the parameters of functions
    functions: dict[str, Any]  # of the file, by name
    train: str = ""  # the method or function that takes a whole step, if there is one
    data: dict[str, str] = field(default_factory=dict)  # roles of some attributes
    layout: str = "rows"
    to_target: Callable[[Any], Any] = lambda t: t
    names: tuple[str, ...] = ()  # of the parameters; () if they are not known
    sets_itself: bool = False  # whether each training begins with its own parameters
    penalty: float = 0.1  # the factor of its penalty, if it takes one
    upstream: np.ndarray | None = None  # of a backward pass that is given a gradient

    @cached_property
    def is_class(self) -> bool:
        """Whether it is an instance of a class of the file."""
        return getattr(type(self.state), "__module__", "") == MODULE

    @cached_property
    def roles(self) -> set[str]:
        """The roles of the arguments of its step, and of its attributes."""
        steps = [(self.train,)] if self.train else [BACKWARDS, CALLS["update"]]
        found = [f for names in steps if (f := self.find(self.state, names))]
        names = [n for f in found for n in inspect.signature(f).parameters]
        attributes = vars(self.state) if self.is_class else ()
        return {*map(role_of, [*names, *attributes]), *self.data.values()}

    @cached_property
    def lr(self) -> float:
        """The learning rate that it is given; 1 if it takes none."""
        return LR if "lr" in self.roles else 1.0

    @cached_property
    def learns(self) -> bool:
        """Whether the file changes the parameters, and not only returns gradients."""
        update = self.find(self.state, CALLS["update"])
        return bool(self.train or update or "lr" in self.roles)

    def find(self, state: Any, names: tuple[str, ...]) -> Any:
        """The first method, or function, of these names."""
        if self.is_class:
            methods = (getattr(state, n, None) for n in names)
            return next((m for m in methods if callable(m)), None)
        own = {plain(n): f for n, f in self.functions.items()}
        return next((own[n] for n in map(plain, names) if n in own), None)

    def ready(
        self, values: Values, x: np.ndarray, target: Any = None, **more: Any
    ) -> tuple[Any, dict[str, Any]]:
        """A copy of the state with these parameters, and what can be given, by role."""
        state = write(copy.deepcopy(self.state), values)
        shape, is_tensor = LAYOUTS[self.layout], torch.is_tensor
        has_tensor = any(is_tensor(owner[key]) for _, owner, key in leaves(state))
        give = torch.tensor if has_tensor else np.asarray
        known = {"lr": self.lr, "one": 1, "all": len(x), "penalty": self.penalty}
        known |= {"x": give(shape(x.copy()))} | more
        if target is not None:
            known["target"] = give(self.to_target(shape(target.copy())))
            with suppress(TypeError):
                known["pairs"] = [*zip(known["x"], known["target"], strict=False)]
        for name in vars(state) if self.is_class else ():
            role = self.data.get(name) or role_of(name)
            if role in known.keys() & {"lr", "one", "penalty", *self.data.values()}:
                setattr(state, name, known[role])
        return state, known

    def _given(self, state: Any, known: dict[str, Any]) -> dict[str, Any]:
        own = state if isinstance(state, dict) and not self.is_class else {}
        return known | {"params": state} | own

    def output(self, values: Values, x: np.ndarray) -> np.ndarray:
        """What its own forward pass gives, one example a row."""
        state, known = self.ready(values, x)
        forward, known = self.find(state, FORWARDS), self._given(state, known)
        if forward is None:
            raise NotTested("it has no forward pass of its own")
        if "one by one" in self.layout:
            each = (call(forward, known | {"x": one}, ("x",)) for one in known["x"])
            return np.stack([np.ravel(_output(out, state)) for out in each])
        out = _output(call(forward, known, ("x",)), state)
        return out.T if self.layout == "columns" else out.reshape(len(x), -1)

    def step(
        self, values: Values, x: np.ndarray, target: np.ndarray, steps: int = 1
    ) -> tuple[Values, Any]:
        """The parameters after a step, and what it returns (its loss, perhaps)."""
        state, known = self.ready(values, x, target)
        np.random.seed(0)  # noqa: NPY002
        result = None
        with unshuffled():
            for _ in range(steps):
                before, given = read(state), self._given(state, known)
                if self.train:
                    train = self.find(state, (self.train,))
                    result = call(train, given, ("x", "target", "lr"))
                else:
                    result = self._passes(state, given)
                state = self._after(state, before, result)
        return {n: a for n, a in read(state).items() if n not in self.data}, result

    def _passes(self, state: Any, known: dict[str, Any]) -> Any:
        """Forward, backward and update; returns the gradients or new parameters."""
        if zero := self.find(state, CALLS["zero"]):
            call(zero, known)
        known |= self._forward(state, known)
        by_place: tuple[str, ...] = ("x", "target", "lr")
        if self.upstream is not None:
            known["g"] = LAYOUTS[self.layout](self.upstream[: known["all"]])
            known["grads"], by_place = known["g"], ("g",)
        grads = call(self.find(state, BACKWARDS), known, by_place)
        is_pair = isinstance(grads, tuple) and isinstance(grads[0], dict)
        known["grads"] = grads = grads[0] if is_pair else grads
        update = self.find(state, CALLS["update"])
        result = call(update, known, ("lr",)) if update else None
        return grads if result is None else result

    def _forward(self, state: Any, known: dict[str, Any]) -> dict[str, Any]:
        forward = self.find(state, FORWARDS)
        if forward is None:
            return {}
        out = call(forward, known, ("x",))
        is_pair = isinstance(out, tuple) and len(out) == 2
        return {"prediction": _output(out, state), "cache": out[1] if is_pair else out}

    def _after(self, state: Any, before: Values, result: Any) -> Any:
        """The state with the parameters after a step: changed, returned, or by hand."""
        for new in [result, *(result if isinstance(result, tuple) else ())]:
            if not self.is_class and [*read(new)] == [*before]:
                return new
        if not self.is_class and self.train and isinstance(result, tuple):
            pairs = zip(before, map(np.asarray, result), strict=False)
            return write(state, dict(pairs))
        after = read(state)
        if any(not np.array_equal(before[n], after[n]) for n in before):
            return state
        found = dict(_gradients(before, after, result))
        return write(state, {n: before[n] - self.lr * g for n, g in found.items()})

    @cached_property
    def losses(self) -> list[str]:
        """The names of its own losses."""
        functions = [n for n in self.functions if is_loss(n)]
        if self.is_class:
            text, used = source(type(self.state)), [*map(id, vars(self.state).values())]
            own = {n: id(self.functions[n]) for n in functions}
            functions = [n for n, which in own.items() if n in text or which in used]
        methods = dir(self.state) if self.is_class else []
        return [
            *functions,
            *(n for n in methods if plain(n) in CALLS["loss"]),
            RETURNED,
        ]

    def loss(
        self, name: str, values: Values, x: np.ndarray, target: np.ndarray
    ) -> np.ndarray:
        """The value of one of its losses."""
        if name == RETURNED:
            value = self.step(values, x, target)[1]
            value = value[-1] if isinstance(value, (tuple, list)) else value
        else:
            state, known = self.ready(values, x, target)
            known = self._given(state, known)
            with suppress(Exception):
                known |= self._forward(state, known)
            function = self.functions.get(name) or getattr(state, name)
            value = call(function, known, ("prediction", "target"))
            value = value[0] if isinstance(value, tuple) else value
        return np.array(float(value))


@contextmanager
def unshuffled() -> Iterator[None]:
    """Where examples are drawn, all are, in their order."""

    def first(many: Any, size: Any = None, *_: Any, **__: Any) -> Any:
        many = np.arange(many) if isinstance(many, (int, np.integer)) else many
        return np.resize(many, len(many) if size is None else size)

    with (
        patch.multiple(np.random, choice=first, permutation=first, shuffle=np.asarray),
        patch.object(random, "shuffle", np.asarray),
    ):
        yield


def is_loss(name: str) -> bool:
    """Whether a function of this name is a loss."""
    return plain(name) in CALLS["loss"] or meant_by(name).endswith("Loss")


def _output(out: Any, state: Any) -> np.ndarray:
    """The output in what a forward pass returns, or leaves in an attribute."""
    if out is None:
        out = next(getattr(state, n) for n in CALLS["output"] if hasattr(state, n))
    many = [*out.values()] if isinstance(out, dict) else out
    if isinstance(many, (tuple, list)):
        out = next((a for a in reversed(many) if isinstance(a, np.ndarray)), many)
    return np.asarray(out, dtype=float)


def _gradients(
    before: Values, after: Values, result: Any
) -> Iterator[tuple[str, np.ndarray]]:
    """Gradients by parameter, of a net that returns or keeps them."""
    returned = read([*result] if isinstance(result, tuple) else result)
    if isinstance(result, tuple) and len(returned) == len(before):
        yield from zip(before, returned.values(), strict=True)
        return
    returned = {plain(name): a for name, a in returned.items()}
    kept = {plain(name): a for name, a in after.items()}
    for name in before:
        path, _, last = name.rpartition(".")
        words = [f"d{last}", f"{last}grad", f"grad{last}", f"{last}gradient"]
        found = [returned.get(plain(word)) for word in (*words, last)]
        words = [f"{path}.{word}" for word in words] + words + [f"grads.{last}"]
        found += [kept.get(plain(word)) for word in words]
        yield from ((name, g) for g in found[::-1] if g is not None)
