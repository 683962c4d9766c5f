"""Wrong formulas in torch, differentiated by autograd: attention, cells, gates."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch as th
from torch.nn import functional

from compare.check.arguments import other_defaults, torchs_defaults
from compare.check.results import Failure, close
from compare.testing import references
from compare.testing.reference import Question, Results


def derived(f: Failure, formula: str) -> Results:
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
        found = names | parts
        exec(formula, found)
        y = th.stack(found["y"]) if question.outputs > 1 else found["y"]
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
    question: Question, leaves: dict[str, th.Tensor], options: dict[str, Any]
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
    elif "Cell" in name:
        h, b_hh = leaves["h"], leaves.get("bias_hh", x.new_zeros(()))
        b_ih = leaves["bias" if "bias" in leaves else "bias_ih"]
        of_x = x @ leaves["weight_ih"].mT + b_ih
        of_h = h @ leaves["weight_hh"].mT + b_hh
        for order in LSTM_ORDERS if "LSTM" in name else ():
            gates = dict(zip(order, (of_x + of_h).chunk(4, 1), strict=True))
            i, f, g = (gates[gate] for gate in "ifg")
            c1 = th.sigmoid(f) * leaves["c"] + th.sigmoid(i) * th.tanh(g)
            yield {**gates, "c1": c1}
        for order in ("ru", "ur") if "GRU" in name else ():
            gates = dict(zip(order, (of_x + of_h).chunk(3, 1), strict=False))
            xn, hn = of_x.chunk(3, 1)[2], of_h.chunk(3, 1)[2]
            w_hn = leaves["weight_hh"].chunk(3)[2]
            b_hn = b_hh.chunk(3)[2] if b_hh.ndim else b_hh
            more = {"xn": xn, "hn": hn, "w_hn": w_hn, "b_hn": b_hn}
            yield {**gates, **more}
            yield {**gates, **more, "u": -gates["u"]}  # σ(−u) = 1 − σ(u)
    else:
        yield {}
        if "RMS" in name:
            yield from ({"eps": eps} for eps in (1e-5, 1e-6, 1e-8, 1e-12, 0.0))


def slope(value: th.Tensor, by: th.Tensor, derivative: Any) -> th.Tensor:
    """A value to which autograd gives this elementwise derivative."""
    return value.detach() + th.as_tensor(derivative).detach() * (by - by.detach())


def as_softmax(p: th.Tensor, scores: th.Tensor) -> th.Tensor:
    """Numbers with the gradient that softmax of the scores has if they are its."""
    p, change = p.detach(), scores - scores.detach()
    return p + p * (change - (p * change).sum(-1, keepdim=True))


def masked(scores: th.Tensor, is_causal: bool, hidden: float = -th.inf) -> th.Tensor:
    """The scores; of later positions another number, if the attention is causal."""
    later = th.ones_like(scores).triu(1).bool()
    return scores.masked_fill(later, hidden) if is_causal else scores
