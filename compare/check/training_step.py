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
from compare.check.comparison import finding_of
from compare.check.definitions import MODULE, Definition, NotTested
from compare.check.loading import TooLong, limited
from compare.check.mistakes import NET, NETS, hint
from compare.check.net_builder import nets
from compare.check.net_layers import ENTROPY, SQUARED, weights_of
from compare.check.net_losses import TOLERANCE, Loss, Steps, is_near
from compare.check.net_losses import some_steps
from compare.check.nets import NotSummed, find, source
from compare.check.report import Finding, Kind

SECONDS = 8
MISSING = "penalty in the loss but not in the gradient"
OTHER = "wrong gradient of the penalty"
SLOPE = "slope of the output activation missing"
Verdict = dict[str, Any]
"""The kind of a finding, its words, and more of its fields."""


def training_step(definition: Definition) -> Finding:
    """Find the loss on which a net descends, or what is wrong in its step."""
    try:
        with limited(SECONDS):
            verdict = _verdict(_understood(definition))
    except NotSummed as error:
        name = "bias gradient not summed over the batch"
        verdict = _mistake([name], [str(error)])
    except TooLong:
        raise NotTested(
            f"its training step did not end within {SECONDS} s on random examples: "
            "perhaps one call takes many steps"
        ) from None
    return finding_of(definition, cases=2, **verdict)


def _understood(definition: Definition) -> Steps:
    """Some steps of the net, in the first way in which it can be built and called."""
    why: dict[str, None] = {}
    for net, x, target in nets(definition.make):
        try:
            if steps := some_steps(net, x, target):
                return steps
        except NotSummed:
            raise
        except Exception as error:
            what = str(error) if isinstance(error, NotTested) else wording.raised(error)
            why[what] = None
    tried = "; ".join([*why][:2]) or "no parameter changed"
    raise NotTested(
        f"no training step could be taken with a small batch: {tried}; give the net a "
        "forward(X) and a train(X, y, lr) that takes one step"
    )


def _verdict(steps: Steps) -> Verdict:
    found = _right(steps) or _of_penalty(steps)
    if found is None and "penalty" in steps.net.roles:
        steps = Steps(replace(steps.net, penalty=0.0), steps.batches)
        if _right(steps):
            return _mistake([OTHER], weights_of(steps.net.parts))
    return found or _named(steps) or _unexplained(steps)


# -- right steps -----------------------------------------------------------------------


def _right(steps: Steps) -> Verdict | None:
    """A step along the gradient of a loss that the net may have, or against it."""
    if any(_has_other_penalty(steps, loss) for loss in steps.losses):
        return None
    for loss in _possible(steps):
        if k := steps.factor(loss.gradients):
            return _descends(steps, loss, k)
        if (c := steps.penalty(loss)) > 0:
            words = {k: f"{w} + {c:.3g} ½ Σ W²" for k, w in loss.words.items()}
            return _descends(steps, replace(loss, words=words), 1.0)
    return None


def _has_other_penalty(steps: Steps, loss: Loss) -> bool:
    """Whether the gradient is that of the net's own loss, but for a penalty in it."""
    c = steps.penalty(loss) if loss.is_own else 0.0
    return c < 0 or (c > 0 and not loss.family)


def _possible(steps: Steps) -> list[Loss]:
    """The losses that the net may have: its own, or those of which its file speaks."""
    losses, written = steps.losses, _written(source(sys.modules[MODULE]))
    families = {loss.family for loss in losses if loss.is_own and loss.family}
    if not families and not written >= {SQUARED, ENTROPY}:
        families = written & {SQUARED, ENTROPY}
    return [x for x in losses if x.is_own or not families or x.family in families]


def _written(text: str) -> set[str]:
    """The losses of which a text speaks."""
    words = {
        SQUARED: r"square|\bmse|quadratic|\*\* ?2",
        ENTROPY: r"\blog\(|entropy",
        "a classifier's": "softmax|logistic",
    }
    return {loss for loss, word in words.items() if re.search(word, text.lower())}


def _descends(steps: Steps, loss: Loss, k: float) -> Verdict:
    """A step along the gradient of a loss."""
    if k < 0:
        return _mistake(["sign"], ["all parameters"])
    if steps.net.learns and steps.adds_up():
        return _mistake(["forgotten zero_grad"], ["the second step"])
    kind: Kind = "rounding"
    words = next((w for f, w in loss.words.items() if is_near(k, f)), "")
    advice, (usual, plain) = "", next(iter(loss.words.items()))
    if not words and steps.net.lr == 1 and steps.net.learns:
        words = f"{plain}, with the learning rate {k / usual:.6g}"
    elif not words:
        kind, advice = "convention", "the learning rate can make up for the factor"
        words = f"{plain}, times {k / usual:.6g}"
    is_told = loss.is_own or _written(source(sys.modules[MODULE]))
    if "binary" in plain and not is_told:
        kind = "convention"
        advice = f"if the loss is the squared error: {hint(SLOPE, NET)}"
        words += f" (with the squared error: {SLOPE})"
    words = f"its step is gradient descent on {words}"
    verdict = {"kind": kind, "words": words, "hint": advice}
    one = ["a batch of several examples at once"] if len(steps.batches[0][1]) == 1 else []
    return verdict | {"not_tested": one}


# -- wrong steps -----------------------------------------------------------------------


def _mistake(names: list[str], where: Iterable[str]) -> Verdict:
    name = ", and ".join(names)
    words = f"{name}: {', '.join(where)}"
    return {"kind": "mistake", "words": words, "hint": hint(name, NET)}


def _of_penalty(steps: Steps) -> Verdict | None:
    """A gradient that is that of the net's own loss, but for its penalty."""
    if not any(_has_other_penalty(steps, loss) for loss in steps.losses):
        return None
    usual = (loss for loss in steps.losses if not loss.is_own)
    is_missing = any(steps.factor(loss.gradients) for loss in usual)
    return _mistake([MISSING if is_missing else OTHER], weights_of(steps.net.parts))


def _named(steps: Steps) -> Verdict | None:
    """The first known mistake that explains the steps."""
    losses = _possible(steps)
    found = (_by_tensor(steps, loss) for loss in losses)
    return next(filter(None, found), None) or _by_layers(
        steps, {loss.family for loss in losses}
    )


def _by_tensor(steps: Steps, loss: Loss) -> Verdict | None:
    """What is wrong if every tensor has a multiple of its gradient, each its own."""
    found = {n: steps.factor(loss.gradients, n) for n in steps.net.parts}
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
        return _mistake(["gradient forgotten"], where)
    if is_near(ratio, -1):
        return _mistake(["sign"], where)
    large, how = (ratio, "large") if abs(ratio) > 1 else (1 / ratio, "small")
    where.append(f"{large:.4g} times too {how}")
    return _mistake(["factor in one gradient only"], where)


def _by_layers(steps: Steps, families: set[str]) -> Verdict | None:
    """The first mistake in layers z = a W + b, a' = f(z) that gives these steps."""
    text = source(sys.modules[MODULE])
    is_told = steps.outputs or steps.own_losses or _written(text)
    for rows, way in _ways():
        if "output" in way and not is_told:  # by nothing but guessing
            continue
        of = {row["of"] for row in rows if "of" in row} or {SQUARED, ENTROPY}
        is_one = len(rows) == 1
        models = steps.models if is_one or len(steps.models) < 4 else []
        tried = itertools.product(models, sorted(of & families, reverse=True))
        for model, family in tried if len(of) == 1 or is_one else ():
            for layer in (None, *range(len(model.layers) * is_one)):
                k = steps.factor(steps.of_model(model, family, way, layer))
                if k and k > 0:
                    changed = model.layers if layer is None else [model.layers[layer]]
                    where = [each.name for each in changed]
                    return _mistake([row["name"] for row in rows], where)
    return None


def _ways() -> Iterator[tuple[list[Any], dict[str, str]]]:
    """Every way to make a mistake, then every way to make two, and their rows."""
    ways = [(row, way) for row in NETS for way in row.get("ways", [])]
    yield from (([row], way) for row, way in ways)
    for (one, first), (other, second) in itertools.combinations(ways, 2):
        if first.keys().isdisjoint(second):
            yield [one, other], first | second


def _unexplained(steps: Steps) -> Verdict:
    """Which tensors are wrong; not judged if none is right."""
    got, losses, names = steps.gradients, steps.losses, steps.net.parts
    for loss in losses if steps.outputs else []:
        if np.array_equal(np.sign(got), np.sign(loss.gradients)):
            raise NotTested(
                f"its step has the signs of the gradient of {loss.words[1.0]}, but not "
                "its size: neither an optimiser such as Adam nor clipping is judged"
            )
    right = [[n for n in names if steps.factor(x.gradients, n)] for x in losses]
    best = max(right, key=len, default=[])
    wrong = [n for n in names if n not in best]
    is_told = any(loss.is_own and loss.family for loss in losses)
    text = source(find(steps.net.state, (steps.net.train,)))
    has_loop = re.search(r"^\s*(for|while)\b", text, re.M)
    if not best and (not is_told or has_loop):
        raise NotTested(
            f"its step ({', '.join(wrong)}) is along no gradient of its own loss, nor "
            "of the squared error or a cross-entropy of its output; perhaps one call "
            "takes several steps: a train(X, y, lr) that takes one can be judged"
        )
    loss, part = losses[right.index(best)], names[wrong[0]]
    k = steps.factor(loss.gradients, *best[:1]) or 1.0
    fields = wording.texts(k * loss.gradients[0, part], got[0, part])
    words = f"cause not recognised: gradient {', '.join(wrong)}"
    return {"kind": "wrong", "words": words, **fields}
