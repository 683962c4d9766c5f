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
from compare.check.net_losses import TOLERANCE, Loss, Steps, is_near, some_steps
from compare.check.nets import RETURNED, NotSummed, find, source
from compare.check.report import Finding

SECONDS = 8
MISSING = "penalty in the loss but not in the gradient"
OTHER = "wrong gradient of the penalty"
SLOPE = "slope of the output activation missing"
Verdict = dict[str, Any]
"""Fields of a finding: its kind, its words and others."""


def training_step(definition: Definition) -> Finding:
    """Find the loss on which a net descends, or what is wrong in its step."""
    try:
        with limited(SECONDS):
            verdict = _verdict(_understood(definition))
    except NotSummed as error:
        verdict = _mistake("bias gradient not summed over the batch", [str(error)])
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
    found = _wrong_penalty(steps) or _right(steps)
    if not found and "penalty" in steps.net.roles:
        steps = Steps(replace(steps.net, penalty=0.0), steps.batches)
        found = _right(steps) and _mistake(OTHER, weights_of(steps.net.parts))
    for loss in _possible(steps) if not found else ():
        found = found or _wrong_tensors(steps, loss)
    return found or _wrong_layers(steps) or _unexplained(steps)


def _mistake(name: str, where: Iterable[str]) -> Verdict:
    words = f"{name}: {', '.join(where)}"
    return {"kind": "mistake", "words": words, "hint": hint(name, NET)}


def _possible(steps: Steps) -> list[Loss]:
    """The losses that the net may have: its own, or those of which its file speaks."""
    losses, written = steps.losses, _written()
    families = {loss.family for loss in losses if loss.own and loss.family}
    if not families and not written >= {SQUARED, ENTROPY}:
        families = written & {SQUARED, ENTROPY}
    return [x for x in losses if x.own or not families or x.family in families]


def _written() -> set[str]:
    """The losses of which the text of the file speaks."""
    words = {
        SQUARED: r"square|\bmse|quadratic|\*\* ?2",
        ENTROPY: r"\blog\(|entropy",
        "a classifier's": "softmax|logistic",
    }
    text = source(sys.modules[MODULE]).lower()
    text = re.sub(r"1\.?0? *- *[\w.()\[\]]+ *\*\* *2", "tanh", text)  # its slope
    return {loss for loss, word in words.items() if re.search(word, text)}


def _right(steps: Steps) -> Verdict | None:
    """A step along the gradient of a loss that the net may have, or against it."""
    factors = [(x, k) for x in _possible(steps) if (k := steps.factor(x.gradients))]
    usual = [(x, k) for x, k in factors if any(is_near(k, f) for f in x.words)]
    own = [(x, k) for x, k in factors if x.own]
    for loss, k in (own or usual or factors)[:1]:
        return _descends(steps, loss, k)
    for loss in _possible(steps):
        if (c := steps.penalty(loss)) > 0:
            words = {k: f"{w} + {c:.3g} ½ Σ W²" for k, w in loss.words.items()}
            return _descends(steps, replace(loss, words=words), 1.0)
    return None


def _descends(steps: Steps, loss: Loss, k: float) -> Verdict:
    """A step along k times the gradient of a loss."""
    usual, name = next(iter(loss.words.items()))
    if k < 0 and min(loss.words) > 0:
        return _mistake("sign", ["all parameters"])
    if steps.net.learns and steps.adds_up():
        return _mistake("forgotten zero_grad", ["the second step"])
    words = next((w for f, w in loss.words.items() if is_near(k, f)), "")
    kind, advice = "rounding", ""
    if not words and (factor := _factor_of_own(steps, loss, k)):
        return _mistake(factor, [f"its step descends on {k:.6g} times {name}"])
    if not words:
        words = f"{name}, times {k / usual:.6g}"
        if steps.net.lr != 1 or not steps.net.learns:  # it has no rate of its own
            kind, advice = "convention", "the learning rate can make up for the factor"
    if "binary" in name and not loss.own and not _written():
        kind, advice = "convention", f"for the squared error: {hint(SLOPE, NET)}"
        words += f" (with the squared error: {SLOPE})"
    one = ["a batch of several examples at once"] * (len(steps.batches[0][1]) == 1)
    words = f"its step is gradient descent on {words}"
    return {"kind": kind, "words": words, "hint": advice, "not_tested": one}


def _factor_of_own(steps: Steps, loss: Loss, k: float) -> str:
    """What is wrong in k times the gradient of a loss that the net itself computes."""
    n, outputs = steps.batches[0][2].shape
    net, own = steps.net, loss.own
    is_used = own == RETURNED or own in source(find(net.state, (net.train,)))
    is_loss = re.search(r"loss|cost|objective|verlust|kosten|fehler", own.lower())
    if not own or own not in (*dir(net.state), RETURNED) or not (is_used or is_loss):
        return ""  # a number to watch
    names = {2.0: "factor 2", 0.5: "factor ½"}
    for number in {n, n * outputs}:
        names |= {number: "1/N missing", 1 / number: "1/N too often"}
        names[number / 2] = "1/N missing, and factor ½"
    return next((name for f, name in names.items() if is_near(k, f)), "")


def _wrong_penalty(steps: Steps) -> Verdict | None:
    """A gradient that is that of the net's own loss, but for a penalty in it."""
    own = ((x, steps.penalty(x)) for x in steps.losses if x.own)
    if not any(c < 0 or (c > 0 and not loss.family) for loss, c in own):
        return None
    usual = (loss for loss in steps.losses if not loss.own)
    is_missing = any(steps.factor(loss.gradients) for loss in usual)
    return _mistake(MISSING if is_missing else OTHER, weights_of(steps.net.parts))


def _wrong_tensors(steps: Steps, loss: Loss) -> Verdict | None:
    """What is wrong if every tensor has a multiple of its gradient, each its own."""
    found = {n: steps.factor(loss.gradients, n) for n in steps.net.parts}
    known = {n: k for n, k in found.items() if k is not None}
    if len(known) < len(found) or not any(known.values()):
        return None
    likely = [*known.values(), *loss.words]  # most have the same, and a usual one
    right = max(
        (k for k in known.values() if k),
        key=lambda k: sum(is_near(k, other) for other in likely),
    )
    ratios = {n: k / right for n, k in known.items() if not is_near(k, right)}
    ratio = next(iter(ratios.values()))
    where = [n for n, r in ratios.items() if abs(r - ratio) <= TOLERANCE * abs(r)]
    if abs(ratio) < TOLERANCE:
        return _mistake("gradient forgotten", where)
    if is_near(ratio, -1):
        return _mistake("sign", where)
    large, how = (ratio, "large") if abs(ratio) > 1 else (1 / ratio, "small")
    where.append(f"{large:.4g} times too {how}")
    return _mistake("factor in one gradient only", where)


def _wrong_layers(steps: Steps) -> Verdict | None:
    """The first mistake in layers z = a W + b, a' = f(z) that gives these steps."""
    families = {loss.family for loss in _possible(steps)}
    is_told = steps.outputs or steps.own_losses or _written()
    for rows, way in _ways():
        if "output" in way and not is_told:  # by nothing but guessing
            continue
        of = {row["of"] for row in rows if "of" in row} or {SQUARED, ENTROPY}
        is_one = len(rows) == 1
        if not is_one and (len(of) > 1 or len(steps.models) > 3):
            continue
        tried = itertools.product(steps.models, sorted(of & families, reverse=True))
        for model, family in tried:
            for layer in (None, *range(len(model.layers) * is_one)):
                k = steps.factor(steps.of_model(model, family, way, layer))
                if k and k > 0:
                    changed = model.layers if layer is None else [model.layers[layer]]
                    name = ", and ".join(row["name"] for row in rows)
                    return _mistake(name, [each.name for each in changed])
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
    got, losses, parts = steps.gradients, steps.losses, steps.net.parts
    for loss in losses if steps.outputs else []:
        if np.array_equal(np.sign(got), np.sign(loss.gradients)):
            raise NotTested(
                f"its step has the signs of the gradient of {loss.words[1.0]}, but not "
                "its size: neither an optimizer such as Adam nor clipping is judged"
            )
    right = [[n for n in parts if steps.factor(x.gradients, n)] for x in losses]
    best = max(right, key=len, default=[])
    wrong = [n for n in parts if n not in best]
    text = source(find(steps.net.state, (steps.net.train,)))
    is_loop = re.search(r"^\s*(for|while)\b", text, re.M)
    is_told = any(loss.own and loss.family for loss in losses)
    if not best and (is_loop or not is_told):
        raise NotTested(
            f"its step ({', '.join(wrong)}) is along no gradient of its own loss, nor "
            "of the squared error or a cross-entropy of its output; perhaps one call "
            "takes several steps: a train(X, y, lr) that takes one can be judged"
        )
    loss, part = losses[right.index(best)], parts[wrong[0]]
    k = steps.factor(loss.gradients, *best[:1]) or 1.0
    words = f"cause not recognised: gradient {', '.join(wrong)}"
    texts = wording.texts(k * loss.gradients[0, part], got[0, part])
    return {"kind": "wrong", "words": words, **texts}
