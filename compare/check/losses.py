"""The steps of a net, and the losses on which it may descend, measured numerically."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from compare.check.building import drawn, is_whole, target_like
from compare.check.definitions import NotTested
from compare.check.layered import (
    ENTROPY,
    SQUARED,
    Layered,
    layered,
    softmax,
    weights_of,
)
from compare.check.nets import Net, Values

H = 1e-6
TOLERANCE = 1e-5
"""Up to here, relatively, a gradient is that which was measured."""
Gradients = list[Values]
"""Of every step."""


@dataclass(frozen=True)
class Step:
    """A step of a net on one batch."""

    net: Net
    before: Values
    x: np.ndarray
    target: np.ndarray
    output: np.ndarray | None  # None if it is not known, or is made of whole numbers
    after: Values
    gradient: Values  # (before − after) / lr, by parameter


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: Gradients
    words: dict[float, str]  # what it is called, by the factor before it
    family: str  # SQUARED, ENTROPY or another
    is_own: bool = False  # whether the file computes it

    @property
    def is_measurable(self) -> bool:
        """Whether its gradient is not 0 everywhere."""
        return factor(self.gradients, self.gradients) is not None


def take_step(net: Net, before: Values, x: np.ndarray, target: np.ndarray) -> Step:
    """Let a net take a step."""
    after, _ = net.step(before, x, target)
    if not all(np.all(np.isfinite(after[n])) for n in before):
        raise NotTested("its parameters become infinite")
    for n in before:
        if after[n].size == before[n].size:
            after[n] = after[n].reshape(before[n].shape)
        elif n in weights_of(before):
            raise NotTested(f"{n} of shape {before[n].shape} becomes {after[n].shape}")
    changed = [n for n, a in before.items() if not np.array_equal(a, after[n])]
    names = net.names or (changed if net.is_class else [*before])
    output = net.output(before, x) if net.names else None
    if output is not None and (is_whole(output) or output.shape != target.shape):
        output = None
    gradient = {n: (before[n] - after[n]) / net.lr for n in names}
    return Step(net, before, x, target, output, after, gradient)


def some_steps(net: Net, x: np.ndarray, target: np.ndarray) -> "Steps | None":
    """Steps from random states: two, or more if its output is not measurable.

    None if a step changes nothing.
    """
    net = replace(net, names=_acting(net, x))
    first = take_step(net, drawn(net, 0), x, target)
    if not any(map(np.any, first.gradient.values())):
        return None
    again = take_step(net, first.before, x, target[::-1] + 1).gradient
    is_auto = all(np.array_equal(g, again[n]) for n, g in first.gradient.items())
    if is_auto and x.shape != target.shape:
        raise NotTested("its step does not depend on the target")
    steps = [take_step(net, first.before, x, x)] if is_auto else [first]
    is_one_hot = first.output is None or {*np.unique(target)} == {0.0, 1.0}
    for seed in range(1, 6 if len(x) == 1 and first.output is None else 2):
        values, x = (
            drawn(net, seed),
            np.random.default_rng(5 + seed).normal(size=x.shape),
        )
        target = np.roll(target, 1, axis=is_one_hot * (len(x) == 1))
        if not is_one_hot:
            target = target_like(net.output(values, x), 5 + seed)
        steps.append(take_step(net, values, x, x if is_auto else target))
    return Steps(steps)


def _acting(net: Net, x: np.ndarray) -> tuple[str, ...]:
    """The parameters: what the output depends on; () if there is no output."""
    values, rng = drawn(net, 0), np.random.default_rng(2)
    try:
        output = net.output(values, x)
    except NotTested:
        return ()
    if not np.array_equal(net.output(values, x), output, equal_nan=True):
        raise NotTested("its output is random, by dropout, say")

    def acts(name: str) -> bool:
        shape = values[name].shape
        moved = (values | {name: rng.normal(0, h, shape)} for h in (1.0, 5.0, 5.0))
        return any(not np.array_equal(net.output(new, x), output) for new in moved)

    return tuple(filter(acts, values))


class Steps(list[Step]):
    """Some steps of a net, and what they are compared with."""

    @cached_property
    def gradients(self) -> Gradients:
        """Of every step, as it was taken."""
        return [step.gradient for step in self]

    @cached_property
    def losses(self) -> list[Loss]:
        """The losses that the file itself computes, and the usual ones."""
        usual = [loss for loss in self._by_output() if loss.is_measurable]
        usual = usual or [loss for loss in self._by_layers() if loss.is_measurable]
        found = []
        for loss in self.own_losses:
            pairs = ((x, factor(loss.gradients, x.gradients)) for x in usual)
            like, k = next(((x, k) for x, k in pairs if k), (loss, 0.0))
            told = (words for f, words in like.words.items() if is_near(k, f))
            words = f"{next(told, 'its loss')} ({loss.words[1.0]})"
            found.append(replace(loss, words={1.0: words}, family=like.family))
        return found + usual

    @cached_property
    def own_losses(self) -> list[Loss]:
        """The losses that the file itself computes."""
        found = []
        for name in self[0].net.losses:
            with suppress(Exception):
                gradients = [slopes(_own(step, name), step) for step in self]
                found.append(Loss(gradients, {1.0: name}, "", True))
        return [loss for loss in found if loss.is_measurable]

    def _by_output(self) -> Iterator[Loss]:
        """The usual losses of the net's own output."""
        if any(step.output is None for step in self):
            return
        measured = [slopes(_own(step), step) for step in self]
        upstreams = [_upstreams(step) for step in self]
        for name in [n for n in upstreams[0] if n in upstreams[1]]:
            gradients = [
                {n: np.tensordot(slope, up[name], 2) for n, slope in each.items()}
                for each, up in zip(measured, upstreams, strict=True)
            ]
            family = ENTROPY if ENTROPY in name else SQUARED if "²" in name else name
            yield Loss(gradients, _words(name, *self[0].target.shape), family)

    def _by_layers(self) -> Iterator[Loss]:
        """What layers descend on, for outputs that are not known."""
        for model in self.models:
            for family in (SQUARED, ENTROPY) if model.has_entropy else (SQUARED,):
                name, found = model.loss_words(family), self.of_model(model, family)
                k = 2 if "²" in name else 1
                gradients = [{n: k * g for n, g in each.items()} for each in found]
                yield Loss(gradients, _words(name, *self[0].target.shape), family)

    @cached_property
    def models(self) -> list[Layered]:
        """The nets of layers that have the net's output, or descend on its loss."""

        def is_same(model: Layered, step: Step) -> bool:
            output = model.passes(step.before, step.x)[1][-1]
            return step.output is None or np.allclose(output, step.output)

        def descends(model: Layered) -> bool:
            found = [self.of_model(model, family) for family in (SQUARED, ENTROPY)]
            return any(factor(x.gradients, g) for x in self.own_losses for g in found)

        first = self[0]
        values = {n: first.before[n] for n in first.gradient}
        found = layered(values, first.x.shape[1], first.target.shape[1])
        found = [m for m in found if all(is_same(m, step) for step in self)]
        return [m for m in found if len(found) > 9 and descends(m)] or found

    def of_model(self, model: Layered, *rules: Any) -> Gradients:
        """The gradients of layers with a mistake; NaN if it cannot be made there."""
        with suppress(ValueError, NameError, IndexError), np.errstate(all="ignore"):
            return [
                model.gradient(s.before, s.after, s.x, s.target, *rules) for s in self
            ]
        return [{n: a * np.nan for n, a in s.gradient.items()} for s in self]


def _own(step: Step, loss: str = "") -> Callable[[Values], np.ndarray]:
    """The net's output, or one of its losses, as a function of the parameters."""
    if loss:
        return lambda values: step.net.loss(loss, values, step.x, step.target)
    return lambda values: step.net.output(values, step.x)


def _words(loss: str, n: int, outputs: int) -> dict[float, str]:
    """What a loss is called with usual factors before it."""
    if "Σ" in loss:
        return {1.0: loss}
    found = {1.0: f"Σ {loss}", 1 / n: f"Σ {loss} / number of examples"}
    found[1 / n / outputs] = f"the mean of {loss}"
    half = {k / 2: f"½ {words}" for k, words in found.items()}
    return found | half if "²" in loss else found


def _upstreams(step: Step) -> Values:
    """The slopes of the usual losses by the output."""
    o: Any = step.output
    y = step.target
    if step.net.upstream is not None:
        return {"Σ g · o": step.net.upstream[: len(step.x)]}
    found = {"(o − y)²": 2 * (o - y)}
    if np.all((o > 0) & (o < 1)):
        found[f"binary {ENTROPY}"] = (o - y) / (o * (1 - o))
        if o.shape[1] > 1 and np.allclose(o.sum(1), 1):
            found[ENTROPY] = -y / o
    else:
        found[f"{ENTROPY} of softmax(o)"] = softmax(o) - y
        found[f"binary {ENTROPY} of sigmoid(o)"] = 1 / (1 + np.exp(-o)) - y
    return found | {"|o − y|": np.sign(o - y)}


def slopes(function: Callable[[Values], np.ndarray], step: Step) -> Values:
    """The slope of a function of the parameters, by each of their entries."""
    found = {}
    for name in step.gradient:
        a, rows = step.before[name], []
        for index in np.ndindex(a.shape):
            ends = []
            for h in (H, -H):
                moved = a.copy()
                moved[index] += h
                ends.append(function(step.before | {name: moved}))
            rows.append((ends[0] - ends[1]) / (2 * H))
        found[name] = np.array(rows).reshape(a.shape + rows[0].shape)
    return found


def factor(got: Gradients, want: Gradients, names: Any = None) -> float | None:
    """What k is if got = k · want in all of these tensors, in every step."""
    pairs = [(g[n], w[n]) for g, w in zip(got, want, strict=True) for n in names or g]
    if any(g.shape != w.shape or not np.all(np.isfinite(w)) for g, w in pairs):
        return None
    square = sum(float(np.sum(w * w)) for _, w in pairs)
    if square < 1e-16:
        return None
    k = sum(float(np.sum(g * w)) for g, w in pairs) / square
    size = max(_size(k * w) for _, w in pairs)
    is_same = all(
        _size(g - k * w) <= TOLERANCE * _size(k * w) + 1e-7 * size + 1e-9
        for g, w in pairs
    )
    return k if is_same else None


def penalty(steps: Steps, loss: Loss) -> float:
    """What c is if the gradient is a multiple of that of the loss + c W; else 0."""
    weights, rows, got = weights_of(steps[0].before), [], []
    for step, gradient in zip(steps, loss.gradients, strict=True):
        for name, g in step.gradient.items():
            w = step.before[name] * (name in weights)
            rows.append(np.stack([gradient[name].ravel(), w.ravel()], 1))
            got.append(g.ravel())
    a, b = np.concatenate(rows), np.concatenate(got)
    if not np.all(np.isfinite(a)) or len(a) != len(b):
        return 0.0
    (k, c), *_ = np.linalg.lstsq(a, b, rcond=None)
    is_same = _size(a @ [k, c] - b) <= TOLERANCE * _size(b)
    return c / k if is_same and abs(c) > 1e-6 * abs(k) else 0.0


def _size(a: np.ndarray) -> float:
    return float(np.max(np.abs(a), initial=0.0))


def is_near(k: float, other: float) -> bool:
    """Whether two factors are the same."""
    return abs(k - other) <= TOLERANCE * abs(other)
