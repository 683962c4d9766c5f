"""Checking a whole net: is its step gradient descent on a loss of its output?

Its gradient is (θ before − θ after) / lr. It is compared with slopes measured on the
net's own forward pass. Where they differ, the net is rebuilt as layers z = a W + b,
a' = f(z), if that gives its output, and every known mistake is tried on these.
"""

import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.comparison import finding_of
from compare.check.definitions import Definition, NotTested
from compare.check.layered import ENTROPY, SQUARED, Layered, layered, softmax
from compare.check.mistakes import HINTS, NETS
from compare.check.nets import LR, Net, Values, drawn, nets, target_like
from compare.check.report import Finding, Kind

H = 1e-6
TOLERANCE = 1e-5
"""Up to here, relatively, a gradient is that which was measured."""
Gradients = list[Values]
"""Of every step."""


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: Gradients
    usual: dict[float, str]  # what it is called with usual factors before it
    family: str  # SQUARED, ENTROPY or another
    is_own: bool = False  # whether the file computes it


@dataclass
class Step:
    """A step of a net on one batch."""

    net: Net
    before: Values
    x: np.ndarray
    target: np.ndarray
    output: np.ndarray | None  # None: the net has no forward pass of its own
    after: Values
    gradient: Values  # (before − after) / lr of what the output depends on


def training_step(definition: Definition) -> Finding:
    """Find the loss on which a net descends, or what is wrong in its step."""
    steps = _understood(definition)
    found = _judged(definition, steps)
    if found is None and len(steps[0].x) > 1 and _is_sequence(steps[0]):
        steps = [_step(s.net, s.before, s.x[:1], s.target[:1]) for s in steps]
        found = _judged(definition, steps)
    return found or _unexplained(definition, steps)


# -- steps -----------------------------------------------------------------------------


def _understood(definition: Definition) -> list[Step]:
    """Two steps of the net, in the first way in which it can be built and called."""
    why: dict[str, None] = {}
    for net, x, target in nets(definition):
        try:
            first = _step(net, drawn(net, 0), x, target)
            if not first.gradient or not any(map(np.any, first.gradient.values())):
                continue
            rng = np.random.default_rng(5)
            x, values = rng.normal(size=x.shape), drawn(net, 1)
            if first.output is not None:
                target = target_like(net.output(values, x), 6)
            return [first, _step(net, values, x, target)]
        except NotTested as error:
            why[str(error)] = None
        except Exception as error:
            why[wording.raised(error)] = None
    tried = "; ".join([*why][-2:]) or "no parameter changed"
    words = "its training step could not be called with a small batch"
    raise NotTested(f"{words}: {tried}")


def _step(net: Net, before: Values, x: np.ndarray, target: np.ndarray) -> Step:
    after, _ = net.step(before, x, target)
    try:
        output = net.output(before, x)
    except NotTested:
        output = None
    changed = [n for n, a in before.items() if not np.array_equal(a, after.get(n, a))]
    names = [n for n in before if output is not None and _acts(net, before, n, x)]
    names = names or changed
    if not all(np.all(np.isfinite(after[n])) for n in names):
        raise NotTested("its parameters become infinite")
    lr = LR if net.has_lr else 1.0
    gradient = {n: (before[n] - after[n]) / lr for n in names}
    return Step(net, before, x, target, output, after, gradient)


def _acts(net: Net, values: Values, name: str, x: np.ndarray) -> bool:
    """Whether the output depends on a parameter."""
    moved = values | {
        name: values[name]
        + np.linspace(0.3, 0.7, values[name].size).reshape(values[name].shape)
    }
    return not np.array_equal(net.output(moved, x), net.output(values, x))


def _is_sequence(step: Step) -> bool:
    """Whether a step on a batch is one step on each example after another."""
    for order in itertools.permutations(range(len(step.x))):
        values = step.before
        for i in order:
            one = slice(i, i + 1)
            values, _ = step.net.step(values, step.x[one], step.target[one])
        if all(np.allclose(values[n], step.after[n]) for n in step.gradient):
            return True
    return False


# -- losses ----------------------------------------------------------------------------


def _losses(steps: list[Step]) -> list[Loss]:
    """The losses that the file itself computes, and the usual ones by its output."""
    standard = [*_standard_losses(steps)]
    own = []
    for name in steps[0].net.losses(steps[0].before, steps[0].x, steps[0].target):
        with suppress(Exception):
            found = [
                _slopes(lambda v, s=s: s.net.losses(v, s.x, s.target)[name], s)
                for s in steps
            ]
            same = (s.family for s in standard if _factor(found, s.gradients))
            own.append(Loss(found, {1.0: f"its own {name}"}, next(same, ""), True))
    return [loss for loss in own + standard if _factor(loss.gradients, loss.gradients)]


def _standard_losses(steps: list[Step]) -> Iterator[Loss]:
    if any(s.output is None for s in steps):
        return
    measured = [_slopes(lambda v, s=s: s.net.output(v, s.x), s) for s in steps]
    if (g := steps[0].net.upstream) is not None:
        upstreams = [{"Σ g · o": g[: len(s.x)]} for s in steps]
    else:
        upstreams = [_upstreams(s.output, s.target) for s in steps]
    n, outputs = steps[0].target.shape
    for name in upstreams[0]:
        gradients = [
            {p: np.tensordot(slope, up[name], 2) for p, slope in m.items()}
            for m, up in zip(measured, upstreams, strict=True)
            if name in up
        ]
        means = {1.0: "Σ ", 1 / n: "the mean of ", 1 / n / outputs: "the mean of all "}
        if "Σ" in name:
            means = {1.0: ""}
        elif "²" in name:
            means |= {k / 2: f"½ {words}" for k, words in [*means.items()]}
        usual = {k: words + name for k, words in reversed(means.items())}
        family = ENTROPY if ENTROPY in name else SQUARED if "²" in name else name
        if len(gradients) == len(steps):
            yield Loss(gradients, usual, family)


def _upstreams(o: Any, y: np.ndarray) -> Values:
    """The slopes of the usual losses by the output."""
    found = {"(o − y)²": 2 * (o - y)}
    if np.all((o > 0) & (o < 1)):
        found[f"binary {ENTROPY}"] = (o - y) / (o * (1 - o))
        if o.shape[1] > 1 and np.allclose(o.sum(1), 1):
            found[ENTROPY] = -y / o
    else:
        found[f"{ENTROPY} of softmax(o)"] = softmax(o) - y
        found[f"binary {ENTROPY} of sigmoid(o)"] = 1 / (1 + np.exp(-o)) - y
    return found | {"|o − y|": np.sign(o - y)}


def _slopes(function: Callable[[Values], Any], step: Step) -> Values:
    """The slope of a function of the parameters, by each of their entries."""
    found = {}
    for name in step.gradient:
        a, rows = step.before[name], []
        for index in np.ndindex(a.shape):
            ends = []
            for h in (H, -H):
                moved = a.copy()
                moved[index] += h
                ends.append(np.asarray(function(step.before | {name: moved})))
            rows.append((ends[0] - ends[1]) / (2 * H))
        found[name] = np.array(rows).reshape(*a.shape, *rows[0].shape)
    return found


def _factor(got: Gradients, want: Gradients, names: Any = None) -> float | None:
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


def _size(a: np.ndarray) -> float:
    return float(np.max(np.abs(a), initial=0.0))


# -- conclusions -----------------------------------------------------------------------


def _judged(definition: Definition, steps: list[Step]) -> Finding | None:
    """What the steps are; None if that is not recognised."""
    got, before = [s.gradient for s in steps], steps[0].before
    if wide := [n for n, g in got[0].items() if g.shape != before[n].shape]:
        return _mistake(definition, "bias gradient not summed over the batch", wide)
    losses = _losses(steps)
    own = [loss for loss in losses if loss.is_own]
    for loss in own:
        if k := _factor(got, loss.gradients):
            return _descends(definition, steps, loss, k)
    if any(_penalty(steps, loss) < 0 for loss in own):
        name = "penalty in the loss but not in the gradient"
        return _mistake(definition, name, _weights(steps[0]))
    written, families = _written(definition), {x.family for x in own if x.family}
    if not families and written == {SQUARED}:
        families = written
    losses = [x for x in losses if x.is_own or not families or x.family in families]
    for loss in losses:
        if k := _factor(got, loss.gradients):
            is_told = bool(written) or not any(
                "binary" in w for w in loss.usual.values()
            )
            return _descends(definition, steps, loss, k, is_told)
    for loss in losses:
        if words := _by_tensor(steps, loss):
            return _mistake(definition, *words)
    if found := _by_layers(definition, steps, families or {SQUARED, ENTROPY}):
        return found
    for loss in losses:
        if (weight := _penalty(steps, loss)) > 0:
            usual = {k: f"{w} + {weight:.3g} · ½ Σ W²" for k, w in loss.usual.items()}
            return _descends(definition, steps, replace(loss, usual=usual), 1)
    return None


def _written(definition: Definition) -> set[str]:
    """The losses of which the file's text speaks."""
    with suppress(OSError, TypeError):
        text = inspect.getsource(sys.modules[definition.make.__module__]).lower()
        words = {
            SQUARED: r"square|\bmse|quadratic|\*\* ?2",
            ENTROPY: r"\blog\(|entropy|softmax|logistic",
        }
        return {loss for loss, pattern in words.items() if re.search(pattern, text)}
    return set()


def _descends(
    definition: Definition,
    steps: list[Step],
    loss: Loss,
    k: float,
    is_told: bool = True,
) -> Finding:
    """A step along the gradient of a loss."""
    if k < 0:
        return _mistake(definition, "sign", ["all parameters"])
    if _adds_up(steps[0]):
        return _mistake(definition, "forgotten zero_grad", ["the second step"])
    kind: Kind = "rounding"
    words = next((w for f, w in loss.usual.items() if abs(k / f - 1) < TOLERANCE), "")
    hint, (factor, plain) = "", next(reversed(loss.usual.items()))
    if not words and steps[0].net.has_lr:
        kind, hint = "convention", "the learning rate can make up for the factor"
        words = f"{plain}, times {k / factor:.6g}"
    elif not words:
        words = f"{plain}, with the learning rate {k / factor:.6g}"
    if not is_told:
        kind, hint = "convention", f"if the loss is the squared error: {HINTS[SLOPE]}"
        words += f" (with the squared error: {SLOPE})"
    words = f"its step is gradient descent on {words}"
    one = ["a batch of several examples at once"] if len(steps[0].x) == 1 else []
    cases = len(steps)
    return finding_of(definition, kind, words, hint, cases=cases, not_tested=one)


SLOPE = "slope of the output activation missing"


def _mistake(definition: Definition, name: str, where: Iterable[str]) -> Finding:
    words = f"{name}: {', '.join(where)}"
    return finding_of(definition, "mistake", words, HINTS.get(name, ""), cases=2)


def _adds_up(step: Step) -> bool:
    """Whether a second step goes along the sum of both gradients."""
    net = step.net
    if not net.learns_itself:
        return False
    fresh, _ = net.step(step.after, step.x, step.target)
    second, _ = net.step(step.before, step.x, step.target, steps=2)
    return all(
        _size(g) > 1e-9
        and np.allclose(
            fresh[n] - second[n], step.before[n] - step.after[n], 1e-6, 1e-9
        )
        for n, g in step.gradient.items()
    )


def _weights(step: Step) -> list[str]:
    return [n for n in step.gradient if min(step.before[n].shape or (1,)) > 1]


def _penalty(steps: list[Step], loss: Loss) -> float:
    """What c is if the gradient is a multiple of that of the loss + c W; else 0."""
    rows, got = [], []
    for step, gradient in zip(steps, loss.gradients, strict=True):
        for name, g in step.gradient.items():
            w = step.before[name] * (name in _weights(step))
            rows.append(np.stack([gradient[name].ravel(), w.ravel()], 1))
            got.append(g.ravel())
    a, b = np.concatenate(rows), np.concatenate(got)
    (k, c), *_ = np.linalg.lstsq(a, b)
    is_same = _size(a @ [k, c] - b) <= TOLERANCE * _size(b)
    return c / k if is_same and abs(c) > TOLERANCE * abs(k) else 0.0


def _by_tensor(steps: list[Step], loss: Loss) -> tuple[str, list[str]] | None:
    """What is wrong if every tensor has a multiple of its gradient, not all the same."""
    got = [s.gradient for s in steps]
    factors = {n: _factor(got, loss.gradients, [n]) for n in got[0]}
    known = {n: k for n, k in factors.items() if k is not None}
    if len(known) < len(factors) or not any(known.values()):
        return None

    def is_near(k: float, other: float) -> bool:
        return abs(k - other) <= TOLERANCE * abs(other)

    right = max(
        (k for k in known.values() if k),
        key=lambda k: (
            sum(is_near(k, other) for other in known.values()),
            any(is_near(k, usual) for usual in loss.usual),
        ),
    )
    odd = [n for n, k in known.items() if not is_near(k, right)]
    ratio = known[odd[0]] / right
    same = [n for n in odd if is_near(known[n] / right, ratio)]
    if ratio == 0:
        return "gradient forgotten, never updated", same
    if is_near(ratio, -1):
        return "sign", same
    how = (
        f"{ratio:.4g} times too large"
        if abs(ratio) > 1
        else f"{1 / ratio:.4g} times too small"
    )
    return f"factor in one gradient only ({how})", same


def _by_layers(
    definition: Definition, steps: list[Step], families: set[str]
) -> Finding | None:
    """The first mistake in layers z = a W + b, a' = f(z) that gives these steps."""
    got = [s.gradient for s in steps]
    models = _models(steps)
    ways = [(row, way) for row in NETS for way in row.get("ways", [])]
    for row, way in [({}, {}), *ways]:
        for model, family in itertools.product(models, sorted(families, reverse=True)):
            if row.get("of", family) != family:
                continue
            for only in (None, *range(len(model.layers))) if way else (None,):
                k = _factor(got, _model_gradients(model, steps, family, way, only))
                if k and not way:
                    usual = {k: model.words}
                    return _descends(definition, steps, Loss(got, usual, family), k)
                if k:
                    where = model.changed(only)
                    return _mistake(definition, row["name"], where)
    return None


def _models(steps: list[Step]) -> list[Layered]:
    """The nets of layers that have the net's output."""
    values = {n: steps[0].before[n] for n in steps[0].gradient}
    found = layered(values, steps[0].x.shape[1], steps[0].target.shape[1])
    return [
        model
        for model in found
        if all(
            s.output is None
            or np.allclose(model.passes(s.before, s.x)[1][-1], s.output)
            for s in steps
        )
    ]


def _model_gradients(
    model: Layered, steps: list[Step], family: str, way: Any, only: int | None
) -> Gradients:
    """The gradients that layers have with a mistake; none if it cannot be made there."""
    with (
        suppress(ValueError, KeyError, NameError, IndexError),
        np.errstate(all="ignore"),
    ):
        return [
            model.gradient(s.before, s.after, s.x, s.target, family, way, only)
            for s in steps
        ]
    return [{n: np.array(np.nan) for n in s.gradient} for s in steps]


def _unexplained(definition: Definition, steps: list[Step]) -> Finding:
    """Which tensors are wrong; not judged if none is right."""
    got = [s.gradient for s in steps]
    best: list[str] = []
    losses = _losses(steps)
    for loss in losses:
        right = [n for n in got[0] if _factor(got, loss.gradients, [n])]
        best = max(best, right, key=len)
    if not best and not any(loss.is_own for loss in losses):
        raise NotTested(
            "its step is no gradient of a usual loss of its output (squared error, "
            "cross-entropy), by all its parameters: " + ", ".join(got[0])
        )
    wrong = [n for n in got[0] if n not in best]
    words = f"cause not recognised: gradient {', '.join(wrong)}"
    return finding_of(definition, "wrong", words, cases=len(steps))
