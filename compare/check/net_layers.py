"""A net rebuilt of layers z = a W + b, a' = f(z), and mistakes in its backward pass."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from handmade import nn

Array = np.ndarray
SQUARED, ENTROPY = "squared error", "cross-entropy"
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (nn.Sigmoid(), lambda y: y * (1 - y)),
    "identity": (nn.Identity(), np.ones_like),
    "tanh": (nn.Tanh(), lambda y: 1 - y**2),
    "ReLU": (nn.ReLU(), lambda y: (y > 0) * 1.0),
    "leaky ReLU": (nn.LeakyReLU(), lambda y: np.where(y > 0, 1, 0.01)),
    "softmax": (nn.Softmax(-1), lambda y: y * (1 - y)),
    "step": (lambda z: (z > 0) * 1.0, np.ones_like),
    "step, 1 at 0": (lambda z: (z >= 0) * 1.0, np.ones_like),
    "sign": (lambda z: np.where(z > 0, 1.0, -1.0), np.ones_like),
    "sign, 1 at 0": (lambda z: np.where(z >= 0, 1.0, -1.0), np.ones_like),
}
"""By name: the function, and its slope by the output. That of a step is taken as 1:
so the perceptron's rule has the form of a gradient."""
HIDDEN = ("sigmoid", "tanh", "ReLU", "leaky ReLU", "identity")
RULES = {
    "output": "through(v)",
    "passed": "delta",
    "hidden": "e * s",
    "weight": "a.T @ delta",
    "bias": "delta.sum(0)",
    "back": "W",
}
"""The backward pass of the squared error, in the words of mistakes/nets.toml."""


@dataclass(frozen=True)
class Layer:
    """A layer: where in θ its weights (in, out) and its bias (out,) are."""

    name: str  # of its weights
    weight: Array
    bias: Array | None
    shifted: Array  # the weights with the bias in place of the last input


@dataclass(frozen=True)
class Layered:
    """A net of such layers."""

    layers: tuple[Layer, ...]
    activations: tuple[str, ...]

    def loss(self, family: str) -> str:
        """The loss of this family on which the right backward pass descends."""
        if self.activations[-1].startswith(("step", "sign")):
            return "Σ |z| of the wrong examples (the perceptron's rule)"
        loss = "(o − y)²" if family == SQUARED else ENTROPY
        return (
            f"{loss} of a net with {' and '.join(dict.fromkeys(self.activations[-2:]))}"
        )

    @property
    def families(self) -> tuple[str, ...]:
        """The families of loss that go with its output."""
        has_entropy = self.activations[-1] in ("sigmoid", "softmax", "identity")
        return (SQUARED, ENTROPY) if has_entropy else (SQUARED,)

    def output(self, theta: Array, x: Array) -> Array:
        """The activations of its last layer."""
        return self._passes(theta, x)[1][-1]

    def _passes(self, theta: Array, x: Array) -> tuple[list[Any], list[Any]]:
        """The weighted sums and the activations of all layers, first the input."""
        sums, acts = [], [x]
        for layer, name in zip(self.layers, self.activations, strict=True):
            bias = 0 if layer.bias is None else theta[layer.bias]
            sums.append(acts[-1] @ theta[layer.weight] + bias)
            acts.append(ACTIVATIONS[name][0](sums[-1]))
        return sums, acts

    def gradient(
        self,
        theta: Array,
        x: Array,
        target: Array,
        after: Array,
        family: str,
        way: dict[str, str] | None = None,
        only: int | None = None,
    ) -> Array:
        """The gradient of Σ ½ (o − y)² or of the cross-entropy at a step to `after`.

        A way to make a mistake changes some rules, perhaps in one layer `only`.
        """
        sums, acts = self._passes(theta, x)
        o, right = acts[-1], RULES
        v = o - target
        if family == ENTROPY:
            right = RULES | {"output": "v"}
            if self.activations[-1] == "identity":  # of its logits
                f = "softmax" if o.shape[1] > 1 else "sigmoid"
                v = ACTIVATIONS[f][0](o) - target
        found = np.zeros_like(theta)
        names: dict[str, Any] = {"v": v, "o": o, "y": target, "e": v, "s": v}
        for i, layer in reversed([*enumerate(self.layers)]):
            rules = right | (way or {} if only in (None, i) else {})
            names |= {"a": acts[i], "next_slope": names["s"]}
            names |= {"z_in": sums[i - 1]} if i else {}
            names |= _names(self.activations[i], sums[i], acts[i + 1])
            names |= {"W": theta[layer.weight], "new": after[layer.weight]}
            names["shifted"] = theta[layer.shifted]
            delta = rules["output" if layer is self.layers[-1] else "hidden"]
            names["delta"] = eval(_code(delta), names)
            rest = (rules[rule] for rule in ("weight", "bias", "passed", "back"))
            dw, db, passed, back = (eval(_code(rule), names) for rule in rest)
            found[layer.weight] = dw
            if layer.bias is not None:
                found[layer.bias] = db
            names["e"] = passed @ back.T
        return found


@cache
def _code(rule: str) -> Any:
    return compile(rule, rule, "eval")


def _names(activation: str, z: Array, h: Array) -> dict[str, Any]:
    """What a rule may use of a layer with this activation."""
    f, by_output = ACTIVATIONS[activation]

    def through(v: Array) -> Array:
        is_softmax = activation == "softmax"
        return h * (v - (v * h).sum(1)[:, None]) if is_softmax else v * by_output(h)

    names = {"z": z, "h": h, "s": by_output(h), "by_output": by_output}
    names |= {"through": through, "slope": lambda q: by_output(f(q))}
    for name in ("sigmoid", "tanh", "ReLU"):
        g, slope = ACTIVATIONS[name]
        names |= {f"{name}_slope": slope(g(z)), f"{name}_formula": slope(h)}
    return names


def rebuilt(parts: dict[str, Array], n_in: int, n_out: int) -> Iterator[Layered]:
    """Every net of layers that these parameters, parts of θ, may make up."""
    weights = {n: parts[n].reshape(len(parts[n]), -1) for n in weights_of(parts)}
    biases = [part.ravel() for n, part in parts.items() if n not in weights]
    if len(biases) in (0, len(weights)):
        for layers in _chains([*weights.items()], biases, n_in, n_out):
            for hidden in HIDDEN if len(layers) > 1 else HIDDEN[:1]:
                for last in ACTIVATIONS:
                    if last != "softmax" or n_out > 1:
                        yield Layered(layers, (hidden,) * (len(layers) - 1) + (last,))


def weights_of(parts: dict[str, Array]) -> list[str]:
    """The names of those parameters that are weights, and not biases."""
    found: list[str] = []
    is_after_weight = False
    for name, part in parts.items():
        word = (re.findall(r"[A-Za-z_]+", name) or [""])[-1]
        is_flat = is_after_weight and (part.ndim < 2 or 1 in part.shape)
        is_bias = re.match(r"(?i)_*b|.*bias|theta_?0", word) or (not word and is_flat)
        is_after_weight = not is_bias
        found += [] if is_bias else [name]
    return found


def _chains(weights: Any, biases: Any, n_in: int, n_out: int) -> Iterator[Any]:
    """Every way to read weights as layers from so many inputs to so many outputs."""
    if not weights:
        yield from [()] * (n_in == n_out)
        return
    (name, weight), bias = weights[0], biases[0] if biases else None
    for w in (weight, weight.T):
        rows, out = w.shape
        found = [(w, bias, w)] if rows == n_in else []
        if rows == n_in + 1 and bias is None:
            found = [(w[1:], w[0], w[:-1]), (w[:-1], w[-1], w[1:])]
        if bias is None or bias.size == out:
            for layer in found:
                for rest in _chains(weights[1:], biases[1:], out, n_out):
                    yield (Layer(name, *layer), *rest)
