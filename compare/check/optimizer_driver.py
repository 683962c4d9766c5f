"""Making steps with an optimiser of a file, in whatever form it is written."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handmade
from compare.backend import to_numpy
from compare.check.definitions import NotTested

CONTAINERS = ("objects", "torch", "list", "dict", "d dict", "one", "layer")
"""How parameters are given; "d dict": the gradient of W1 is dW1; "one": one by one."""


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
        own = {k: v for k, v in kwargs.items() if k != "lr" or not form.has("lr")}
        self.inner: Any = make(*given, **own) if form.method else None

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
        if self.inner is None or self.form.has("lr"):
            self.kwargs[names[0]] = value
            self.config.update({n: value for n in names if n in self.config})
            return True
        owners = [vars(self.inner), *getattr(self.inner, "param_groups", [])]
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
    """A file's optimiser behind torch's interface; `names` are those of its lr."""

    def __init__(
        self, make: Any, form: Form, params: list[Any], kwargs: Any, names: list[str]
    ) -> None:
        apart = [[p] for p in params] if form.container == "one" else [params]
        self.drivers = [Driver(make, form, own, dict(kwargs)) for own in apart]
        self.names = names
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
