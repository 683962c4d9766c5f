"""Steps of a net, and the losses on which it may descend: their gradients, measured."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from compare.check.definitions import NotTested
from compare.check.net_builder import is_whole, target_like
from compare.check.net_layers import ENTROPY, SQUARED, Layered, rebuilt, weights_of
from compare.check.nets import Array, Net

H = 1e-6
TOLERANCE = 1e-5
"""Up to here, relatively, a gradient is that which was measured."""
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
"""The usual losses of an output o, to be summed; g is what a backward pass is given."""


@dataclass(frozen=True)
class Step:
    """A step of a net on one batch, from θ before to θ after."""

    net: Net
    before: Array
    x: Array
    target: Array
    after: Array
    output: Array | None  # None if it is not known, or is made of whole numbers


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: Array  # (steps, parameters)
    words: dict[float, str]  # what it is called, by the factor before it
    family: str  # SQUARED, ENTROPY or another
    is_own: bool = False  # whether the file computes it


def take_step(net: Net, before: Array, x: Array, target: Array) -> Step:
    """Let a net take a step."""
    after, _ = net.step(before, x, target)
    if not np.all(np.isfinite(after)):
        raise NotTested("its parameters become infinite")
    output = None
    with suppress(NotTested):
        output = net.output(before, x)
        output = None if is_whole(output) or output.shape != target.shape else output
    return Step(net, before, x, target, after, output)


def some_steps(net: Net, x: Array, target: Array) -> "Steps | None":
    """Steps from random states: two, or more if its output is not measurable.

    Where a call takes a step for each example in turn, a batch has one example. None
    if a step changes nothing.
    """
    net = replace(net, names=_acting(net, x))
    first = take_step(net, net.drawn(0), x, target)
    if np.array_equal(first.before, first.after):
        return None
    other = np.roll(target, 1, axis=1)[::-1] + 1
    if np.array_equal(first.after, net.step(first.before, x, other)[0]):
        raise NotTested("its step does not depend on the target")
    if _is_sequence(first):
        return some_steps(net, x[:1], target[:1])
    steps, is_alone = Steps([first]), len(x) == 1
    is_one_hot = target.shape[1] > 1 and {*np.unique(target)} == {0.0, 1.0}
    for seed in range(1, 6 if is_alone and first.output is None else 2):
        theta, rng = net.drawn(seed), np.random.default_rng(5 + seed)
        x, target = rng.normal(size=x.shape), np.roll(target, 1, axis=int(is_one_hot))
        with suppress(NotTested):
            target = target if is_one_hot else target_like(net.output(theta, x), seed)
        steps.append(take_step(net, theta, x, target))
    return steps


def _acting(net: Net, x: Array) -> tuple[str, ...]:
    """The parameters on which the output depends; all if there is no output."""
    theta, rng = net.drawn(0), np.random.default_rng(2)
    try:
        output = net.output(theta, x)
    except NotTested:
        return tuple(net.parts)
    if not np.array_equal(net.output(theta, x), output, equal_nan=True):
        raise NotTested("its output is random, by dropout, say")

    def acts(part: Array) -> bool:
        for h in (1.0, 5.0, 5.0):
            moved = theta.copy()
            moved[part] = rng.normal(0, h, part.shape)
            if not np.array_equal(net.output(moved, x), output):
                return True
        return False

    return tuple(name for name, part in net.parts.items() if acts(part))


def _is_sequence(step: Step) -> bool:
    """Whether a call is one step on each example after another."""
    theta, many = step.before, len(step.x) if step.net.train else 0
    for one in (slice(i, i + 1) for i in range(many)):
        theta, _ = step.net.step(theta, step.x[one], step.target[one])
    return many > 1 and np.allclose(theta, step.after)


class Steps(list[Step]):
    """Some steps of a net, and what they are compared with."""

    @cached_property
    def net(self) -> Net:
        """The net."""
        return self[0].net

    @cached_property
    def gradients(self) -> Array:
        """That along which it goes in every step: (θ before − θ after) / lr."""
        return np.array([(step.before - step.after) / step.net.lr for step in self])

    def factor(self, want: Array, *names: str) -> float | None:
        """What k is if the gradient is k · want in all these parameters; else None."""
        parts = [self.net.parts[n] for n in names or self.net.parts]
        return (factors(parts, self.gradients, want) or [None])[0]

    def penalty(self, loss: Loss) -> float:
        """What c is if it is along the gradient of the loss + ½ c Σ W²; else 0."""
        weights = np.zeros_like(self.gradients)
        for part in (self.net.parts[n] for n in weights_of(self.net.parts)):
            weights[:, part] = np.array([step.before[part] for step in self])
        k, c = self._factors(self.gradients, loss.gradients, weights) or (1, 0)
        return c / k if abs(c) > 1e-6 * abs(k) else 0.0

    def _factors(self, *arrays: Array) -> list[float] | None:
        return factors([*self.net.parts.values()], *arrays)

    @cached_property
    def losses(self) -> list[Loss]:
        """The losses that the file itself computes, and the usual ones."""
        usual = [loss for loss in self._measured if not loss.is_own] or self._of_models
        return [self._told(loss, usual) for loss in self.own_losses] + usual

    @cached_property
    def own_losses(self) -> list[Loss]:
        """The losses that the file itself computes."""
        return [loss for loss in self._measured if loss.is_own]

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
        first, net = self[0], self.net
        at = first.before, first.x, first.target
        names = [name for name in net.losses if np.isfinite(net.loss(name, *at))]
        if all(step.output is not None for step in self):
            names += _usual_names(first)
        slopes = np.array([_slopes(step, names) for step in self])
        found = [self._loss(slopes[..., i], name) for i, name in enumerate(names)]
        return [loss for loss in found if 0 < _size(loss.gradients) < np.inf]

    @cached_property
    def _of_models(self) -> list[Loss]:
        """The losses of nets of layers, for an output that is not known."""
        found = []
        for model in self.models:
            for family in (SQUARED, ENTROPY) if model.has_entropy else (SQUARED,):
                name = model.loss(family)
                k = 2 if "²" in name else 1
                found.append(self._loss(k * self.of_model(model, family), name))
        return found

    def _loss(self, gradients: Array, name: str) -> Loss:
        """A loss of this name; a usual one is summed, and has usual factors."""
        if name in self.net.losses or "Σ" in name:
            return Loss(gradients, {1.0: name}, name, name in self.net.losses)
        n, outputs = self[0].target.shape
        words = {1.0: f"Σ {name}", 1 / n: f"Σ {name} / number of examples"}
        words[1 / n / outputs] = f"the mean of {name}"
        half = {k / 2: f"½ {text}" for k, text in words.items()}
        family = ENTROPY if ENTROPY in name else SQUARED if "²" in name else name
        return Loss(gradients, words | half if "²" in name else words, family)

    @cached_property
    def models(self) -> list[Layered]:
        """The nets of layers that have the net's output, or descend on its loss."""

        def is_same(model: Layered, step: Step) -> bool:
            output = model.passes(step.before, step.x)[1][-1]
            return step.output is None or np.allclose(output, step.output)

        def descends(model: Layered) -> bool:
            of = [self.of_model(model, family) for family in (SQUARED, ENTROPY)]
            pairs = itertools.product(self.own_losses, of)
            return any(self._factors(own.gradients, g) for own, g in pairs)

        ends = self[0].x.shape[1], self[0].target.shape[1]
        found = rebuilt(self.net.parts, *ends)
        found = [m for m in found if all(is_same(m, step) for step in self)]
        return [m for m in found if len(found) > 9 and descends(m)] or found

    def of_model(self, model: Layered, *rules: Any) -> Array:
        """The gradients of layers with a mistake; NaN if it cannot be made there."""
        with suppress(ValueError, NameError, IndexError), np.errstate(all="ignore"):
            return np.array([model.gradient(step, *rules) for step in self])
        return np.full_like(self.gradients, np.nan)


def _usual_names(step: Step) -> list[str]:
    """Those of the usual losses that an output may have."""
    o: Any = step.output
    squared, binary, entropy, of_softmax, of_sigmoid, absolute, upstream = USUAL
    if not step.net.roles & {"target", "pairs"}:
        return [upstream]
    if not np.all((o > 0) & (o < 1)):
        return [squared, of_softmax, of_sigmoid, absolute]
    is_distribution = o.shape[1] > 1 and np.allclose(o.sum(1), 1)
    return [squared, binary, *[entropy] * is_distribution, absolute]


def _slopes(step: Step, losses: list[str]) -> Array:
    """The slopes of some losses by each entry of θ: (parameters, losses)."""

    def values(theta: Array) -> Array:
        net, x, y, found = step.net, step.x, step.target, []
        output = net.output(theta, x) if {*losses} & USUAL.keys() else None
        for name in losses:
            is_usual = name in USUAL
            value = USUAL[name](output, y) if is_usual else net.loss(name, theta, x, y)
            found.append(np.sum(value))
        return np.array(found)

    ends = ((step.before + h, step.before - h) for h in H * np.eye(len(step.before)))
    return np.array([(values(a) - values(b)) / (2 * H) for a, b in ends])


def factors(parts: list[Array], got: Array, *wants: Array) -> list[float] | None:
    """Each k if got = Σ k · want in all these parts of θ at every step; else None."""
    index, want = np.concatenate([p.ravel() for p in parts]), np.stack(wants, axis=-1)
    if not np.all(np.isfinite(want)) or _size(want[:, index, 0]) < 1e-8:
        return None
    a, b = want[:, index].reshape(-1, len(wants)), got[:, index].ravel()
    k = np.linalg.lstsq(a, b, rcond=None)[0]
    fitted = want @ k
    most = 1e-7 * _size(fitted[:, index]) + 1e-9
    for part in parts:
        if _size((got - fitted)[:, part]) > TOLERANCE * _size(fitted[:, part]) + most:
            return None
    return k.tolist()


def _size(a: Array) -> float:
    return float(np.max(np.abs(a), initial=0.0))


def is_near(k: float, other: float) -> bool:
    """Whether two factors are the same."""
    return abs(k - other) <= TOLERANCE * abs(other)
