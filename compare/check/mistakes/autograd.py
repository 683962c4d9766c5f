"""Wrong formulas in torch, differentiated by autograd: norms, attention, cells."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import torch as th
from torch.nn import functional

from compare.check.arguments import other_defaults, torchs_defaults
from compare.check.results import Failure, close
from compare.testing import references
from compare.testing.reference import Question, Results

Tensor = th.Tensor


def derived(f: Failure, formula: str, **more: Any) -> Results:
    """The results of statements that compute y of the inputs and parameters.

    They may use all of torch's functions, those of this file, the options, d (the size
    of the last dimension of x), and the parts that the right formula has. It must give
    the file's value: then its gradient is compared.
    """
    question, options = f.question, {**other_defaults(f.definition)}
    options |= question.kwargs
    arrays = {"x": f.x, **question.further, **question.state}
    leaves = {n: th.tensor(np.array(a), requires_grad=True) for n, a in arrays.items()}
    names = {**vars(th), **vars(functional), **globals(), "d": f.x.shape[-1]}
    names |= {"weight": 1.0, **torchs_defaults(f.definition), **options, **leaves}
    for parts in _parts(question, leaves, options):
        found = names | parts | more
        with suppress(RuntimeError, IndexError):  # not with such dimensions
            exec(formula, found)
            y = th.stack(found["y"]) if question.outputs > 1 else found["y"]
            y = found["after"](y) if "after" in found else y
            value = y.numpy(force=True)
            if close(f.got["output"], value, 1e-9):
                loss, by = (y * th.as_tensor(f.upstream)).sum(), [*leaves.values()]
                slopes = th.autograd.grad(loss, by, materialize_grads=True)
                named = ["input gradient", *(f"gradient {n}" for n in [*leaves][1:])]
                gradients = zip(named, (a.numpy() for a in slopes), strict=True)
                return {"output": value, **dict(gradients)}
    return {}


LSTM_ORDERS = ("ifgo", "ifog", "figo", "fiog", "igfo", "gifo")
"""Of the gates in the rows of the weights, torch's first."""


def _parts(
    question: Question, leaves: dict[str, Tensor], options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """What stands within the right formulas, in each layout that people use."""
    name, x = question.name, leaves["x"]
    if "GLU" in name:
        a, b = (x, leaves["gate"]) if "gate" in leaves else x.chunk(2, -1)
        yield from ({"a": a, "b": b}, {"a": b, "b": a})
    elif "Focal" in name:
        loss = getattr(references, name)(**options)
        target = th.tensor(question.inputs[1])
        yield {"focal": lambda f: setattr(loss, "factor", f) or loss(x, target)}
    elif name == "MultiheadAttention":
        yield _parts_of_heads(question, leaves)
    elif "Cell" in name:
        yield from _parts_of_cell(name, leaves)
    elif "RMS" in name:
        epsilons = ({"eps": eps} for eps in (1e-5, 1e-6, 1e-8, 1e-12, 0.0))
        yield from ({}, *epsilons)
    elif "Norm" in name:
        yield _parts_of_norm(question, leaves)
    else:
        yield {}


def _parts_of_heads(question: Question, leaves: dict[str, Tensor]) -> dict[str, Any]:
    e, heads = question.args
    projected = leaves["x"] @ leaves["in_proj_weight"].mT
    wide = (projected + leaves.get("in_proj_bias", 0.0)).chunk(3, -1)

    def split(a: Tensor) -> Tensor:
        return a.unflatten(-1, (heads, -1)).transpose(-3, -2)

    def after(y: Tensor) -> Tensor:
        side_by_side = y.transpose(-3, -2).flatten(-2)
        y = side_by_side @ leaves["out_proj.weight"].mT
        return y + leaves.get("out_proj.bias", 0.0)

    x, k, v = map(split, wide)
    return {**dict(locals()), "d": e // heads}


def _parts_of_cell(name: str, leaves: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
    x, h = leaves["x"], leaves["h"]
    b_ih = leaves["bias" if "bias" in leaves else "bias_ih"]
    b_hh = leaves.get("bias_hh", th.zeros_like(b_ih))
    of_x, of_h = x @ leaves["weight_ih"].mT + b_ih, h @ leaves["weight_hh"].mT + b_hh
    for order in LSTM_ORDERS if "LSTM" in name else ():
        gates = dict(zip(order, (of_x + of_h).chunk(4, 1), strict=True))
        i, f, g = (gates[gate] for gate in "ifg")
        c1 = th.sigmoid(f) * leaves["c"] + th.sigmoid(i) * th.tanh(g)
        yield {**gates, "c1": c1}
    for order in ("ru", "ur") if "GRU" in name else ():
        gates = dict(zip(order, (of_x + of_h).chunk(3, 1), strict=False))
        gates |= {"xn": of_x.chunk(3, 1)[2], "hn": of_h.chunk(3, 1)[2]}
        gates |= {"w_hn": leaves["weight_hh"].chunk(3)[2], "b_hn": b_hh.chunk(3)[2]}
        yield gates
        yield {**gates, "u": -gates["u"]}  # σ(−u) = 1 − σ(u)


def _parts_of_norm(question: Question, leaves: dict[str, Tensor]) -> dict[str, Any]:
    """The right formula is y = out((x − mu(x)) / std): see normalization.toml."""
    raw, name, buffers = leaves["x"], question.name, question.buffers
    x, axes, affine = raw, (0, *range(2, raw.ndim)), (1, -1, *(1,) * (raw.ndim - 2))
    if name == "LayerNorm":
        first = raw.ndim - np.size(question.args[0])
        axes, affine = tuple(range(first, raw.ndim)), raw.shape[first:]
    if name == "GroupNorm":
        x, axes = x.reshape(len(x), question.args[0], -1), (2,)
    w, b = leaves.get("weight", th.ones(())), leaves.get("bias", th.zeros(()))
    w, b = (a.reshape(affine) if a.ndim else a for a in (w, b))
    eps = question.kwargs.get("eps", 1e-5)

    def batch_mu(z: Tensor) -> Tensor:
        return z.mean(axes, keepdim=True)

    def batch_var(z: Tensor) -> Tensor:
        return batch_mu((z - batch_mu(z)) ** 2)

    mu, var, usual_mean = batch_mu, batch_var, batch_mu
    if buffers and not question.training:
        running = [th.tensor(buffers[f"running_{k}"]) for k in ("mean", "var")]
        mu, var = (lambda _, a=a: a.reshape(affine) for a in running)
        usual_mean = th.zeros_like

    def usual(top: Tensor, std: Tensor, mean: Any = usual_mean) -> Tensor:
        """The value top / std with the usual formula for its gradient."""
        x_hat, change = (top / std).detach(), (x - x.detach()) / std.detach()
        return x_hat + change - mean(change) - x_hat * mean(x_hat * change)

    def norm(z: Tensor) -> Tensor:
        return (z - mu(z)) / (var(z) + eps).sqrt()

    def out(x_hat: Tensor) -> Tensor:
        return x_hat.reshape(raw.shape) * w + b

    std, n = (var(x) + eps).sqrt(), int(np.prod([x.shape[a] for a in axes]))
    return dict(locals())


def slope(value: Tensor, by: Tensor, derivative: Any) -> Tensor:
    """A value to which autograd gives this elementwise derivative."""
    factor = th.as_tensor(derivative, dtype=value.dtype).detach()
    return value.detach() + factor * (by - by.detach())


def scale_grad(value: Tensor, factor: Any) -> Tensor:
    """A value whose gradient is multiplied by a factor."""
    return slope(value, value, factor)


def as_softmax(p: Tensor, scores: Tensor, axis: int = -1) -> Tensor:
    """Numbers with the gradient that softmax of the scores has if they are its."""
    p, change = p.detach(), scores - scores.detach()
    return p + p * (change - (p * change).sum(axis, keepdim=True))


def masked(scores: Tensor, is_causal: bool, hidden: float = -th.inf) -> Tensor:
    """The scores; of later positions another number, if the attention is causal."""
    later = th.ones_like(scores).triu(1).bool()
    return scores.masked_fill(later, hidden) if is_causal else scores
