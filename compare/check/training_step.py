"""Checking a whole net: is its step gradient descent on a loss of its output?

Its gradient is (θ before − θ after) / lr. It is compared with slopes measured on the
net's own forward pass, for its own loss and for the usual ones. Where they differ, the
net is rebuilt of layers z = a W + b, a' = f(z), if these have its output, and every
known mistake is made in their backward pass.
"""

import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.building import nets
from compare.check.comparison import finding_of
from compare.check.definitions import Definition, NotTested
from compare.check.layered import ENTROPY, SQUARED, weights_of
from compare.check.loading import TooLong, limited
from compare.check.losses import (
    TOLERANCE,
    Loss,
    Step,
    Steps,
    factor,
    is_near,
    penalty,
    some_steps,
    take_step,
)
from compare.check.mistakes import NET, NETS, hint
from compare.check.nets import Net, Values, source
from compare.check.report import Finding, Kind

SECONDS = 8
MISSING = "penalty in the loss but not in the gradient"
OTHER = "wrong gradient of the penalty"
SLOPE = "slope of the output activation missing"


def training_step(definition: Definition) -> Finding:
    """Find the loss on which a net descends, or what is wrong in its step."""
    try:
        with limited(SECONDS):
            return _judged(definition, _understood(definition))
    except TooLong:
        raise NotTested(
            f"its training step did not end within {SECONDS} s on random examples: "
            "perhaps one call takes many steps"
        ) from None


def _judged(definition: Definition, steps: Steps) -> Finding:
    if found := _right(definition, steps):
        return found
    ones = Steps(one for step in steps for one in _of_one_example(step))
    if len(steps[0].x) > 1 and _is_sequence(steps[0]):
        steps = ones
    found = _right(definition, steps) or _of_penalty(definition, steps)
    if found is None and "penalty" in steps[0].net.roles:
        steps = Steps(map(_without_penalty, steps))
        if _right(definition, steps):
            return _mistake(definition, [OTHER], weights_of(steps[0].gradient))
    found = found or _named(definition, steps)
    if (
        found is None
        and len(steps[0].x) > 1
        and not _loops(steps[0].net)
        and _right(definition, ones)
    ):
        words = "right for a batch of one example, but not for several"
        return finding_of(definition, "wrong", words, cases=len(steps))
    return found or _unexplained(definition, steps)


# -- steps -----------------------------------------------------------------------------


def _understood(definition: Definition) -> Steps:
    """Some steps of the net, in the first way in which it can be built and called."""
    why: dict[str, None] = {}
    for net, x, target in nets(definition.make):
        try:
            if steps := some_steps(net, x, target):
                return steps
        except Exception as error:
            what = str(error) if isinstance(error, NotTested) else wording.raised(error)
            why[what] = None
    tried = "; ".join([*why][:2]) or "no parameter changed"
    raise NotTested(
        f"no training step could be taken with a small batch: {tried}; give the net a "
        "forward(X) and a train(X, y, lr) that takes one step"
    )


def _of_one_example(step: Step) -> list[Step]:
    """The same step on each example alone."""
    ones = (slice(i, i + 1) for i in range(len(step.x)))
    return [take_step(step.net, step.before, step.x[i], step.target[i]) for i in ones]


def _without_penalty(step: Step) -> Step:
    net = replace(step.net, penalty=0.0)
    return take_step(net, step.before, step.x, step.target)


def _is_sequence(step: Step) -> bool:
    """Whether a call is one step on each example after another, up to 10 times."""
    values = step.before
    for _ in range(10 if step.net.train else 0):
        for i in range(len(step.x)):
            one = slice(i, i + 1)
            values, _ = step.net.step(values, step.x[one], step.target[one])
        if all(np.allclose(values[n], step.after[n]) for n in step.gradient):
            return True
    return False


def _loops(net: Net) -> bool:
    """Whether one call may take several steps."""
    text = source(net.find(net.state, (net.train,)))
    return bool(re.search(r"^\s*(for|while)\b", text, re.M))


def _adds_up(step: Step) -> bool:
    """Whether a second step goes along the sum of both gradients."""
    if not step.net.learns:
        return False
    after = {n: step.after[n] for n in step.gradient}
    fresh, _ = step.net.step(after, step.x, step.target)
    second, _ = step.net.step(step.before, step.x, step.target, steps=2)
    more = ((fresh[n] - second[n], step.before[n] - after[n]) for n in after)
    return any(np.any(a) and np.allclose(a, b, TOLERANCE) for a, b in more)


# -- right steps -----------------------------------------------------------------------


def _right(definition: Definition, steps: Steps) -> Finding | None:
    """A step along the gradient of a loss that the net may have, or against it."""
    if any(_has_other_penalty(steps, loss) for loss in steps.losses):
        return None
    for loss in _possible(definition, steps):
        if k := factor(steps.gradients, loss.gradients):
            return _descends(definition, steps, loss, k)
        if (weight := penalty(steps, loss)) > 0:
            words = {k: f"{w} + {weight:.3g} ½ Σ W²" for k, w in loss.words.items()}
            return _descends(definition, steps, replace(loss, words=words), 1.0)
    return None


def _has_other_penalty(steps: Steps, loss: Loss) -> bool:
    """Whether the gradient is that of the net's own loss, but for a penalty in it."""
    weight = penalty(steps, loss) if loss.is_own else 0.0
    return weight < 0 or (weight > 0 and not loss.family)


def _possible(definition: Definition, steps: Steps) -> list[Loss]:
    """The losses that the net may have: its own, or those of which its file speaks."""
    families = {loss.family for loss in steps.losses if loss.is_own and loss.family}
    written = _written(sys.modules[definition.make.__module__])
    if not families and not written >= {SQUARED, ENTROPY}:
        families = written & {SQUARED, ENTROPY}
    is_possible = (
        x.is_own or not families or x.family in families for x in steps.losses
    )
    return [*itertools.compress(steps.losses, is_possible)]


def _written(where: Any) -> set[str]:
    """The losses of which the text of a class or a file speaks."""
    text = source(where).lower()
    words = {
        SQUARED: r"square|\bmse|quadratic|\*\* ?2",
        ENTROPY: r"\blog\(|entropy",
        "a classifier's": "softmax|logistic",
    }
    return {loss for loss, pattern in words.items() if re.search(pattern, text)}


def _descends(definition: Definition, steps: Steps, loss: Loss, k: float) -> Finding:
    """A step along the gradient of a loss."""
    if k < 0:
        return _mistake(definition, ["sign"], ["all parameters"])
    if _adds_up(steps[0]):
        return _mistake(definition, ["forgotten zero_grad"], ["the second step"])
    kind: Kind = "rounding"
    words = next((w for f, w in loss.words.items() if is_near(k, f)), "")
    advice, (usual, plain) = "", next(iter(loss.words.items()))
    if not words and steps[0].net.lr == 1 and steps[0].net.learns:
        words = f"{plain}, with the learning rate {k / usual:.6g}"
    elif not words:
        kind, advice = "convention", "the learning rate can make up for the factor"
        words = f"{plain}, times {k / usual:.6g}"
    if (
        "binary" in plain
        and not loss.is_own
        and not _written(sys.modules[definition.make.__module__])
    ):
        kind = "convention"
        advice = f"if the loss is the squared error: {hint(SLOPE, NET)}"
        words += f" (with the squared error: {SLOPE})"
    one = ["a batch of several examples at once"] if len(steps[0].x) == 1 else []
    words, cases = f"its step is gradient descent on {words}", len(steps)
    return finding_of(definition, kind, words, advice, cases=cases, not_tested=one)


# -- wrong steps -----------------------------------------------------------------------


def _mistake(definition: Definition, names: list[str], where: Iterable[str]) -> Finding:
    name = ", and ".join(names)
    words = f"{name}: {', '.join(where)}"
    return finding_of(definition, "mistake", words, hint(name, NET), cases=2)


def _of_penalty(definition: Definition, steps: Steps) -> Finding | None:
    """A gradient that is that of the net's own loss, but for its penalty."""
    if not any(_has_other_penalty(steps, loss) for loss in steps.losses):
        return None
    usual = (loss for loss in steps.losses if not loss.is_own)
    is_missing = any(factor(steps.gradients, loss.gradients) for loss in usual)
    name = MISSING if is_missing else OTHER
    return _mistake(definition, [name], weights_of(steps[0].gradient))


def _named(definition: Definition, steps: Steps) -> Finding | None:
    """The first known mistake that explains the steps."""
    first = steps[0]
    wide = [n for n in first.gradient if first.after[n].size > first.before[n].size]
    if wide:
        return _mistake(definition, ["bias gradient not summed over the batch"], wide)
    losses = _possible(definition, steps)
    for loss in losses:
        if found := _by_tensor(steps, loss):
            return _mistake(definition, *found)
    return _by_layers(definition, steps, {loss.family for loss in losses})


def _by_tensor(steps: Steps, loss: Loss) -> tuple[list[str], list[str]] | None:
    """What is wrong if every tensor has a multiple of its gradient, each its own."""
    got = steps.gradients
    found = {n: factor(got, loss.gradients, [n]) for n in got[0]}
    known = {n: k for n, k in found.items() if k is not None}
    if len(known) < len(found) or not any(known.values()):
        return None

    def trust(k: float) -> tuple[int, bool]:
        same = sum(is_near(k, other) for other in known.values())
        return same, any(is_near(k, usual) for usual in loss.words)

    right = max((k for k in known.values() if k), key=trust)
    ratios = {n: k / right for n, k in known.items() if not is_near(k, right)}
    ratio = next(iter(ratios.values()))
    where = [n for n, r in ratios.items() if abs(r - ratio) <= TOLERANCE * abs(r)]
    if abs(ratio) < TOLERANCE:
        return ["gradient forgotten"], where
    if is_near(ratio, -1):
        return ["sign"], where
    large, how = (ratio, "large") if abs(ratio) > 1 else (1 / ratio, "small")
    return ["factor in one gradient only"], [*where, f"{large:.4g} times too {how}"]


def _by_layers(
    definition: Definition, steps: Steps, families: set[str]
) -> Finding | None:
    """The first mistake in layers z = a W + b, a' = f(z) that gives these steps."""
    if not any(a.ndim > 1 for a in steps[0].before.values()):
        steps = Steps(map(_with_layers, steps))
    is_told = (
        steps[0].output is not None or steps.own_losses or _written(definition.make)
    )
    for rows, way in _ways():
        if "output" in way and not is_told:  # by nothing but guessing
            continue
        of = {row["of"] for row in rows if "of" in row} or {SQUARED, ENTROPY}
        models = steps.models if len(rows) == 1 or len(steps.models) < 4 else []
        tried = itertools.product(models, sorted(of & families, reverse=True))
        for model, family in tried if len(of) == 1 or len(rows) == 1 else ():
            layers = range(len(model.layers)) if len(rows) == 1 else ()
            for layer in (None, *layers):
                k = factor(steps.gradients, steps.of_model(model, family, way, layer))
                if k and k > 0:
                    names = [row["name"] for row in rows]
                    return _mistake(definition, names, model.changed(layer))
    return None


def _ways() -> Iterator[tuple[list[Any], dict[str, str]]]:
    """Every way to make a mistake, then every way to make two, and their rows."""
    ways = [(row, way) for row in NETS for way in row.get("ways", [])]
    yield from (([row], way) for row, way in ways)
    for (one, first), (other, second) in itertools.combinations(ways, 2):
        if first.keys().isdisjoint(second):
            yield [one, other], first | second


def _with_layers(step: Step) -> Step:
    """The same with the weights of neurons, one by one, as matrices of layers."""
    both = (step.before, step.after, step.gradient)
    before, after, gradient = map(_stacked, both)
    return replace(step, before=before, after=after, gradient=gradient)


def _stacked(values: Values) -> Values:
    found: dict[str, list[np.ndarray]] = {}
    for name, a in values.items():
        found.setdefault(re.sub(r"\[\d+\]", "", name), []).append(a)
    return {n: np.array(a) if len(a) > 1 else a[0] for n, a in found.items()}


def _unexplained(definition: Definition, steps: Steps) -> Finding:
    """Which tensors are wrong; not judged if none is right."""
    got, losses = steps.gradients, steps.losses
    for loss in losses if steps[0].output is not None else []:
        both = zip(got, loss.gradients, strict=True)
        both = zip(got, loss.gradients, strict=True)
        pairs = ((g[n], w[n]) for g, w in both for n in g)
        if all(np.array_equal(np.sign(g), np.sign(w)) for g, w in pairs):
            raise NotTested(
                f"its step has the signs of the gradient of {loss.words[1.0]}, but not "
                "its size: neither an optimiser such as Adam nor clipping is judged"
            )
    right = [[n for n in got[0] if factor(got, x.gradients, [n])] for x in losses]
    best = max(right, key=len, default=[])
    wrong = [n for n in got[0] if n not in best]
    is_told = any(loss.is_own and loss.family for loss in losses)
    if not best and (not is_told or _loops(steps[0].net)):
        raise NotTested(
            f"its step ({', '.join(wrong)}) is along no gradient of its own loss, nor "
            "of the squared error or a cross-entropy of its output; perhaps one call "
            "takes several steps: a train(X, y, lr) that takes one can be judged"
        )
    loss = losses[right.index(best)]
    k = factor(got, loss.gradients, best[:1]) or 1.0
    fields = wording.texts(k * loss.gradients[0][wrong[0]], got[0][wrong[0]])
    words = f"cause not recognised: gradient {', '.join(wrong)}"
    return finding_of(definition, "wrong", words, cases=len(steps), **fields)
