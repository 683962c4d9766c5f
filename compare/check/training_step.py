"""Checking a whole net: is its step gradient descent on a loss of its output?

Its gradient is (θ before − θ after) / lr. It is compared with slopes measured on the
net's own forward pass, for its own loss and for the usual ones. Where they differ, the
net is rebuilt of layers z = a W + b, a' = f(z), if these have its output, and every
known mistake is made in their backward pass.
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
from compare.check.layered import (
    ENTROPY,
    SQUARED,
    Layered,
    layered,
    softmax,
    weights_of,
)
from compare.check.mistakes import HINTS, NETS
from compare.check.nets import Net, Values, drawn, is_whole, nets, target_like
from compare.check.report import Finding, Kind

H = 1e-6
TOLERANCE = 1e-5
"""Up to here, relatively, a gradient is that which was measured."""
PENALTY = "wrong gradient of the penalty"
SLOPE = "slope of the output activation missing"
Gradients = list[Values]
"""Of every step."""


@dataclass(frozen=True)
class Step:
    """A step of a net on one batch."""

    net: Net
    before: Values
    x: np.ndarray
    target: np.ndarray
    output: np.ndarray | None  # None if it has no forward pass, or one with steps
    after: Values
    gradient: Values  # (before − after) / lr of all that the output depends on


@dataclass(frozen=True)
class Loss:
    """A loss on which a net may descend."""

    gradients: Gradients
    words: dict[float, str]  # what it is called, by the factor before it
    family: str  # SQUARED, ENTROPY or another
    is_own: bool = False  # whether the file computes it


def training_step(definition: Definition) -> Finding:
    """Find the loss on which a net descends, or what is wrong in its step."""
    return _judged(definition, _understood(definition))


def _judged(definition: Definition, steps: list[Step]) -> Finding:
    net = steps[0].net
    if found := _right(definition, steps):
        return found
    one = [*map(_of_one_example, steps)] if len(steps[0].x) > 1 else []
    if one and (_is_sequence(steps[0]) or _is_random(steps[0])):
        steps, one = one, []
    found = _right(definition, steps) or _named(definition, steps)
    if found is None and one and not _loops(steps[0].net) and _right(definition, one):
        words = "right for a batch of one example, but not for several"
        return finding_of(definition, "wrong", words, cases=len(steps))
    if found is None and "penalty" in net.roles:
        plain = [*map(_without_penalty, steps)]
        if _right(definition, plain):
            return _mistake(definition, PENALTY, weights_of(steps[0].gradient))
        found = _named(definition, plain)
    return found or _unexplained(definition, steps)


# -- steps -----------------------------------------------------------------------------


def _understood(definition: Definition) -> list[Step]:
    """Two steps of the net, in the first way in which it can be built and called."""
    why: dict[str, None] = {}
    for net, x, target in nets(definition.make):
        try:
            net = replace(net, names=_acting(net, x))
            first = _step(net, drawn(net, 0), x, target)
            if any(map(np.any, first.gradient.values())):
                values, x = drawn(net, 1), np.random.default_rng(5).normal(size=x.shape)
                if first.output is not None and not set(np.unique(target)) == {
                    0.0,
                    1.0,
                }:
                    target = target_like(net.output(values, x), 6)
                return [first, _step(net, values, x, target[::-1])]
        except Exception as error:
            what = str(error) if isinstance(error, NotTested) else wording.raised(error)
            why[what] = None
    tried = "; ".join([*why][:2]) or "no parameter changed"
    raise NotTested(
        f"no training step could be taken with a small batch: {tried}; give the net a "
        "forward(X) and a train(X, y, lr) that takes one step"
    )


def _acting(net: Net, x: np.ndarray) -> tuple[str, ...]:
    """The parameters: what the output depends on; () if there is no output."""
    values = drawn(net, 0)
    try:
        output = net.output(values, x)
    except NotTested:
        return ()

    def acts(name: str) -> bool:
        rng, shape = np.random.default_rng(2), values[name].shape
        moved = (values | {name: rng.normal(0, h, shape)} for h in (1.0, 5.0, 5.0))
        return any(not np.array_equal(net.output(new, x), output) for new in moved)

    return tuple(filter(acts, values))


def _step(net: Net, before: Values, x: np.ndarray, target: np.ndarray) -> Step:
    after, _ = net.step(before, x, target)
    changed = [n for n, a in before.items() if not np.array_equal(a, after[n])]
    if not all(np.all(np.isfinite(after[n])) for n in before):
        raise NotTested("its parameters become infinite")
    for n in before:
        if after[n].size == before[n].size:
            after[n] = after[n].reshape(before[n].shape)
        elif n in weights_of(before):
            raise NotTested(f"{n} of shape {before[n].shape} becomes {after[n].shape}")
    names = net.names or (changed if net.is_class else [*before])
    gradient = {n: (before[n] - after[n]) / net.lr for n in names}
    output = net.output(before, x) if net.names else None
    if output is not None and (is_whole(output) or output.shape != target.shape):
        output = None
    return Step(net, before, x, target, output, after, gradient)


def _is_sequence(step: Step) -> bool:
    """Whether a call is one step on each example after another, up to 100 times."""
    values = step.before
    for _ in range(100 if step.net.train else 0):
        for i in range(len(step.x)):
            one = slice(i, i + 1)
            values, _ = step.net.step(values, step.x[one], step.target[one])
        if all(np.allclose(values[n], step.after[n]) for n in step.gradient):
            return True
    return False


def _loops(net: Net) -> bool:
    """Whether one call may take several steps."""
    function = net.find(net.state, (net.train,)) if net.train else None
    text = inspect.getsource(function) if function else ""
    return bool(re.search(r"^\s*(for|while)\b", text, re.M))


def _is_random(step: Step) -> bool:
    """Whether a step depends on what is drawn in it, on examples, say."""
    again, _ = step.net.step(step.before, step.x, step.target, seed=1)
    return any(not np.array_equal(again[n], step.after[n]) for n in step.gradient)


def _without_penalty(step: Step) -> Step:
    """The same step without a penalty."""
    net = replace(step.net, penalty=0.0)
    return _step(net, step.before, step.x, step.target)


def _of_one_example(step: Step) -> Step:
    """The step on the first example that changes anything."""
    ones = (slice(i, i + 1) for i in range(len(step.x)))
    steps = [_step(step.net, step.before, step.x[i], step.target[i]) for i in ones]
    return next(s for s in steps if any(map(np.any, s.gradient.values())))


# -- losses ----------------------------------------------------------------------------


def _losses(steps: list[Step]) -> list[Loss]:
    """The losses that the file itself computes, and the usual ones of its output."""
    usual = [*_by_output(steps)]
    if not any(_is_measurable(loss) for loss in usual):
        usual = [*_of_layers(steps)]
    own = []
    for loss in _own_losses(steps):
        same = ((x, k) for x in usual if (k := _factor(loss.gradients, x.gradients)))
        like, k = next(same, (loss, 0.0))
        told = (words for f, words in like.words.items() if _is_near(k, f))
        words = f"{next(told, 'its loss')} ({loss.words[1.0]})"
        family = like.family
        own.append(replace(loss, words={1.0: words}, family=family))
    return [*filter(_is_measurable, own + usual)]


def _own_losses(steps: list[Step]) -> list[Loss]:
    """The losses that the file itself computes."""
    found = []
    for name in steps[0].net.losses(steps[0].before, steps[0].x, steps[0].target):
        with suppress(KeyError):
            gradients = [_slopes(_own_loss(s, name), s) for s in steps]
            found.append(Loss(gradients, {1.0: name}, "", True))
    return [*filter(_is_measurable, found)]


def _is_measurable(loss: Loss) -> bool:
    return _factor(loss.gradients, loss.gradients) is not None


def _own_loss(step: Step, name: str) -> Callable[[Values], np.ndarray]:
    return lambda values: step.net.losses(values, step.x, step.target)[name]


def _by_output(steps: list[Step]) -> Iterator[Loss]:
    """The usual losses of the net's own output."""
    if any(s.output is None for s in steps):
        return
    measured = [_slopes(lambda v, s=s: s.net.output(v, s.x), s) for s in steps]
    if (g := steps[0].net.upstream) is not None:
        upstreams = [{"Σ g · o": g[: len(s.x)]} for s in steps]
    else:
        upstreams = [_upstreams(s.output, s.target) for s in steps]
    for name in upstreams[0].keys() & upstreams[1].keys():
        gradients = [
            {p: np.tensordot(slope, up[name], 2) for p, slope in m.items()}
            for m, up in zip(measured, upstreams, strict=True)
        ]
        family = ENTROPY if ENTROPY in name else SQUARED if "²" in name else name
        yield Loss(gradients, _words(name, *steps[0].target.shape), family)


def _words(loss: str, n: int, outputs: int) -> dict[float, str]:
    """What a loss is called with usual factors before it."""
    if "Σ" in loss:
        return {1.0: loss}
    found = {1.0: f"Σ {loss}", 1 / n: f"Σ {loss} / number of examples"}
    found[1 / n / outputs] = f"the mean of {loss}"
    half = {k / 2: f"½ {words}" for k, words in found.items()}
    return found | half if "²" in loss else found


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


def _of_layers(steps: list[Step]) -> Iterator[Loss]:
    """What layers descend on, for outputs that are steps or not known."""
    for model in _models(steps):
        for family in (SQUARED, ENTROPY):
            loss, found = (
                model.loss_words(family),
                _model_gradients(model, steps, family),
            )
            k = 2 if "²" in loss else 1
            gradients = [{n: k * g for n, g in each.items()} for each in found]
            words = _words(loss, *steps[0].target.shape)
            yield Loss(gradients, words, family)


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
        found[name] = np.array(rows).reshape(a.shape + rows[0].shape)
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


def _is_near(k: float, other: float) -> bool:
    return abs(k - other) <= TOLERANCE * abs(other)


# -- right steps -----------------------------------------------------------------------


def _right(definition: Definition, steps: list[Step]) -> Finding | None:
    """A step along the gradient of a loss that the net may have, or against it."""
    got, losses = [s.gradient for s in steps], _losses(steps)
    if any(_has_other_penalty(steps, loss) for loss in losses):
        return None
    for loss in _possible(definition, losses):
        if k := _factor(got, loss.gradients):
            return _descends(definition, steps, loss, k)
        if (weight := _penalty(steps, loss)) > 0:
            words = {k: f"{w} + {weight:.3g} ½ Σ W²" for k, w in loss.words.items()}
            return _descends(definition, steps, replace(loss, words=words), 1.0)
    return None


def _possible(definition: Definition, losses: list[Loss]) -> list[Loss]:
    """The losses that the net may have: its own, or those of which its file speaks."""
    families = {loss.family for loss in losses if loss.is_own and loss.family}
    written = _written(definition)
    if not families and not written >= {SQUARED, ENTROPY}:
        families = written & {SQUARED, ENTROPY}
    return [x for x in losses if x.is_own or not families or x.family in families]


def _written(definition: Definition) -> set[str]:
    """The losses of which the file's text speaks."""
    text = ""
    with suppress(OSError, TypeError):
        text = inspect.getsource(sys.modules[definition.make.__module__]).lower()
    words = {
        SQUARED: r"square|\bmse|quadratic|\*\* ?2",
        ENTROPY: r"\blog\(|entropy",
        "a classifier's": "softmax|logistic",
    }
    return {loss for loss, pattern in words.items() if re.search(pattern, text)}


def _descends(
    definition: Definition, steps: list[Step], loss: Loss, k: float
) -> Finding:
    """A step along the gradient of a loss."""
    if k < 0:
        return _mistake(definition, "sign", ["all parameters"])
    if _adds_up(steps[0]):
        return _mistake(definition, "forgotten zero_grad", ["the second step"])
    kind: Kind = "rounding"
    words = next((w for f, w in loss.words.items() if _is_near(k, f)), "")
    hint, (factor, plain) = "", next(iter(loss.words.items()))
    if not words and "lr" in steps[0].net.roles:
        kind, hint = "convention", "the learning rate can make up for the factor"
        words = f"{plain}, times {k / factor:.6g}"
    elif not words:
        words = f"{plain}, with the learning rate {k / factor:.6g}"
    is_told = "binary" not in plain or loss.is_own or _written(definition)
    if not is_told:
        kind, hint = "convention", f"if the loss is the squared error: {HINTS[SLOPE]}"
        words += f" (with the squared error: {SLOPE})"
    one = ["a batch of several examples at once"] if len(steps[0].x) == 1 else []
    words, cases = f"its step is gradient descent on {words}", len(steps)
    return finding_of(definition, kind, words, hint, cases=cases, not_tested=one)


def _adds_up(step: Step) -> bool:
    """Whether a second step goes along the sum of both gradients."""
    if not step.net.learns:
        return False
    after = {n: step.after[n] for n in step.gradient}
    fresh, _ = step.net.step(after, step.x, step.target)
    second, _ = step.net.step(step.before, step.x, step.target, steps=2)
    return any(
        _size(g) > 1e-9
        and np.allclose(fresh[n] - second[n], step.before[n] - step.after[n], 1e-6)
        for n, g in step.gradient.items()
    )


def _has_other_penalty(steps: list[Step], loss: Loss) -> bool:
    """Whether the gradient is that of the net's own loss, but for a penalty in it."""
    weight = _penalty(steps, loss) if loss.is_own else 0.0
    return weight < 0 or (weight > 0 and not loss.family)


def _penalty(steps: list[Step], loss: Loss) -> float:
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


# -- wrong steps -----------------------------------------------------------------------


def _mistake(
    definition: Definition, names: str | list[str], where: Iterable[str]
) -> Finding:
    names = [names] if isinstance(names, str) else names
    words = f"{' and '.join(names)}: {', '.join(where)}"
    hint = "; ".join(HINTS[name] for name in names)
    return finding_of(definition, "mistake", words, hint, cases=2)


def _named(definition: Definition, steps: list[Step]) -> Finding | None:
    """The first known mistake that explains the steps."""
    first = steps[0]
    wide = [n for n in first.gradient if first.after[n].size > first.before[n].size]
    if wide:
        return _mistake(definition, "bias gradient not summed over the batch", wide)
    losses = _losses(steps)
    if any(_has_other_penalty(steps, loss) for loss in losses):
        got = [s.gradient for s in steps]
        is_missing = any(_factor(got, x.gradients) for x in losses if not x.is_own)
        name = "penalty in the loss but not in the gradient" if is_missing else PENALTY
        return _mistake(definition, name, weights_of(first.gradient))
    losses = _possible(definition, losses)
    for loss in losses:
        if words := _by_tensor(steps, loss):
            return _mistake(definition, *words)
    return _by_layers(definition, steps, {loss.family for loss in losses})


def _by_tensor(steps: list[Step], loss: Loss) -> tuple[str, list[str]] | None:
    """What is wrong if every tensor has a multiple of its gradient, each its own."""
    got = [s.gradient for s in steps]
    factors = {n: _factor(got, loss.gradients, [n]) for n in got[0]}
    known = {n: k for n, k in factors.items() if k is not None}
    if len(known) < len(factors) or not any(known.values()):
        return None

    def trust(k: float) -> tuple[int, bool]:
        same = sum(_is_near(k, other) for other in known.values())
        return same, any(_is_near(k, usual) for usual in loss.words)

    right = max((k for k in known.values() if k), key=trust)
    ratios = {n: k / right for n, k in known.items() if not _is_near(k, right)}
    ratio = next(iter(ratios.values()))
    same = [n for n, r in ratios.items() if abs(r - ratio) < TOLERANCE * abs(r) + 1e-12]
    if abs(ratio) < TOLERANCE:
        return "gradient forgotten", same
    if _is_near(ratio, -1):
        return "sign", same
    large, how = (ratio, "large") if abs(ratio) > 1 else (1 / ratio, "small")
    return "factor in one gradient only", [*same, f"{large:.4g} times too {how}"]


def _by_layers(
    definition: Definition, steps: list[Step], families: set[str]
) -> Finding | None:
    """The first mistake in layers z = a W + b, a' = f(z) that gives these steps."""
    steps = [*map(_with_layers, steps)]
    got, models = [s.gradient for s in steps], _models(steps)
    for rows, way in _ways():
        of = {SQUARED, ENTROPY}.intersection(
            families, *({r["of"]} for r in rows if "of" in r)
        )
        tried = models if len(rows) == 1 or len(models) < 4 else []
        for model, family in itertools.product(tried, sorted(of, reverse=True)):
            layers = range(len(model.layers)) if len(rows) == 1 else ()
            for layer in (None, *layers):
                k = _factor(got, _model_gradients(model, steps, family, way, layer))
                if k and k > 0:
                    names = [row["name"] for row in rows]
                    return _mistake(definition, names, model.changed(layer))
    return None


def _with_layers(step: Step) -> Step:
    """The same with the weights of neurons, one by one, as matrices of layers."""
    if any(a.ndim > 1 for a in step.before.values()):
        return step
    both = (step.before, step.after, step.gradient)
    before, after, gradient = map(_stacked, both)
    return replace(step, before=before, after=after, gradient=gradient)


def _stacked(values: Values) -> Values:
    found: dict[str, list[np.ndarray]] = {}
    for name, a in values.items():
        found.setdefault(re.sub(r"\[\d+\]", "", name), []).append(a)
    return {n: np.array(a) if len(a) > 1 else a[0] for n, a in found.items()}


def _ways() -> Iterator[tuple[list[Any], dict[str, str]]]:
    """Every way to make a mistake, then every way to make two, and their rows."""
    ways = [(row, way) for row in NETS for way in row.get("ways", [])]
    yield from (([row], way) for row, way in ways)
    for (one, first), (other, second) in itertools.combinations(ways, 2):
        if first.keys().isdisjoint(second):
            yield [one, other], first | second


def _models(steps: list[Step]) -> list[Layered]:
    """The nets of layers that have the net's output."""

    def is_same(model: Layered, s: Step) -> bool:
        output = model.passes(s.before, s.x)[1][-1]
        return s.output is None or np.allclose(output, s.output)

    values = {n: steps[0].before[n] for n in steps[0].gradient}
    found = layered(values, steps[0].x.shape[1], steps[0].target.shape[1])
    found = [model for model in found if all(is_same(model, s) for s in steps)]
    own = _own_losses(steps) if steps[0].output is None else []
    return [
        model
        for model in found
        if not own
        or any(
            _factor(loss.gradients, _model_gradients(model, steps, family))
            for loss in own
            for family in (SQUARED, ENTROPY)
        )
    ] or found


def _model_gradients(
    model: Layered,
    steps: list[Step],
    family: str,
    way: dict[str, str] | None = None,
    layer: int | None = None,
) -> Gradients:
    """The gradients of layers with a mistake; NaN if it cannot be made there."""
    nothing = [
        {n: np.full(g.shape, np.nan) for n, g in s.gradient.items()} for s in steps
    ]
    with suppress(ValueError, NameError, IndexError), np.errstate(all="ignore"):
        return [
            model.gradient(s.before, s.after, s.x, s.target, family, way, layer)
            for s in steps
        ]
    return nothing


def _unexplained(definition: Definition, steps: list[Step]) -> Finding:
    """Which tensors are wrong; not judged if none is right."""
    got, losses = [s.gradient for s in steps], _losses(steps)
    right = [[n for n in got[0] if _factor(got, x.gradients, [n])] for x in losses]
    best = max(right, key=len, default=[])
    wrong = ", ".join(n for n in got[0] if n not in best)
    is_told = any(x.is_own and x.family for x in losses)
    if not best and (not is_told or _loops(steps[0].net)):
        raise NotTested(
            f"its step (parameters {wrong}) is along no gradient of its own loss, nor "
            "of the squared error or a cross-entropy of its output; perhaps one call "
            "takes several steps: a train(X, y, lr) that takes one can be judged"
        )
    words = f"cause not recognised: gradient {wrong}"
    return finding_of(definition, "wrong", words, cases=len(steps))
