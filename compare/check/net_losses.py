"""Steps of a net, and the losses on which it may descend: their gradients, measured."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from compare.check.definitions import NotTested
from compare.check.net_builder import is_whole, target_like
from compare.check.net_layers import ENTROPY, SQUARED, Layered, rebuilt, weights_of
from compare.check.nets import Functions, Net

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
    """A step of a net on one batch."""

    net: Net
    before: np.ndarray  # θ
    x: np.ndarray
    target: np.ndarray
    output: np.ndarray | None  # None if it is not known, or is made of whole numbers
    after: np.ndarray

    @property
    def gradient(self) -> np.ndarray:
        """That along which the net goes."""
        return (self.before - self.after) / self.net.lr


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: np.ndarray  # (steps, parameters)
    words: dict[float, str]  # what it is called, by the factor before it
    family: str  # SQUARED, ENTROPY or another
    is_own: bool = False  # whether the file computes it

    @property
    def is_measurable(self) -> bool:
        """Whether its gradient is finite, and not 0 everywhere."""
        return bool(np.all(np.isfinite(self.gradients)) and np.any(self.gradients))


def take_step(net: Net, before: np.ndarray, x: np.ndarray, target: np.ndarray) -> Step:
    """Let a net take a step."""
    after, _ = net.step(before, x, target)
    if not np.all(np.isfinite(after)):
        raise NotTested("its parameters become infinite")
    output = None
    with suppress(NotTested):
        output = net.output(before, x)
        output = None if is_whole(output) or output.shape != target.shape else output
    return Step(net, before, x, target, output, after)


def some_steps(net: Net, x: np.ndarray, target: np.ndarray) -> "Steps | None":
    """Steps from random states: two, or more if its output is not measurable.

    None if a step changes nothing.
    """
    names = _parameters(net, x, target)
    net = replace(net, names=names)
    first = take_step(net, net.drawn(0), x, target)
    if not names or not np.any(first.gradient):
        return None
    again = take_step(net, first.before, x, np.roll(target, 1, axis=1)[::-1] + 1)
    if np.array_equal(first.gradient, again.gradient):
        raise NotTested("its step does not depend on the target")
    steps, is_alone = Steps([first]), len(x) == 1
    is_one_hot = first.output is None or {*np.unique(target)} == {0.0, 1.0}
    for seed in range(1, 6 if is_alone and first.output is None else 2):
        theta, rng = net.drawn(seed), np.random.default_rng(5 + seed)
        x = rng.normal(size=x.shape)
        target = np.roll(target, 1, axis=int(is_one_hot and is_alone))
        if not is_one_hot:
            target = target_like(net.output(theta, x), 5 + seed)
        steps.append(take_step(net, theta, x, target))
    return steps


def _parameters(net: Net, x: np.ndarray, target: np.ndarray) -> tuple[str, ...]:
    """The names of the parameters: what the output, or else a step, depends on."""
    theta, rng = net.drawn(0), np.random.default_rng(2)
    try:
        output = net.output(theta, x)
    except NotTested:
        changed = net.step(theta, x, target)[0] != theta
        all_are = isinstance(net.state, Functions)
        return tuple(n for n, p in net.parts.items() if all_are or np.any(changed[p]))
    if not np.array_equal(net.output(theta, x), output, equal_nan=True):
        raise NotTested("its output is random, by dropout, say")

    def acts(part: np.ndarray) -> bool:
        for h in (1.0, 5.0, 5.0):
            moved = theta.copy()
            moved[part] = rng.normal(0, h, part.shape)
            if not np.array_equal(net.output(moved, x), output):
                return True
        return False

    return tuple(name for name, part in net.parts.items() if acts(part))


class Steps(list[Step]):
    """Some steps of a net, and what they are compared with."""

    @cached_property
    def net(self) -> Net:
        """The net."""
        return self[0].net

    @cached_property
    def gradients(self) -> np.ndarray:
        """Of every step, as it was taken."""
        return np.array([step.gradient for step in self])

    def factor(self, want: np.ndarray, *names: str) -> float | None:
        """What k is if the gradient is k · want in all these parameters; else None."""
        parts = [self.net.parts[n] for n in names or self.net.parts]
        found = factors(parts, self.gradients, want)
        return None if found is None else float(found[0])

    def penalty(self, loss: Loss) -> float:
        """What c is if it is along the gradient of the loss + ½ c Σ W²; else 0."""
        weights = np.zeros_like(self.gradients)
        for part in (self.net.parts[n] for n in weights_of(self.net.parts)):
            weights[:, part] = np.array([step.before[part] for step in self])
        parts = [*self.net.parts.values()]
        found = factors(parts, self.gradients, loss.gradients, weights)
        if found is None or abs(found[1]) <= 1e-6 * abs(found[0]):
            return 0.0
        return float(found[1] / found[0])

    @cached_property
    def losses(self) -> list[Loss]:
        """The losses that the file itself computes, and the usual ones."""
        usual = self._usual or self._of_models
        return [self._told(loss, usual) for loss in self.own_losses] + usual

    def _told(self, own: Loss, usual: list[Loss]) -> Loss:
        """A loss of the file, called as the usual one that it is."""
        parts, name = [*self.net.parts.values()], own.words[1.0]
        for like in usual:
            if (k := factors(parts, own.gradients, like.gradients)) is not None:
                words = next((w for f, w in like.words.items() if is_near(k, f)), "")
                words = f"{words or 'its loss'} ({name})"
                return replace(own, words={1.0: words}, family=like.family)
        return replace(own, words={1.0: f"its loss ({name})"})

    @cached_property
    def own_losses(self) -> list[Loss]:
        """The losses that the file itself computes."""
        found = []
        for name in self.net.losses:
            with suppress(Exception):
                gradients = [slopes(partial(_own, step, name), step) for step in self]
                found.append(Loss(np.array(gradients), {1.0: name}, "", True))
        return [loss for loss in found if loss.is_measurable]

    @cached_property
    def _usual(self) -> list[Loss]:
        """The usual losses of the net's own output."""
        if any(step.output is None for step in self):
            return []
        names = _usual_names(self[0])
        measured = np.array([slopes(partial(_usual_of, s, names), s) for s in self])
        found = [self._loss(measured[..., i], name) for i, name in enumerate(names)]
        return [loss for loss in found if loss.is_measurable]

    @cached_property
    def _of_models(self) -> list[Loss]:
        """What layers descend on, for outputs that are not known."""
        return [
            self._loss((1 + is_squared) * self.of_model(model, family, {}), loss)
            for model in self.models
            for family in (SQUARED, ENTROPY)[: 1 + model.has_entropy]
            if (loss := model.loss(family))
            for is_squared in [loss.startswith("(o − y)²")]
        ]

    def _loss(self, gradients: np.ndarray, name: str) -> Loss:
        """A loss of this name, summed over the examples, with its usual factors."""
        n, outputs = self[0].target.shape
        family = ENTROPY if ENTROPY in name else SQUARED
        words = {
            1.0: f"Σ {name}",
            1 / n: f"Σ {name} / number of examples",
            1 / n / outputs: f"the mean of {name}",
        }
        half = {k / 2: f"½ {text}" for k, text in words.items()}
        words = words | half if "²" in name else words
        return Loss(gradients, {1.0: name} if "Σ" in name else words, family)

    @cached_property
    def models(self) -> list[Layered]:
        """The nets of layers that have the net's output, or descend on its loss."""

        def is_same(model: Layered, step: Step) -> bool:
            output = model.passes(step.before, step.x)[1][-1]
            return step.output is None or np.allclose(output, step.output)

        def descends(model: Layered) -> bool:
            found = [self.of_model(model, family, {}) for family in (SQUARED, ENTROPY)]
            parts, own = [*self.net.parts.values()], self.own_losses
            pairs = itertools.product(own, found)
            return any(factors(parts, x.gradients, g) is not None for x, g in pairs)

        ends = self[0].x.shape[1], self[0].target.shape[1]
        found = rebuilt(self.net.parts, *ends)
        found = [m for m in found if all(is_same(m, step) for step in self)]
        return [m for m in found if len(found) > 9 and descends(m)] or found

    def of_model(self, model: Layered, *rules: Any) -> np.ndarray:
        """The gradients of layers with a mistake; NaN if it cannot be made there."""
        with suppress(ValueError, NameError, IndexError), np.errstate(all="ignore"):
            return np.array([model.gradient(step, *rules) for step in self])
        return np.full_like(self.gradients, np.nan)


def _own(step: Step, name: str, theta: np.ndarray) -> np.ndarray:
    return np.array(step.net.loss(name, theta, step.x, step.target))


def _usual_of(step: Step, names: list[str], theta: np.ndarray) -> np.ndarray:
    output = step.net.output(theta, step.x)
    return np.array([np.sum(USUAL[name](output, step.target)) for name in names])


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


def slopes(function: Callable[[np.ndarray], np.ndarray], step: Step) -> np.ndarray:
    """The slopes of a function of θ, by each entry of θ."""
    ends = ((step.before + h, step.before - h) for h in H * np.eye(len(step.before)))
    return np.array([(function(a) - function(b)) / (2 * H) for a, b in ends])


def factors(parts: Any, got: np.ndarray, *wants: np.ndarray) -> np.ndarray | None:
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
    return k


def _size(a: np.ndarray) -> float:
    return float(np.max(np.abs(a), initial=0.0))


def is_near(k: Any, other: float) -> bool:
    """Whether two factors are the same."""
    return bool(abs(k - other) <= TOLERANCE * abs(other))
