"""Steps of a net, and the losses on which it may descend: their gradients, measured."""

import itertools
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from compare.check.definitions import NotTested
from compare.check.net_builder import target_like
from compare.check.net_layers import ENTROPY, SQUARED, Layered, rebuilt, weights_of
from compare.check.nets import Array, Net, find, source

H = 1e-6
TOLERANCE = 1e-5
"""Up to here, relatively, a gradient is that which was measured."""
LARGEST = 1000
"""Nets of more parameters are not measured."""
USUAL: dict[str, Callable[[Any, Any], Any]] = {
    "(o − y)²": lambda o, y: (o - y) ** 2,
    f"binary {ENTROPY}": lambda o, y: -y * np.log(o) - (1 - y) * np.log(1 - o),
    ENTROPY: lambda o, y: -y * np.log(o),
    f"{ENTROPY} of softmax(o)": lambda o, y: (
        np.logaddexp.reduce(o, axis=1) - np.sum(y * o, axis=1)
    ),
    f"binary {ENTROPY} of sigmoid(o)": lambda o, y: np.logaddexp(0, o) - y * o,
    "|o − y|": lambda o, y: np.abs(o - y),
    "Σ g · o": lambda o, g: g * o,
}
"""The usual losses of an output o, to be summed; g is what a backward pass is given:
∂L/∂o, or an error y − o, with which the net descends on −Σ g · o."""


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: Array  # (steps, parameters)
    words: dict[float, str]  # what it is called, by the factor before it
    family: str  # SQUARED, ENTROPY or another
    own: str = ""  # its name, if the file computes it


def some_steps(net: Net, x: Array, target: Array) -> "Steps | None":
    """Steps from random states: two, or more if its output is not measurable.

    Where a call takes a step for each example in turn, a batch has one example. None
    if a step changes nothing.
    """
    net = replace(net, names=net.acting(x))
    theta = net.drawn(0)
    if theta.size > LARGEST:
        raise NotTested(f"it has {theta.size} parameters: {LARGEST} can be measured")
    first = Steps(net, [(theta, x, target)])
    if not np.any(first.gradients):
        return None
    other = np.roll(target, 1, axis=1)[::-1] + 1
    if np.array_equal(first.after[0], net.step(theta, x, other)[0]):
        raise NotTested("its step does not depend on the target")
    if len(x) > 1 and first.is_sequence():
        ones = (slice(i, i + 1) for i in range(len(x)))
        found = (some_steps(net, x[one], target[one]) for one in ones)
        return next(filter(None, found), None)
    is_one_hot = target.shape[1] > 1 and {*np.unique(target)} == {0.0, 1.0}
    for seed in range(1, 6 if len(x) == 1 and first.outputs is None else 2):
        theta, rng = net.drawn(seed), np.random.default_rng(5 + seed)
        x, target = rng.normal(size=x.shape), np.roll(target, 1, axis=int(is_one_hot))
        with suppress(NotTested):
            target = target if is_one_hot else target_like(net.output(theta, x), seed)
        first.batches.append((theta, x, target))
    return Steps(net, first.batches)


class Steps:
    """Some steps of a net, each from other θ on another batch, and its losses."""

    def __init__(self, net: Net, batches: list[tuple[Array, Array, Array]]) -> None:
        self.net, self.batches = net, batches  # each (θ, x, target)
        self.after = [net.step(*batch)[0] for batch in batches]
        if not np.all(np.isfinite(self.after)):
            raise NotTested("its parameters become infinite")
        before = np.array([theta for theta, *_ in batches])
        self.gradients = (before - self.after) / net.lr
        """Of every step."""

    @cached_property
    def outputs(self) -> list[Array] | None:
        """Its outputs; None if they are not known, or are whole numbers: of a step."""
        with suppress(NotTested):
            found = [self.net.output(theta, x) for theta, x, _ in self.batches]
            pairs = zip(found, self.batches, strict=True)
            if all(np.any(o % 1) and o.shape == y.shape for o, (_, _, y) in pairs):
                return found
        return None

    def is_sequence(self) -> bool:
        """Whether a call is one step on each example after another."""
        theta, x, target = self.batches[0]
        text = source(find(self.net.state, (self.net.train,)))
        for one in (slice(i, i + 1) for i in range(len(x) if text else 0)):
            theta, _ = self.net.step(theta, x[one], target[one])
        is_loop = re.search(r"zip\(|enumerate\(|range\(len\(", text)
        begins_anew = self.net.sets_itself and bool(is_loop)
        return begins_anew or np.allclose(theta, self.after[0])

    def adds_up(self) -> bool:
        """Whether a second step goes along the sum of both gradients."""
        theta, x, target = self.batches[0]
        fresh, _ = self.net.step(self.after[0], x, target)
        second, _ = self.net.step(theta, x, target, steps=2)
        more, first = fresh - second, theta - self.after[0]
        parts = [p for p in self.net.parts.values() if np.any(more[p])]
        return any(np.allclose(more[p], first[p], TOLERANCE) for p in parts)

    def factor(self, want: Array, *names: str) -> float | None:
        """What k is if the gradient is k · want in all these parameters; else None."""
        found = self._factors(self.gradients, want, names=names)
        return found[0] if found else None

    def penalty(self, loss: Loss) -> float:
        """What c is if it is along the gradient of the loss + ½ c Σ W²; else 0."""
        weights = np.zeros_like(self.gradients)
        for part in (self.net.parts[n] for n in weights_of(self.net.parts)):
            weights[:, part] = np.array([theta[part] for theta, *_ in self.batches])
        k, c = self._factors(self.gradients, loss.gradients, weights) or (1.0, 0.0)
        return c / k if abs(c) > 1e-6 * abs(k) else 0.0

    def _factors(self, got: Array, *wants: Array, names: Any = ()) -> list[float]:
        """Each k if got = Σ k · want in all these parameters at every step; else []."""
        parts = [self.net.parts[n] for n in names or self.net.parts]
        index, want = np.concatenate([*map(np.ravel, parts)]), np.stack(wants, axis=-1)
        if not np.all(np.isfinite(want)) or _size(want[:, index, 0]) < 1e-8:
            return []
        a, b = want[:, index].reshape(-1, len(wants)), got[:, index].ravel()
        fitted = want @ (k := np.linalg.lstsq(a, b, rcond=None)[0])
        most = 1e-7 * _size(fitted[:, index]) + 1e-9
        is_same = (
            _size((got - fitted)[:, p]) <= TOLERANCE * _size(fitted[:, p]) + most
            for p in parts
        )
        return k.tolist() if all(is_same) else []

    @cached_property
    def losses(self) -> list[Loss]:
        """The losses that the file itself computes, and the usual ones."""
        usual = [loss for loss in self._measured if not loss.own] or self._of_models
        return [self._told(loss, usual) for loss in self.own_losses] + usual

    @cached_property
    def own_losses(self) -> list[Loss]:
        """The losses that the file itself computes."""
        return [loss for loss in self._measured if loss.own]

    def _told(self, own: Loss, usual: list[Loss]) -> Loss:
        """A loss of the file, called as the usual one that it is."""
        words, family = "its loss", ""
        for like in usual:
            if found := self._factors(own.gradients, like.gradients):
                told = (w for f, w in like.words.items() if is_near(found[0], f))
                words, family = next(told, words), like.family
                break
        return replace(own, words={1.0: f"{words} ({own.words[1.0]})"}, family=family)

    @cached_property
    def _measured(self) -> list[Loss]:
        """The file's own losses, and the usual ones of its output."""
        first, net = self.batches[0], self.net
        names = [name for name in net.losses if np.isfinite(net.loss(name, *first))]
        names += _usual_names(net, self.outputs[0]) if self.outputs else []
        slopes = np.array([_slopes(net, names, *batch) for batch in self.batches])
        found = [self._loss(slopes[..., i], name) for i, name in enumerate(names)]
        return [loss for loss in found if 0 < _size(loss.gradients) < np.inf]

    @cached_property
    def _of_models(self) -> list[Loss]:
        """The losses of nets of layers, for an output that is not known."""
        pairs = [(model, of) for model in self.models for of in model.families]
        found = [(self.of_model(*pair), pair[0].loss(pair[1])) for pair in pairs]
        return [self._loss(g * (2 if "²" in name else 1), name) for g, name in found]

    def _loss(self, gradients: Array, name: str) -> Loss:
        """A loss of this name; a usual one is summed, and has usual factors."""
        if name in self.net.losses or "Σ" in name:
            words = {1.0: name, -1.0: f"−{name}"} if "g · o" in name else {1.0: name}
            return Loss(gradients, words, name, name * (name in self.net.losses))
        n, outputs = self.batches[0][2].shape
        words = {1.0: f"Σ {name}", 1 / n: f"Σ {name} / number of examples"}
        words[1 / n / outputs] = f"the mean of {name}"
        half = {k / 2: f"½ {text}" for k, text in words.items()}
        family = ENTROPY if ENTROPY in name else SQUARED if "²" in name else name
        return Loss(gradients, words | half if "²" in name else words, family)

    @cached_property
    def models(self) -> list[Layered]:
        """The nets of layers that have the net's output, or descend on its loss."""

        def has_output(model: Layered) -> bool:
            both = zip(self.batches, self.outputs or (), strict=False)
            return all(np.allclose(model.output(*b[:2]), o) for b, o in both)

        def descends(model: Layered) -> bool:
            of = [self.of_model(model, family) for family in (SQUARED, ENTROPY)]
            pairs = itertools.product(self.own_losses, of)
            return any(self._factors(own.gradients, g) for own, g in pairs)

        _, x, target = self.batches[0]
        found = rebuilt(self.net.parts, x.shape[1], target.shape[1])
        found = [*filter(has_output, found)]
        return [m for m in found if len(found) > 9 and descends(m)] or found

    def of_model(self, model: Layered, *rules: Any) -> Array:
        """The gradients of layers with a mistake; NaN if it cannot be made there."""
        steps = zip(self.batches, self.after, strict=True)
        with suppress(ValueError, NameError, IndexError), np.errstate(all="ignore"):
            return np.array([model.gradient(*b, after, *rules) for b, after in steps])
        return np.full_like(self.gradients, np.nan)


def _usual_names(net: Net, o: Array) -> list[str]:
    """Those of the usual losses that an output o may have."""
    squared, binary, entropy, of_softmax, of_sigmoid, absolute, upstream = USUAL
    if not net.roles & {"target", "pairs"}:
        return [upstream]
    if not np.all((o > 0) & (o < 1)):
        return [squared, of_softmax, of_sigmoid, absolute]
    is_distribution = o.shape[1] > 1 and np.allclose(o.sum(axis=1), 1)
    return [squared, binary, *[entropy] * is_distribution, absolute]


def _slopes(
    net: Net, losses: list[str], theta: Array, x: Array, target: Array
) -> Array:
    """The slopes of some losses by each entry of θ: (parameters, losses)."""

    def values(theta: Array) -> Array:
        usual = [USUAL[name] for name in losses if name in USUAL]
        output = net.output(theta, x) if usual else None
        own = [net.loss(n, theta, x, target) for n in losses if n not in USUAL]
        return np.array([*own, *(np.sum(loss(output, target)) for loss in usual)])

    ends = ((theta + h, theta - h) for h in H * np.eye(len(theta)))
    return np.array([(values(a) - values(b)) / (2 * H) for a, b in ends])


def _size(a: Array) -> float:
    return float(np.max(np.abs(a), initial=0.0))


def is_near(k: float, other: float) -> bool:
    """Whether two factors are the same."""
    return abs(k - other) <= TOLERANCE * abs(other)
