"""Nets as people write them: how one is built, run, and made to take a step.

A net is a class with `train(X, y, lr)`, or with a forward and a backward pass and
perhaps an update; or functions of its parameters. What an argument is for is told by
its name (names.toml, [training]) or by its place; sizes, layouts of a batch and forms
of a target are found by trying.
"""

import copy
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
FORWARDS = (*(n for n in FORWARD if n != "loss"), *CALLS["predict"])
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
Values = dict[str, np.ndarray]


def call(function: Any, known: dict[str, Any], rest: tuple[str, ...] = ()) -> Any:
    """Call a function with what its arguments' names stand for; others in order."""
    parameters = inspect.signature(function).parameters.values()
    left = [r for r in rest if r not in {training_role(p.name) for p in parameters}]
    given = {}
    for p in parameters:
        key = p.name if p.name in known else training_role(p.name)
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if key in known:
            given[p.name] = known[key]
        elif p.default is p.empty:
            if not left:
                raise NotTested(f"its argument {p.name} is not understood")
            given[p.name] = known[left.pop(0)]
    return function(**given)


def leaves(tree: Any, name: str = "", seen: Any = ()) -> Iterator[tuple[Any, ...]]:
    """Every float array in attributes, lists and dicts: name, owner, key, array."""
    seen = seen or set()
    if id(tree) in seen or len(seen) > 200:
        return
    seen.add(id(tree))
    if isinstance(tree, dict):
        items = [(f"{name}.{k}".lstrip("."), k, v) for k, v in tree.items()]
    elif isinstance(tree, (list, tuple)):
        items = [(f"{name}[{i}]", i, v) for i, v in enumerate(tree)]
    elif getattr(type(tree), "__module__", "") == MODULE and hasattr(tree, "__dict__"):
        items = [(f"{name}.{k}".lstrip("."), k, v) for k, v in vars(tree).items()]
    else:
        return
    for label, key, value in items:
        is_bias = isinstance(value, float) and re.search(r"(^|\W)_?b", label)
        is_row = isinstance(value, list) and {*map(type, value)} == {float}
        if is_bias or is_row or getattr(getattr(value, "dtype", 0), "kind", "") == "f":
            if isinstance(value, (np.ndarray, np.floating, float, list)):
                yield label, tree, key, np.array(value, dtype=float)
        else:
            yield from leaves(value, label, seen)


def write(state: Any, values: Values) -> Any:
    """Set parameters by name."""
    for name, owner, key, _ in list(leaves(state)):
        if name not in values:
            continue
        new = values[name].copy()
        old = owner.__dict__[key] if hasattr(owner, "__dict__") else owner[key]
        if isinstance(old, (float, list)):
            new = new.tolist()
        if isinstance(owner, tuple):
            owner[key][...] = new
        elif hasattr(owner, "__dict__"):
            setattr(owner, key, new)
        else:
            owner[key] = new
    return state


def read(state: Any) -> Values:
    """Parameters by name."""
    return {name: array for name, _, _, array in leaves(state)}


@dataclass
class Net:
    """A net of a file, ready to be run."""

    state: Any  # the instance, or the parameters of functions
    functions: dict[str, Any]  # of the file, by name
    train: str = ""  # the name of the method or function that takes a whole step
    layout: str = "rows"
    to_target: Callable[[Any], Any] = field(default=lambda t: t)
    has_lr: bool = False  # whether it takes a learning rate
    upstream: np.ndarray | None = None  # of a backward pass that is given a gradient

    @property
    def is_class(self) -> bool:
        """Whether it is an instance of a class of the file."""
        return getattr(type(self.state), "__module__", "") == MODULE

    def find(self, state: Any, names: tuple[str, ...]) -> Any:
        """The first method or function of these names."""
        if self.is_class:
            return next((f for n in names if callable(f := _own(state, n))), None)
        names = tuple(map(plain, names))
        found = {plain(n): f for n, f in self.functions.items()}
        return next((found[n] for n in names if n in found), None)

    def known(self, state: Any, x: Any, target: Any) -> dict[str, Any]:
        """What can be given, by role."""
        shape = LAYOUTS[self.layout][0]
        xs, ts = shape(x), None if target is None else self.to_target(shape(target))
        known = {"x": xs, "lr": LR, "one": 1, "all": len(x), "params": state}
        if ts is not None:
            known |= {"target": ts, "pairs": list(zip(xs, ts, strict=False))}
        if not self.is_class and isinstance(state, dict):
            known |= state
        return known

    def output(self, values: Values, x: np.ndarray) -> np.ndarray:
        """What its own forward pass gives, one example a row."""
        state = write(copy.deepcopy(self.state), values)
        forward = self.find(state, FORWARDS)
        if forward is None:
            raise NotTested("it has no forward pass of its own")
        known = self.known(state, x, None)
        if LAYOUTS[self.layout][1]:
            each = (call(forward, known | {"x": one}, ("x",)) for one in known["x"])
            return np.stack([np.ravel(_output(out, state)) for out in each])
        out = np.asarray(_output(call(forward, known, ("x",)), state), dtype=float)
        return out.T if self.layout == "columns" else out.reshape(len(x), -1)

    def step(
        self, values: Values, x: np.ndarray, target: np.ndarray, steps: int = 1
    ) -> tuple[Values, Any]:
        """The parameters after a step, and what it returns (its loss, perhaps)."""
        state = write(copy.deepcopy(self.state), values)
        result = None
        for _ in range(steps):
            known, before = self.known(state, x, target), read(state)
            order = ("x", "target", "lr")
            if self.train:
                function = self.find(state, (self.train,))
                result = call(function, known, order)
            else:
                result = self._passes(state, known)
            state = self._new_state(state, before, result)
        return read(state), result

    def _passes(self, state: Any, known: dict[str, Any]) -> Any:
        """Forward, backward and update; returns the gradients or new parameters."""
        if zero := self.find(state, CALLS["zero"]):
            call(zero, known)
        forward = self.find(state, FORWARDS)
        out = call(forward, known, ("x",))
        known["prediction"] = _output(out, state)
        known["cache"] = out[1] if isinstance(out, tuple) and len(out) == 2 else out
        if self.upstream is not None:
            known["g"] = LAYOUTS[self.layout][0](self.upstream[: len(known["x"])])
        backward = self.find(state, BACKWARD + CALLS["backward"])
        order = ("g",) if self.upstream is not None else ("x", "target", "lr")
        grads = known["grads"] = call(backward, known, order)
        if isinstance(grads, tuple) and isinstance(grads[0], dict):
            known["grads"] = grads[0]
        update = self.find(state, CALLS["update"])
        result = call(update, known, ("lr",)) if update else None
        return grads if result is None else result

    def _new_state(self, state: Any, before: Values, result: Any) -> Any:
        """The state with the parameters after a step: changed, or returned."""
        for new in (result, *(result if isinstance(result, tuple) else ())):
            if not self.is_class and [*read(new)] == [*before]:
                return new
            if isinstance(new, tuple) and len(new) == len(before) and self.is_names:
                return dict(zip(state, new, strict=True))
        after = read(state)
        if all(np.array_equal(before[n], after.get(n)) for n in before):
            self.has_lr = True
            found = dict(_gradients(before, after, result))
            return write(state, {n: before[n] - LR * g for n, g in found.items()})
        return state

    @property
    def learns_itself(self) -> bool:
        """Whether the file changes the parameters, and not only returns gradients."""
        return bool(self.train or self.find(self.state, CALLS["update"]))

    @property
    def is_names(self) -> bool:
        """Whether the parameters are single arguments of a function."""
        return isinstance(self.state, dict) and "params" not in {
            training_role(p)
            for p in inspect.signature(self.functions[self.train]).parameters
        }

    def losses(self, values: Values, x: np.ndarray, target: np.ndarray) -> Values:
        """The values of its own losses, by name; what its step returns is one."""
        found: dict[str, Any] = {}
        state = write(copy.deepcopy(self.state), values)
        known = self.known(state, x, target)
        with suppress(Exception):
            forward = self.find(state, FORWARDS)
            known["prediction"] = _output(call(forward, known, ("x",)), state)
            known["cache"] = known["prediction"]
        own = dir(state) if self.is_class else []
        for name in dict.fromkeys([*own, *self.functions]):
            function = _own(state, name) if name in own else self.functions[name]
            if plain(name) in CALLS["loss"] or (
                name not in own and _kind_is_loss(name)
            ):
                with suppress(Exception):
                    found[name] = call(function, known, ("prediction", "target"))
        with suppress(Exception):
            result = self.step(values, x, target)[1]
            *_, last = result if isinstance(result, (tuple, list)) else (result,)
            found["the loss that its step returns"] = last
        return {n: np.array(v, float) for n, v in found.items() if np.size(v) == 1}


def _kind_is_loss(name: str) -> bool:
    return meant_by(name).endswith("Loss")


def _own(state: Any, name: str) -> Any:
    return (
        None
        if name.startswith("__") and name != "__call__"
        else getattr(state, name, None)
    )


def _output(out: Any, state: Any) -> Any:
    """The output among what a forward pass returns."""
    if isinstance(out, tuple) and len(out) == 2 and not isinstance(out[0], np.ndarray):
        out = out[1]
    if isinstance(out, tuple):
        is_cache = not isinstance(out[-1], np.ndarray) or len(out) == 2
        return out[0] if is_cache and isinstance(out[0], np.ndarray) else out[-1]
    if isinstance(out, list) and isinstance(out[-1], np.ndarray):
        return out[-1]
    if isinstance(out, dict):
        return [*out.values()][-1]
    if out is None:
        names = CALLS["output"]
        return next(getattr(state, n) for n in names if hasattr(state, n))
    return out


def _gradients(
    before: Values, after: Values, result: Any
) -> Iterator[tuple[str, np.ndarray]]:
    """Gradients by parameter, of a net that returns or keeps them."""
    if isinstance(result, tuple) and result and isinstance(result[0], dict):
        result = result[0]
    returned = read({"": result})
    if isinstance(result, tuple) and len(returned) == len(before):
        yield from zip(before, returned.values(), strict=True)
        return
    given = {plain(re.sub(r"^\W+", "", n)): g for n, g in (after | returned).items()}
    for name in before:
        *path, last = name.split(".")
        words = (f"d{last}", f"{last}grad", f"grad{last}", f"{last}gradient", last)
        keys = [plain(".".join([*path, word])) for word in words]
        keys += [plain(word) for word in words]
        keys += [plain(f"grads.{word}") for word in words]
        own = next((given[k] for k in keys if k in given and k != plain(name)), None)
        if own is None and last in (result if isinstance(result, dict) else ()):
            own = np.array(result[last])
        if own is not None and own.shape == before[name].shape:
            yield name, own


# -- building --------------------------------------------------------------------------


def nets(definition: Any) -> Iterator[tuple[Net, np.ndarray, np.ndarray]]:
    """Every way to build and to call a net, each with a batch and a target."""
    for net, sizes in _built(definition.make):
        values = drawn(net, 0)
        dims = {d for a in values.values() for d in a.shape}
        dims = dict.fromkeys([sizes[0], *sorted(dims), *(d - 1 for d in sorted(dims))])
        for layout, n_in in itertools.product(LAYOUTS, [d for d in dims if d > 0]):
            net.layout = layout
            x = np.random.default_rng(7).normal(size=(N, n_in))
            if "one vector" in layout or "one column" in layout:
                x = x[:1]
            for target, to_target in _targets(net, values, x, [*dims]):
                net.to_target = to_target
                yield net, x, target


def drawn(net: Net, seed: int) -> Values:
    """Random parameters."""
    rng = np.random.default_rng(seed)
    return {n: rng.normal(0, 0.7, a.shape) for n, a in read(net.state).items()}


def _targets(
    net: Net, values: Values, x: np.ndarray, dims: list[int]
) -> Iterator[tuple[np.ndarray, Callable[[Any], Any]]]:
    try:
        outputs = [net.output(values, x)]
    except NotTested:
        outputs = [np.full((len(x), d), 0.4) for d in reversed(dims) if d > 0]
    except Exception:
        return
    for out in outputs:
        if out.shape[0] != len(x) or not np.all(np.isfinite(out)):
            continue
        target = target_like(out, 1)
        yield target, lambda t: t
        if out.shape[1] == 1:
            yield target, lambda t: t.reshape(-1)
        elif np.all((target == 0) | (target == 1)):
            yield target, lambda t: t.argmax(0 if net.layout == "columns" else 1)


def target_like(out: np.ndarray, seed: int) -> np.ndarray:
    """A target that an output may have: classes, or numbers from 0 to 1."""
    rng = np.random.default_rng(seed)
    if {*np.unique(out)} <= {-1.0, 0.0, 1.0}:
        return rng.choice([np.min(out, initial=0), 1.0], out.shape)
    if out.shape[1] > 1 and np.allclose(out.sum(1), 1) and np.all(out > 0):
        return np.eye(out.shape[1])[rng.integers(out.shape[1], size=len(out))]
    return rng.uniform(0.1, 0.9, out.shape)


def _built(make: Any) -> Iterator[tuple[Net, tuple[int, ...]]]:
    functions = {
        n: f
        for n, f in vars(sys.modules[make.__module__]).items()
        if inspect.isfunction(f) and f.__module__ == make.__module__
    }
    if not inspect.isclass(make):
        yield from _of_functions(make, functions)
        return
    for sizes in SIZES:
        for known in _arguments(sizes, functions, make):
            with suppress(Exception):
                rest = tuple(f"size {i}" for i in range(3))
                net = Net(call(make, known, rest), functions)
                _add_layers(net, known, sizes)
                names = [n for n in CALLS["train"] if callable(_own(net.state, n))]
                net.train = names[0] if names else ""
                roles = _roles_of(net, make)
                net.has_lr = "lr" in roles
                if not net.train and not roles & {"target", "pairs"}:
                    rng = np.random.default_rng(3)
                    net.upstream = rng.normal(size=(N, sizes[-1]))
                for key in list(vars(net.state)):
                    if (
                        training_role(key) in ("lr", "one")
                        and net.state.__dict__[key] != 1
                    ):
                        is_lr = training_role(key) == "lr"
                        setattr(net.state, key, LR if is_lr else 1)
                        net.has_lr |= is_lr
                yield net, sizes


def _roles_of(net: Net, make: Any) -> set[str]:
    """The roles of all arguments with which a net is built and taught."""
    groups = [(net.train,), BACKWARD, CALLS["update"]]
    found = [net.find(net.state, g) for g in (groups[:1] if net.train else groups[1:])]
    parameters = (inspect.signature(f).parameters for f in (make, *found) if f)
    return {training_role(name) for names in parameters for name in names}


def _arguments(
    sizes: tuple[int, ...], functions: dict[str, Any], make: Any
) -> Iterator[dict[str, Any]]:
    """What a constructor may be given, by role."""
    many = [p.name for p in inspect.signature(make).parameters.values()]
    in_order = [n for n in many if not training_role(n)]
    ends = {1: sizes[:1], 2: (sizes[0], sizes[-1])}.get(len(in_order), sizes)
    known = {"lr": LR, "one": 1, "all": N, "sizes": [*sizes], "activation": "sigmoid"}
    known |= {"n_in": sizes[0], "n_hidden": sizes[1], "n_out": sizes[-1]}
    known |= {f"size {i}": n for i, n in enumerate(ends)}
    x = np.random.default_rng(7).normal(size=(N, sizes[0]))
    y = np.random.default_rng(8).uniform(0.1, 0.9, (N, sizes[-1]))
    yield known | {"x": sizes[0], "target": sizes[-1]}
    yield known | {"x": x, "target": y}
    module = sys.modules[make.__module__]
    layers = _layers(module, functions, sizes)
    if layers:
        yield known | {"sizes": layers}


def _layers(
    module: Any, functions: dict[str, Any], sizes: tuple[int, ...]
) -> list[Any]:
    """Layers of a file's own classes: linear ones, an activation after each."""
    pairs = [(f, p) for n, f in functions.items() if (p := partner(n, functions))]
    pairs = [p for p in pairs if not _kind_is_loss(p[0].__name__)]
    known = {"activation": pairs[0][0], "slope": pairs[0][1]} if pairs else {}
    linear = activation = None
    for own in vars(module).values():
        if not inspect.isclass(own) or own.__module__ != MODULE:
            continue
        for start in ({"size 0": 2, "size 1": 3}, {}):
            with suppress(Exception):
                rest = ("size 0", "size 1") if start else ("activation", "slope")
                made = call(own, known | start, rest)
                if start and any(a.ndim == 2 for a in read(made).values()):
                    linear = linear or own
                elif not start and callable(getattr(made, "backward", None)):
                    is_plain = not read(made) and own.__init__ is not object.__init__
                    if is_plain or meant_by(own.__name__):
                        activation = activation or own
    if linear is None:
        return []
    found = []
    for n_in, n_out in itertools.pairwise(sizes):
        ends = known | {"size 0": n_in, "size 1": n_out}
        found.append(call(linear, ends, ("size 0", "size 1")))
        if activation:
            found.append(call(activation, known, ("activation", "slope")))
    return found


def _of_functions(
    make: Any, functions: dict[str, Any]
) -> Iterator[tuple[Net, tuple[int, ...]]]:
    """Nets of functions, with parameters as an initialisation makes them, or made up."""
    name = make.__name__
    is_step = plain(name) in map(plain, CALLS["train"])
    names = list(inspect.signature(make).parameters)
    roles = {*map(training_role, names)}
    update = Net({}, functions).find({}, CALLS["update"])
    if update and not is_step:
        roles |= {*map(training_role, inspect.signature(update).parameters)}
    for sizes in SIZES:
        for params in _parameters(names, functions, sizes):
            net = Net(params, functions, name if is_step else "")
            net.has_lr = "lr" in roles
            yield net, sizes


def _parameters(
    names: list[str], functions: dict[str, Any], sizes: tuple[int, ...]
) -> Iterator[Any]:
    """Parameters as a file's own initialisation makes them, or by their names."""
    known = {"sizes": [*sizes], "n_in": sizes[0], "n_hidden": sizes[1]}
    known |= {"n_out": sizes[-1]} | {f"size {i}": n for i, n in enumerate(sizes)}
    for name, function in functions.items():
        if re.match(r"(init|create|make|new|build|random)", plain(name)):
            with suppress(Exception):
                found = call(function, known, tuple(f"size {i}" for i in range(3)))
                yield [*found] if isinstance(found, tuple) else found
    text = "".join(map(inspect.getsource, functions.values()))
    keys = dict.fromkeys(re.findall(r"""\w+\[["'](\w+)["']\]""", text))
    unpacked = re.findall(r"^ +((?:\w+, *)+\w+) = (\w+)$", text, re.M)
    known_roles = ["x", "target", "pairs", "lr", "one", "all", "params", "grads"]
    single = [n for n in names if training_role(n) not in known_roles]
    lists = [u.split(", ") for u, of in unpacked if training_role(of) == "params"]
    for labels, form in [(single, dict), *((u, list) for u in lists), ([*keys], dict)]:
        labels = [n for n in labels if re.match(r"(?i)(w|b|theta|v|u)", n)]
        for arrays in _arrays(labels, sizes):
            yield arrays if form is dict else [*arrays.values()]


def _arrays(labels: list[str], sizes: tuple[int, ...]) -> Iterator[Values]:
    """Weights and biases of these names in every layout."""
    biases = [n for n in labels if n.lower().startswith("b")]
    weights = [n for n in labels if n not in biases]
    ends = {1: (sizes[0], sizes[-1]), 2: sizes, 3: (*sizes[:2], 5, sizes[-1])}
    if len(weights) not in ends or (biases and len(biases) != len(weights)):
        return
    pairs = [*itertools.pairwise(ends[len(weights)])]
    for is_transposed, shape in itertools.product(
        (False, True), ((-1,), (1, -1), (-1, 1))
    ):
        found = {}
        for i, (n_in, n_out) in enumerate(pairs):
            w = np.ones((n_in, n_out))
            found[weights[i]] = w.T if is_transposed else w
            if biases:
                found[biases[i]] = np.ones(n_out).reshape(shape)
        yield {n: found[n] for n in labels}
    if len(weights) == 1:
        yield {n: np.ones(sizes[0]) if n in weights else np.ones(()) for n in labels}


def _add_layers(net: Net, known: dict[str, Any], sizes: tuple[int, ...]) -> None:
    """Give an empty net layers and a loss of the file."""
    names = ("add", "add_layer", "append", "addLayer")
    add = next((f for n in names if callable(f := _own(net.state, n))), None)
    if read(net.state) or add is None:
        return
    module = sys.modules[MODULE]
    for layer in _layers(module, net.functions, sizes):
        add(layer)
    losses = [
        n for n in net.functions if _kind_is_loss(n) and partner(n, net.functions)
    ]
    use = next(
        (
            f
            for n in ("use", "use_loss", "set_loss", "compile")
            if callable(f := _own(net.state, n))
        ),
        None,
    )
    if use and losses:
        function = net.functions[losses[0]]
        pair = {"loss": function, "loss_slope": partner(losses[0], net.functions)}
        call(use, known | pair, ("loss", "loss_slope"))
