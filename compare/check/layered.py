"""A net rebuilt of layers z = a W + b, a' = f(z), and mistakes in its backward pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = dict[str, np.ndarray]
SQUARED, ENTROPY = "squared error", "cross-entropy"


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    """Softmax of each row."""
    shares = np.exp(z - z.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


ACTIVATIONS = {
    "sigmoid": (_sigmoid, lambda y: y * (1 - y)),
    "identity": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda y: 1 - y**2),
    "ReLU": (lambda z: np.maximum(z, 0), lambda y: (y > 0) * 1.0),
    "leaky ReLU": (
        lambda z: np.maximum(z, 0.01 * z),
        lambda y: np.where(y > 0, 1, 0.01),
    ),
    "softmax": (softmax, lambda y: y * (1 - y)),
    "step": (lambda z: (z > 0) * 1.0, np.ones_like),
    "sign": (lambda z: np.where(z > 0, 1.0, -1.0), np.ones_like),
}
"""By name: the function, and its slope by the output. That of a step is taken as 1:
so the perceptron's rule has the form of a gradient."""
HIDDEN = ("sigmoid", "tanh", "ReLU", "leaky ReLU", "identity")


@dataclass(frozen=True)
class Layer:
    """Where the weights and the bias of a layer are among the parameters."""

    weight: str
    is_transposed: bool  # stored (out, in)
    bias: str = ""
    bias_row: int | None = None  # 0 or −1 if it is a row of the weights

    def split(self, values: Values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights (in, out) and bias, and the weights with the bias for an input."""
        full = values[self.weight].reshape(len(values[self.weight]), -1)
        full = full.T if self.is_transposed else full
        if self.bias_row == 0:
            return full[1:], full[0], full[:-1]
        if self.bias_row == -1:
            return full[:-1], full[-1], full[1:]
        return full, np.ravel(values[self.bias]) if self.bias else np.zeros(1), full

    def joined(self, values: Values, dw: np.ndarray, db: np.ndarray) -> Values:
        """Gradients in the shapes of the parameters."""
        if self.bias_row is not None:
            dw = np.vstack([db, dw] if self.bias_row == 0 else [dw, db])
        dw = dw.T if self.is_transposed else dw
        found = {self.weight: dw.reshape(values[self.weight].shape)}
        if self.bias:
            found[self.bias] = np.reshape(db, values[self.bias].shape)
        return found


@dataclass(frozen=True)
class Layered:
    """A net of such layers."""

    layers: tuple[Layer, ...]
    hidden: str  # the activation of its hidden layers
    last: str  # that of its output

    @property
    def has_entropy(self) -> bool:
        """Whether its output can be a probability, or a logit."""
        return self.last in ("sigmoid", "softmax", "identity")

    def loss_words(self, family: str) -> str:
        """The loss on which these layers descend."""
        if self.last in ("step", "sign"):
            return "Σ |z| of the wrong examples (the perceptron's rule)"
        names = " and ".join(
            dict.fromkeys([self.hidden, self.last][-len(self.layers) :])
        )
        loss = "(o − y)²" if family == SQUARED else ENTROPY
        return f"{loss} of a net with {names}"

    def changed(self, only: int | None) -> list[str]:
        """The parameters of the layers in which a rule is changed."""
        layers = self.layers if only is None else self.layers[only : only + 1]
        return [layer.weight for layer in layers]

    def passes(self, values: Values, x: np.ndarray) -> tuple[list[Any], list[Any]]:
        """The weighted sums and the activations of all layers, first the input."""
        sums, acts = [], [x]
        for i, layer in enumerate(self.layers):
            w, b, _ = layer.split(values)
            sums.append(acts[-1] @ w + b)
            name = self.last if i == len(self.layers) - 1 else self.hidden
            acts.append(ACTIVATIONS[name][0](sums[-1]))
        return sums, acts

    def gradient(
        self,
        values: Values,
        after: Values,
        x: np.ndarray,
        target: np.ndarray,
        loss: str,
        way: dict[str, str] | None = None,
        only: int | None = None,
    ) -> Values:
        """The gradient of a loss, Σ ½ (o − y)² or the cross-entropy.

        Args:
            values: the parameters.
            after: the parameters after the step.
            x: the batch, one example a row.
            target: so, too.
            loss: its name.
            way: rules of the backward pass that are changed; see mistakes/nets.toml.
            only: the only layer in which they are changed.
        """
        sums, acts = self.passes(values, x)
        found: Values = {}
        v, o = acts[-1] - target, acts[-1]
        if loss == ENTROPY and self.last == "identity":
            v = (softmax(o) if o.shape[1] > 1 else _sigmoid(o)) - target
        e, delta, slope = v, v, v
        for i in reversed(range(len(self.layers))):
            is_last = i == len(self.layers) - 1
            rules = DEFAULTS | ({"output": "v"} if loss == ENTROPY else {})
            rules |= (way or {}) if only in (None, i) else {}
            names = _names(self.last if is_last else self.hidden, sums[i], acts[i + 1])
            names |= {
                "v": v,
                "o": o,
                "y": target,
                "e": e,
                "next_slope": slope,
                "a": acts[i],
            }
            names |= {"z_in": sums[i - 1]} if i else {}
            delta = eval(rules["output" if is_last else "hidden"], names)
            names["delta"], slope = delta, names["s"]
            dw, db = (eval(rules[key], names) for key in ("weight", "bias"))
            found |= self.layers[i].joined(values, dw, db)
            w, _, shifted = self.layers[i].split(values)
            new = self.layers[i].split(after)[0]
            back = eval(rules["back"], {"W": w, "new": new, "shifted": shifted})
            e = eval(rules["passed"], names) @ back.T
        return found


DEFAULTS = {
    "output": "through(v)",
    "passed": "delta",
    "hidden": "e * s",
    "weight": "a.T @ delta",
    "bias": "delta.sum(0)",
    "back": "W",
}


def _names(activation: str, z: np.ndarray, h: np.ndarray) -> dict[str, Any]:
    """What a rule may use of a layer with this activation."""
    f, by_output = ACTIVATIONS[activation]

    def through(v: np.ndarray) -> np.ndarray:
        if activation == "softmax":
            return h * (v - (v * h).sum(1, keepdims=True))
        return v * by_output(h)

    names = {"z": z, "h": h, "s": by_output(h), "by_output": by_output}
    names |= {"through": through, "slope": lambda q: by_output(f(q))}
    for name in ("sigmoid", "tanh", "ReLU"):
        g, slope = ACTIVATIONS[name]
        names |= {f"{name}_slope": slope(g(z)), f"{name}_formula": slope(h)}
    return names


def layered(values: Values, n_in: int, n_out: int) -> Iterator[Layered]:
    """Every net of layers that these parameters may make up."""
    weights = weights_of(values)
    biases = [n for n in values if n not in weights]
    if len(biases) in (0, len(weights)):
        for layers in _chains(values, weights, biases, n_in, n_out):
            for hidden in HIDDEN if len(weights) > 1 else HIDDEN[:1]:
                for last in ACTIVATIONS:
                    if last != "softmax" or n_out > 1:
                        yield Layered(layers, hidden, last)


def weights_of(values: Values) -> list[str]:
    """The names of those parameters that are weights, and not biases."""
    found: list[str] = []
    is_after_weight = False
    for name, a in values.items():
        word = (re.findall(r"[A-Za-z_]+", name) or [""])[-1]
        is_flat = is_after_weight and (a.ndim < 2 or 1 in a.shape)
        is_bias = re.match(r"(?i)_*b|.*bias|theta_?0", word) or (not word and is_flat)
        is_after_weight = not is_bias
        found += [] if is_bias else [name]
    return found


def _chains(
    values: Values, weights: list[str], biases: list[str], n_in: int, n_out: int
) -> Iterator[tuple[Layer, ...]]:
    """Every way to read weights as layers from so many inputs to so many outputs."""
    if not weights:
        if n_in == n_out:
            yield ()
        return
    shape = (*values[weights[0]].shape, 1)[:2]
    bias = biases[0] if biases else ""
    for is_transposed in (False, True):
        rows, out = shape[::-1] if is_transposed else shape
        rows_of_bias = {n_in: [None], n_in + 1: [0, -1]}.get(rows, [])
        if bias and values[bias].size != out:
            continue
        for row in rows_of_bias:
            layer = Layer(weights[0], is_transposed, bias, row)
            for rest in _chains(values, weights[1:], biases[1:], out, n_out):
                yield (layer, *rest)
