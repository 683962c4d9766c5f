"""Nets as people write them: how one is built, run, and made to take a step.

A net is a class with `train(X, y, lr)`, or with a forward and a backward pass and
perhaps an update; or functions of its parameters. What an argument is for is told by
its name (names.toml, [training]) or by its place. Sizes, the layout of a batch and the
form of a target are found by trying.
"""

import copy
import inspect
import itertools
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from compare.check.definitions import (
    BACKWARD,
    CALLS,
    FORWARD,
    MODULE,
    NotTested,
    meant_by,
    partner,
    plain,
    training_role,
)

LR, N = 0.5, 5
SIZES = ((2, 4, 3), (2, 4, 1))
"""Of input, hidden layer and output: so different that no layout can be mixed up."""
BY_PLACE = ("size 0", "size 1", "size 2")
LAYOUTS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "rows": (lambda a: a, False),
    "columns": (lambda a: a.T, False),
    "rows, one by one": (lambda a: a, True),
    "rows of shape (1, n), one by one": (lambda a: a[:, None, :], True),
    "columns, one by one": (lambda a: a[:, :, None], True),
    "one vector": (lambda a: a[0], False),
    "one column": (lambda a: a[0][:, None], False),
}
"""How a batch is given, and whether the forward pass takes one example at a time."""
FORWARDS = (*(n for n in FORWARD if n != "loss"), *CALLS["predict"])
BACKWARDS = (*BACKWARD, *CALLS["backward"])
Values = dict[str, np.ndarray]


def call(function: Any, known: dict[str, Any], by_place: tuple[str, ...] = ()) -> Any:
    """Call a function with what its arguments' names stand for; others in order."""
    parameters = inspect.signature(function).parameters.values()
    told = {training_role(p.name) for p in parameters}
    left = [role for role in by_place if role not in told]
    given = {}
    for p in parameters:
        key = p.name if p.name in known else training_role(p.name)
        if key in known:
            given[p.name] = known[key]
        elif p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD:
            if not left:
                raise NotTested(f"the argument {p.name} is not understood")
            given[p.name] = known[left.pop(0)]
    return function(**given)


def leaves(
    tree: Any, name: str = "", seen: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any, Any, np.ndarray]]:
    """Every float array in attributes, lists and dicts: name, owner, key, array."""
    if id(tree) in seen or len(seen) > 5:
        return
    if getattr(type(tree), "__module__", "") == MODULE and hasattr(tree, "__dict__"):
        tree = vars(tree)
    if isinstance(tree, dict):
        items = [(f"{name}.{key}".lstrip("."), key, v) for key, v in tree.items()]
    elif isinstance(tree, (list, tuple)):
        items = [(f"{name}[{i}]", i, v) for i, v in enumerate(tree)]
    else:
        return
    for label, key, value in items:
        is_row = isinstance(value, list) and {isinstance(v, float) for v in value} == {
            True
        }
        is_bias = isinstance(value, float) and re.search(r"(^|\W)_?b", label)
        is_array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        is_tensor = isinstance(value, torch.Tensor) and value.is_floating_point()
        if is_array or is_tensor or is_row or is_bias:
            yield label, tree, key, np.array(value, dtype=float)
        else:
            yield from leaves(value, label, (*seen, id(tree)))


def read(state: Any) -> Values:
    """Parameters by name."""
    return {name: array for name, _, _, array in leaves(state)}


def write(state: Any, values: Values) -> Any:
    """Set parameters by name."""
    for name, owner, key, _ in [*leaves(state)]:
        if name in values and isinstance(owner, tuple):
            owner[key][...] = values[name]
        elif name in values:
            owner[key] = _like(owner[key])(values[name])
    return state


@contextmanager
def unshuffled() -> Iterator[None]:
    """Examples that are drawn are all of them, in their order."""

    def first(many: Any, size: Any = None, *_: Any, **__: Any) -> Any:
        many = np.arange(many) if isinstance(many, (int, np.integer)) else many
        return np.resize(many, len(many) if size is None else size)

    with (
        patch.multiple(np.random, choice=first, permutation=first, shuffle=np.asarray),
        patch.multiple(random, shuffle=np.asarray),
    ):
        yield


def _like(value: Any) -> Callable[[np.ndarray], Any]:
    """What makes a value of the same kind of an array."""
    if isinstance(value, torch.Tensor):
        return torch.tensor
    is_array = isinstance(value, np.ndarray)
    return np.array if is_array else lambda a: np.asarray(a).tolist()


@dataclass(frozen=True)
class Net:
    """A net of a file, ready to be run."""

    state: Any  # the instance, or the parameters of functions
    functions: dict[str, Any]  # of the file, by name
    train: str = ""  # the method or function that takes a whole step, if there is one
    data: dict[str, str] = field(default_factory=dict)  # attributes with a batch: role
    layout: str = "rows"
    to_target: Callable[[Any], Any] = lambda t: t
    names: tuple[str, ...] = ()  # of the parameters; () if all are
    is_initial: bool = False  # whether each training begins with its own parameters
    penalty: float = 0.1  # the factor of its penalty, if it takes one
    upstream: np.ndarray | None = None  # of a backward pass that is given a gradient

    @property
    def is_class(self) -> bool:
        """Whether it is an instance of a class of the file."""
        return getattr(type(self.state), "__module__", "") == MODULE

    @cached_property
    def lr(self) -> float:
        """The learning rate that it is given; 1 if it takes none."""
        return LR if "lr" in self.roles or not self.learns else 1.0

    @cached_property
    def learns(self) -> bool:
        """Whether the file changes the parameters, and not only returns gradients."""
        names = [*read(self.state)] if self.is_class else []
        backward = self.find(self.state, BACKWARDS)
        text = inspect.getsource(backward) if backward and names else ""
        changes = rf"self\.({'|'.join(names)})\b *[-+]?=" if names else "$^"
        update = self.find(self.state, CALLS["update"])
        return bool(self.train or update or re.search(changes, text))

    @cached_property
    def roles(self) -> set[str]:
        """The roles of the arguments of its step, and of its attributes."""
        steps = [BACKWARDS, CALLS["update"]] if not self.train else [(self.train,)]
        found = [f for names in steps if (f := self.find(self.state, names))]
        names = [n for f in found for n in inspect.signature(f).parameters]
        attributes = vars(self.state) if self.is_class else ()
        return {*map(training_role, [*names, *attributes]), *self.data.values()}

    def find(self, state: Any, names: tuple[str, ...]) -> Any:
        """The first method, or function, of these names."""
        if self.is_class:
            methods = (getattr(state, n, None) for n in names)
            return next((m for m in methods if callable(m)), None)
        own = {plain(n): f for n, f in self.functions.items()}
        return next((own[n] for n in map(plain, names) if n in own), None)

    def _ready(
        self, values: Values, x: np.ndarray, target: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        """A copy of the state with these parameters, and what can be given, by role."""
        np.random.seed(0)
        state = write(copy.deepcopy(self.state), values)
        shape = LAYOUTS[self.layout][0]
        is_torch = any(
            _like(owner[k]) is torch.tensor for _, owner, k, _ in leaves(state)
        )
        give = torch.tensor if is_torch else np.asarray
        known = {"x": give(shape(x.copy())), "lr": self.lr, "one": 1, "all": len(x)}
        known["penalty"] = self.penalty
        if target is not None:
            known["target"] = give(self.to_target(shape(target.copy())))
            with suppress(TypeError):
                known["pairs"] = [*zip(known["x"], known["target"], strict=False)]
        if self.is_class:
            for name in vars(state):
                role = self.data.get(name) or training_role(name)
                if role in known.keys() & {"lr", "one", "penalty", *self.data.values()}:
                    setattr(state, name, known[role])
        return state, known

    def _given(self, state: Any, known: dict[str, Any]) -> dict[str, Any]:
        own = state if isinstance(state, dict) and not self.is_class else {}
        return known | {"params": state} | own

    def output(self, values: Values, x: np.ndarray) -> np.ndarray:
        """What its own forward pass gives, one example a row."""
        state, known = self._ready(values, x)
        forward = self.find(state, FORWARDS)
        if forward is None:
            raise NotTested("it has no forward pass of its own")
        known = self._given(state, known)
        if LAYOUTS[self.layout][1]:
            each = (call(forward, known | {"x": one}, ("x",)) for one in known["x"])
            return np.stack([np.ravel(_output(out, state)) for out in each])
        out = _output(call(forward, known, ("x",)), state)
        return out.T if self.layout == "columns" else out.reshape(len(x), -1)

    def step(
        self,
        values: Values,
        x: np.ndarray,
        target: np.ndarray,
        steps: int = 1,
        seed: int = 0,
    ) -> tuple[Values, Any]:
        """The parameters after a step, and what it returns (its loss, perhaps)."""
        state, known = self._ready(values, x, target)
        np.random.seed(seed)
        result = None
        with unshuffled():
            return self._steps(state, known, steps)

    def _steps(self, state, known, steps):
        result = None
        for _ in range(steps):
            before, given = read(state), self._given(state, known)
            if self.train:
                function = self.find(state, (self.train,))
                result = call(function, given, ("x", "target", "lr"))
            else:
                result = self._passes(state, given)
            state = self._after(state, before, result)
        return {n: a for n, a in read(state).items() if n not in self.data}, result

    def _passes(self, state: Any, known: dict[str, Any]) -> Any:
        """Forward, backward and update; returns the gradients or new parameters."""
        if zero := self.find(state, CALLS["zero"]):
            call(zero, known)
        if forward := self.find(state, FORWARDS):
            out = call(forward, known, ("x",))
            known["prediction"] = _output(out, state)
            known["cache"] = out[1] if isinstance(out, tuple) and len(out) == 2 else out
        by_place: tuple[str, ...] = ("x", "target", "lr")
        if self.upstream is not None:
            known["g"] = LAYOUTS[self.layout][0](self.upstream[: known["all"]])
            known["grads"], by_place = known["g"], ("g",)
        grads = call(self.find(state, BACKWARDS), known, by_place)
        is_pair = isinstance(grads, tuple) and isinstance(grads[0], dict)
        known["grads"] = grads = grads[0] if is_pair else grads
        update = self.find(state, CALLS["update"])
        result = call(update, known, ("lr",)) if update else None
        return grads if result is None else result

    def _after(self, state: Any, before: Values, result: Any) -> Any:
        """The state with the parameters after a step: changed, returned, or by hand."""
        news = [result, *(result if isinstance(result, tuple) else ())]
        if not self.is_class:
            for new in (new for new in news if [*read(new)] == [*before]):
                return new
            if isinstance(result, tuple) and self.train:
                return write(state, dict(zip(before, map(np.asarray, result))))
        after = read(state)
        if any(not np.array_equal(before[n], after.get(n)) for n in before):
            return state
        found = dict(_gradients(before, after, result))
        return write(state, {n: before[n] - self.lr * g for n, g in found.items()})

    def losses(self, values: Values, x: np.ndarray, target: np.ndarray) -> Values:
        """The values of its own losses, by name; what its step returns is one."""
        state, known = self._ready(values, x, target)
        known = self._given(state, known)
        with suppress(Exception):
            out = call(self.find(state, FORWARDS), known, ("x",))
            known["prediction"] = known["cache"] = _output(out, state)
        methods = {
            n: getattr(state, n) for n in dir(state) if plain(n) in CALLS["loss"]
        }
        functions = {n: f for n, f in self.functions.items() if is_loss(n)}
        found: dict[str, Any] = {}
        for name, function in (functions | methods).items():
            with suppress(Exception):
                value = call(function, known, ("prediction", "target"))
                found[name] = float(value[0] if isinstance(value, tuple) else value)
        with suppress(Exception):
            result = self.step(values, x, target)[1]
            *_, last = result if isinstance(result, (tuple, list)) else (result,)
            found["loss that its step returns"] = float(last)
        return {name: np.array(value) for name, value in found.items()}


def is_loss(name: str) -> bool:
    """Whether a function of this name is a loss."""
    return plain(name) in CALLS["loss"] or meant_by(name).endswith("Loss")


def _output(out: Any, state: Any) -> np.ndarray:
    """The output in what a forward pass returns, or leaves in an attribute."""
    if out is None:
        out = next(getattr(state, n) for n in CALLS["output"] if hasattr(state, n))
    many = [*out.values()] if isinstance(out, dict) else out
    if isinstance(many, (tuple, list)):
        arrays = [a for a in many if isinstance(a, np.ndarray)]
        out = arrays[-1] if arrays else many
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
        labels = [f"{path}.{word}" for word in words] + words + [f"grads.{last}"]
        found = [returned.get(plain(word)) for word in (*words, last)]
        found += [kept.get(plain(label)) for label in labels]
        if gradient := [g for g in found if g is not None]:
            yield name, gradient[0]


# -- building --------------------------------------------------------------------------


def nets(make: Any) -> Iterator[tuple[Net, np.ndarray, np.ndarray]]:
    """Every way to build and to call a net, each with a batch and a target."""
    functions = {
        name: f
        for name, f in vars(sys.modules[make.__module__]).items()
        if inspect.isfunction(f) and f.__module__ == make.__module__
    }
    built = _instances if inspect.isclass(make) else _of_functions
    for net, sizes in built(make, functions):
        if not net.train and not net.roles & {"target", "pairs"}:
            upstream = np.random.default_rng(3).normal(size=(N, sizes[-1]))
            net = replace(net, upstream=upstream)
        if not read(net.state):
            net = _begun(net, sizes)
        values = drawn(net, 0)
        dims = sorted({d for a in values.values() for d in a.shape} - {0})
        inputs = dict.fromkeys([sizes[0], *dims, *(d - 1 for d in dims if d > 1)])
        for layout, n_in in itertools.product(LAYOUTS, inputs):
            rows = 1 if "one vector" in layout or "one column" in layout else N
            x = np.random.default_rng(7).normal(size=(rows, n_in))
            tried = replace(net, layout=layout)
            for target, to_target in _targets(tried, values, x, dims):
                yield replace(tried, to_target=to_target), x, target


def _begun(net: Net, sizes: tuple[int, ...]) -> Net:
    """A net whose training sets its parameters, before the first step."""
    x, y = np.ones((N, sizes[0])), np.ones((N, sizes[-1]))
    for target in (y, y[:, 0]):
        with suppress(Exception):
            state, known = net._ready({}, x, target)
            for name in vars(state):
                if training_role(name) == "one":
                    setattr(state, name, 0)
            function = net.find(state, (net.train,))
            call(function, known | {"one": 0}, ("x", "target", "lr"))
            return replace(net, state=state, is_initial=True)
    return net


def drawn(net: Net, seed: int) -> Values:
    """Random parameters; those with which it begins if it sets them itself."""
    rng = np.random.default_rng(seed)
    own = {n: a for n, a in read(net.state).items() if n not in net.data}
    own = {n: own[n] for n in net.names or own}
    return own if net.is_initial else {n: rng.normal(0, 0.7, own[n].shape) for n in own}


def _targets(
    net: Net, values: Values, x: np.ndarray, dims: list[int]
) -> Iterator[tuple[np.ndarray, Callable[[Any], Any]]]:
    """Targets in every form that may go with the output."""
    try:
        outputs = [net.output(values, x)]
    except NotTested:
        outputs = [np.full((len(x), d), 0.4) for d in reversed(dims)]
    except Exception:
        return
    outputs = [o for o in outputs if len(o) == len(x) and np.all(np.isfinite(o))]
    axis = 0 if net.layout == "columns" else -1
    for out in outputs:
        yield target_like(out, 1), lambda t: t
    for out in (out for out in outputs if out.shape[1] == 1):
        yield target_like(out, 1), np.ravel
    classes = [o.shape[1] for o in outputs if not is_whole(o)] or reversed(dims)
    for one_hot in (np.eye(n)[np.arange(len(x)) % n] for n in classes):
        yield one_hot, lambda t: t
        yield one_hot, lambda t: np.argmax(t, axis)


def is_whole(out: np.ndarray) -> bool:
    """Whether an output is made of whole numbers: classes, or the values of a step."""
    return bool(np.all(out == np.round(out)))


def target_like(out: np.ndarray, seed: int) -> np.ndarray:
    """A target that an output may have: classes, or numbers from 0 to 1."""
    rng = np.random.default_rng(seed)
    if {*np.unique(out)} <= {-1.0, 0.0, 1.0}:
        return rng.choice([np.min(out, initial=0), 1.0], out.shape)
    if out.shape[1] > 1 and np.allclose(out.sum(1), 1) and np.all(out > 0):
        return np.eye(out.shape[1])[rng.integers(out.shape[1], size=len(out))]
    return rng.uniform(0.1, 0.9, out.shape)


def _instances(
    make: Any, functions: dict[str, Any]
) -> Iterator[tuple[Net, tuple[int, ...]]]:
    """Instances of a class, by every kind of arguments that it may take."""
    told = {*_sizes(SIZES[0], ()), "lr", "one", "all", "activation", "x", "target"}
    names = inspect.signature(make).parameters
    many = [name for name in names if training_role(name) not in told]
    rng = np.random.default_rng(7)
    for sizes in SIZES:
        ends = {1: sizes[:1], 2: sizes[::2]}.get(len(many), sizes)
        known = _sizes(sizes, ends) | {"lr": LR, "one": 1, "activation": "sigmoid"}
        x, y = rng.normal(size=(N, sizes[0])), rng.uniform(size=(N, sizes[-1]))
        layers = _layers(functions, sizes)
        for more in (
            {"x": sizes[0], "target": sizes[-1]},
            {"x": x, "target": y},
            {"sizes": layers},
        ):
            with suppress(Exception):
                state = call(make, known | more, BY_PLACE)
                if not read(state):
                    _add_layers(Net(state, functions), layers)
                own = {n: a for n, a in vars(state).items() if a is x or a is y}
                data = {n: "x" if a is x else "target" for n, a in own.items()}
                methods = (n for n in CALLS["train"] if callable(getattr(state, n, 0)))
                train = next(methods, "")
                data |= dict.fromkeys(_counts_of_steps(state, train), "one")
                yield Net(state, functions, train, data), sizes


def _counts_of_steps(state: Any, train: str) -> list[str]:
    """The attributes that tell how many steps a training takes."""
    text = inspect.getsource(getattr(state, train)) if train else ""
    names = re.findall(r"range\(self\.(\w+)\)", text)
    numbers = (int, np.integer)
    values = {n: getattr(state, n, None) for n in names}
    return [n for n, v in values.items() if isinstance(v, numbers) and v >= 10]


def _sizes(sizes: tuple[int, ...], by_place: tuple[int, ...]) -> dict[str, Any]:
    known = {"n_in": sizes[0], "n_hidden": sizes[1], "n_out": sizes[-1]}
    return {"sizes": [*sizes], **known, **dict(zip(BY_PLACE, by_place, strict=False))}


def _layers(functions: dict[str, Any], sizes: tuple[int, ...]) -> list[Any]:
    """Layers of a file's own classes: linear ones, an activation after each."""
    pairs = [(f, p) for n, f in functions.items() if (p := partner(n, functions))]
    slopes = [pair for pair in pairs if not is_loss(pair[0].__name__)]
    known = {"activation": slopes[0][0], "slope": slopes[0][1]} if slopes else {}
    linear, activation = None, None
    for own in vars(sys.modules[MODULE]).values():
        if inspect.isclass(own) and callable(getattr(own, "backward", None)):
            with suppress(Exception):
                made = call(own, known | _sizes(sizes, sizes), BY_PLACE[:2])
                linear = linear or (own if read(made) else None)
            with suppress(Exception):
                made = call(own, known, ("activation", "slope"))
                activation = activation or (None if read(made) else own)
    found = []
    for n_in, n_out in itertools.pairwise(sizes) if linear else ():
        ends = _sizes((n_in, n_out, n_out), (n_in, n_out))
        found.append(call(linear, known | ends, BY_PLACE[:2]))
        if activation:
            found.append(call(activation, known, ("activation", "slope")))
    return found


def _add_layers(net: Net, layers: list[Any]) -> None:
    """Give an empty net layers, and a loss of the file."""
    if add := net.find(net.state, ("add", "add_layer", "append")):
        for layer in layers:
            add(layer)
    losses = [n for n in net.functions if is_loss(n) and partner(n, net.functions)]
    use = net.find(net.state, ("use", "use_loss", "set_loss", "compile"))
    if use and losses:
        loss = net.functions[losses[0]]
        known = {"loss": loss, "loss_slope": partner(losses[0], net.functions)}
        call(use, known, ("loss", "loss_slope"))


def _of_functions(
    make: Any, functions: dict[str, Any]
) -> Iterator[tuple[Net, tuple[int, ...]]]:
    """Nets of functions, with parameters of the file's own or made up."""
    is_step = plain(make.__name__) in map(plain, CALLS["train"])
    for sizes in reversed(SIZES) if is_step else SIZES:
        for params in _parameters(make, functions, sizes):
            yield Net(params, functions, make.__name__ if is_step else ""), sizes


def _parameters(
    make: Any, functions: dict[str, Any], sizes: tuple[int, ...]
) -> Iterator[Any]:
    """Parameters as a file's own initialisation makes them, or by their names."""
    single = [
        n for n in inspect.signature(make).parameters if re.match("(?i)[wbvu]", n)
    ]
    for name, function in functions.items():
        if re.match(r"init|create|make|new|build|random", plain(name)):
            with suppress(Exception):
                found = call(function, _sizes(sizes, sizes), BY_PLACE)
                if isinstance(found, tuple) and len(single) == len(found):
                    found = dict(zip(single, found, strict=True))
                yield [*found] if isinstance(found, tuple) else found
    text = "".join(map(inspect.getsource, functions.values()))
    keys = [*dict.fromkeys(re.findall(r"""\w\[["'](\w+)["']\]""", text))]
    lists = re.findall(r"^ +((?:\w+, *)+\w+) = \w+$", text, re.M)
    unpacked = [re.split(", *", names) for names in lists]
    for labels, form in [(single, dict), *((u, list) for u in unpacked), (keys, dict)]:
        for arrays in _arrays([n for n in labels if re.match("(?i)[wbvu]", n)], sizes):
            yield arrays if form is dict else [*arrays.values()]


def _arrays(labels: list[str], sizes: tuple[int, ...]) -> Iterator[Values]:
    """Weights and biases of these names in every layout."""
    biases = [n for n in labels if n.lower().startswith("b")]
    weights = [n for n in labels if n not in biases]
    ends = {1: sizes[::2], 2: sizes, 3: (*sizes[:2], 5, sizes[2])}.get(len(weights), ())
    if not ends or len(biases) not in (0, len(weights)):
        return
    if len(weights) == 1 and sizes[-1] == 1:
        yield {n: np.ones(sizes[0]) if n in weights else np.ones(1)[0] for n in labels}
    shapes = ((-1,), (1, -1), (-1, 1))
    for is_transposed, shape in itertools.product((False, True), shapes):
        found = {}
        for i, pair in enumerate(itertools.pairwise(ends)):
            found[weights[i]] = np.ones(pair[::-1] if is_transposed else pair)
            if biases:
                found[biases[i]] = np.ones(pair[1]).reshape(shape)
        yield {n: found[n] for n in labels}
