"""Building a whole net of a file: sizes, layout and form of target, found by trying."""

import inspect
import itertools
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check.definitions import CALLS, MODULE, NotTested, partner, plain
from compare.check.net_layers import Array
from compare.check.nets import (
    FORWARDS,
    LAYOUTS,
    Net,
    call,
    find,
    is_loss,
    is_step,
    role_of,
    source,
)

N = 5
SIZES = ((2, 4, 3), (2, 4, 1))
"""Of input, hidden layer and output: so different that no layout can be mixed up."""
BY_PLACE = ("size 0", "size 1", "size 2")
PARAMETER = re.compile("(?i)(?!verbose)[wbvu]")
"""How the names of parameters begin."""
Sizes = tuple[int, ...]
Built = Iterator[tuple[Net, Sizes]]


def nets(make: Any) -> Iterator[tuple[Net, Array, Array]]:
    """Every way to build and to call a net, each with a batch and a target."""
    functions = {
        name: f
        for name, f in vars(sys.modules[MODULE]).items()
        if inspect.isfunction(f) and f.__module__ == MODULE
    }
    built = _instances if inspect.isclass(make) else _of_functions
    for net, sizes in built(make, functions):
        net = net if net.own else _begun(net, sizes)
        dims = sorted({d for a in net.own.values() for d in a.shape} - {0})
        inputs = dict.fromkeys([sizes[0], *dims, *(d - 1 for d in dims if d > 1)])
        is_many = re.search(r"return .*,", source(find(net.state, FORWARDS)))
        places = (-1, 0) if is_many else (-1,)
        for place, layout, n_in in itertools.product(places, LAYOUTS, inputs):
            x = np.random.default_rng(7).normal(size=(N, n_in))
            x = x[:1] if layout.startswith("a ") else x
            tried = replace(net, layout=layout, place=place)
            if is_many and place and _is_hidden(tried, x):
                continue
            for target, to_target in _targets(tried, x, dims):
                yield replace(tried, to_target=to_target), x, target


def _is_hidden(net: Net, x: Array) -> bool:
    """Whether not all parameters act on what is taken for the output."""
    with suppress(Exception):
        return len(net.acting(x)) < len(net.parts)
    return False


def _begun(net: Net, sizes: Sizes) -> Net:
    """A net whose training sets its parameters, before the first step."""
    x, y = np.ones((N, sizes[0])), np.ones((N, sizes[-1]))
    for target in (y, y[:, 0]):
        with suppress(Exception):
            state, known = net.ready(None, x, target, one=0)
            call(find(state, (net.train,)), known, ("x", "target", "lr"))
            return replace(net, state=state, sets_itself=True)
    return net


def _targets(net: Net, x: Array, dims: list[int]) -> Iterator[tuple[Array, Any]]:
    """Targets that may go with the output, each with the function to its form."""
    try:
        outputs = [net.output(net.drawn(0), x)]
    except NotTested:
        outputs = [np.full((len(x), d), 0.4) for d in {*dims, 1}]
    except Exception:
        return
    outputs = [o for o in outputs if len(o) == len(x) and np.all(np.isfinite(o))]
    for out in outputs:
        yield target_like(out, 1), np.asarray
        if out.shape[1] == 1:
            is_alone = net.layout.startswith("a ")
            yield target_like(out, 1), np.ndarray.item if is_alone else np.ravel
    classes = [o.shape[1] for o in outputs if np.any(o % 1)] or reversed(dims)
    axis = 0 if net.layout == "columns" else -1
    for one_hot in (np.eye(n)[np.arange(len(x)) % n] for n in classes):
        yield one_hot, np.asarray
        yield one_hot, lambda t: np.argmax(t, axis)


def target_like(out: Array, seed: int) -> Array:
    """A target that an output may have: classes, or numbers from 0 to 1."""
    rng = np.random.default_rng(seed)
    if {*np.unique(out)} <= {-1.0, 0.0, 1.0}:
        return rng.choice([np.min(out, initial=0), 1.0], out.shape)
    if out.shape[1] > 1 and np.allclose(out.sum(1), 1) and np.all(out > 0):
        return np.eye(out.shape[1])[rng.integers(out.shape[1], size=len(out))]
    return rng.uniform(0.1, 0.9, out.shape)


def _sizes(sizes: Sizes, by_place: Sizes) -> dict[str, Any]:
    """Sizes by the roles of arguments, and by their places."""
    known = {"n_in": sizes[0], "n_hidden": sizes[1], "n_out": sizes[-1]}
    return {**known, "sizes": [*sizes], **dict(zip(BY_PLACE, by_place, strict=False))}


def _instances(make: Any, functions: dict[str, Any]) -> Built:
    """Instances of a class, by every kind of arguments that it may take."""
    rng, names = np.random.default_rng(7), inspect.signature(make).parameters
    text = source(make)
    own = {n: f for n, f in functions.items() if n in text}
    for sizes in SIZES:
        known = {"lr": 0.1, "one": 1, "all": N, "activation": "sigmoid"}
        known |= _sizes(sizes, sizes)
        number = len([n for n in names if role_of(n) not in {*known, "x", "target"}])
        known |= _sizes(sizes, {1: sizes[:1], 2: sizes[::2]}.get(number, sizes))
        x, y = rng.normal(size=(N, sizes[0])), rng.uniform(size=(N, sizes[-1]))
        layers = _layers(functions, sizes)
        numbers = {"x": sizes[0], "target": sizes[-1]}
        for more in (numbers, {"x": x, "target": y}, {"sizes": layers}):
            with suppress(Exception):
                state = call(make, known | more, BY_PLACE)
                if not Net(state).own:
                    _add_layers(state, functions, layers)
                methods = (n for n in CALLS["train"] if callable(getattr(state, n, 0)))
                data = {n: "x" for n, a in vars(state).items() if a is x}
                data |= {n: "target" for n, a in vars(state).items() if a is y}
                yield Net(state, own, next(methods, ""), data), sizes


def _layers(functions: dict[str, Any], sizes: Sizes) -> list[Any]:
    """Layers of a file's own classes: linear ones, an activation after each."""
    pairs = ((f, partner(n, functions)) for n, f in functions.items() if not is_loss(n))
    f, slope = next((pair for pair in pairs if pair[1]), (None, None))
    own = {"activation": f, "slope": slope}
    classes = [c for c in vars(sys.modules[MODULE]).values() if hasattr(c, "backward")]
    found: list[Any] = []
    for ends in itertools.pairwise(sizes):
        known = _sizes((ends[0], *ends), ends)
        linear, activations = [], []
        for each, by_place in itertools.product(classes, (BY_PLACE[:2], tuple(own))):
            with suppress(Exception):
                layer = call(each, known | own, by_place)
                (linear if Net(layer).own else activations).append(layer)
        found += linear[:1] + activations[:1]
    return found


def _add_layers(state: Any, functions: dict[str, Any], layers: list[Any]) -> None:
    """Give an empty net layers, and a loss of the file."""
    add = find(state, ("add", "add_layer", "append"))
    for layer in layers if add else ():
        add(layer)
    use = find(state, ("use", "use_loss", "set_loss", "compile"))
    losses = [(f, partner(n, functions)) for n, f in functions.items() if is_loss(n)]
    for loss, slope in losses[:1] if use else ():
        call(use, {"loss": loss, "loss_slope": slope}, ("loss", "loss_slope"))


def _of_functions(make: Any, functions: dict[str, Any]) -> Built:
    """Nets of functions, with parameters of the file's own or made up."""
    train = make.__name__ if is_step(make.__name__) else ""
    names = inspect.signature(make).parameters
    if not any(PARAMETER.match(n) or role_of(n) == "params" for n in names):
        raise NotTested(
            "it makes its own parameters: a train(w, b, X, y, lr), which is given them "
            "and returns what they are after one step, can be judged"
        )
    methods = {name: staticmethod(f) for name, f in functions.items()}
    for sizes in reversed(SIZES) if train else SIZES:
        for params in _parameters(make, functions, sizes):
            state: Any = type("Net", (), {**methods, "__module__": MODULE})()
            state.params = params
            yield Net(state, functions, train), sizes


def _parameters(make: Any, functions: dict[str, Any], sizes: Sizes) -> Iterator[Any]:
    """Parameters as a file's own initialisation makes them, or by their names."""
    names = inspect.signature(make).parameters
    single = [n for n in names if PARAMETER.match(n) and not role_of(n)]
    for name, function in functions.items():
        if re.match(r"init|create|make|new|build|random", plain(name)):
            with suppress(Exception):
                found = call(function, _sizes(sizes, sizes), BY_PLACE)
                is_many = isinstance(found, tuple)
                if is_many and len(single) == len(found):
                    found = dict(zip(single, found, strict=True))
                yield [*found] if isinstance(found, tuple) else found
    text = "".join(map(source, functions.values()))
    keys = [*dict.fromkeys(re.findall(r"""\w\[["'](\w+)["']\]""", text))]
    unpacked = re.findall(r"^ +((?:\w+, *)+\w+) = \w+$", text, re.M)
    lists = [(re.split(", *", names), list) for names in unpacked]
    for labels, form in [(single, dict), *lists, (keys, dict)]:
        for arrays in _arrays([n for n in labels if PARAMETER.match(n)], sizes):
            yield arrays if form is dict else [*arrays.values()]
    if any(role_of(n) == "params" for n in names):
        yield from (np.ones(sizes[0]), np.ones((sizes[0], 1)))


def _arrays(labels: list[str], sizes: Sizes) -> Iterator[dict[str, Array]]:
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
        found: dict[str, Array] = {}
        for i, pair in enumerate(itertools.pairwise(ends)):
            found[weights[i]] = np.ones(pair[::-1] if is_transposed else pair)
            found |= {biases[i]: np.ones(pair[1]).reshape(shape)} if biases else {}
        yield {n: found[n] for n in labels}
