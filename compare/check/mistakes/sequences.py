"""Wrong formulas in torch, differentiated by autograd: attention, cells, gates."""

from typing import Any

import numpy as np
import torch as th
from torch.nn import functional

from compare.check.arguments import torchs_defaults
from compare.check.results import Failure, close
from compare.testing import references
from compare.testing.reference import Question, Results


def derived(f: Failure, formula: str) -> Results:
    """The results of statements that compute y of the inputs and parameters.

    They may use all of torch's functions, those of this file, the options, d (the size
    of the last dimension of x), and the parts that the right formula has.
    """
    question = f.question
    arrays = {"x": f.x, **question.further, **question.state}
    leaves = {n: th.tensor(np.array(a), requires_grad=True) for n, a in arrays.items()}
    names = {**vars(th), **vars(functional), **globals(), "d": f.x.shape[-1]}
    names |= {"weight": 1.0, **torchs_defaults(f.definition), **question.kwargs}
    names |= {**leaves, **_parts(question, leaves)}
    exec(formula, names)
    y = th.stack(names["y"]) if question.outputs > 1 else names["y"]
    if not close(f.got["output"], y.numpy(force=True), 1e-9):
        return {}  # a mistake in the value, which is right, or another one
    upstream = th.as_tensor(f.upstream, dtype=y.dtype)
    by, gradients = [*leaves.values()], [f"gradient {name}" for name in leaves]
    found = th.autograd.grad(y, by, upstream, allow_unused=True, materialize_grads=True)
    results = zip(["input gradient", *gradients[1:]], found, strict=True)
    return {"output": y.numpy(force=True), **{n: a.numpy() for n, a in results}}


def _parts(question: Question, leaves: dict[str, th.Tensor]) -> dict[str, Any]:
    """What stands within the right formulas: sums before gates, halves, factors."""
    name, x = question.name, leaves["x"]
    if "GLU" in name:
        halves = (x, leaves["gate"]) if "gate" in leaves else x.chunk(2, -1)
        return dict(zip("ab", halves, strict=True))
    if "Focal" in name:
        loss = getattr(references, name)(**question.kwargs)
        target = th.tensor(question.inputs[1])
        return {"focal": lambda f: setattr(loss, "factor", f) or loss(x, target)}
    if "Cell" not in name:
        return {}
    h, zeros = leaves["h"], x.new_zeros(len(leaves["weight_hh"]))
    b_hh = leaves.get("bias_hh", zeros)
    of_x = x @ leaves["weight_ih"].mT + leaves.get("bias_ih", leaves.get("bias"))
    of_h = h @ leaves["weight_hh"].mT + b_hh
    if "LSTM" in name:
        i, f, g, o = (of_x + of_h).chunk(4, 1)
        c1 = th.sigmoid(f) * leaves["c"] + th.sigmoid(i) * th.tanh(g)
        return {"z": of_x + of_h, "i": i, "f": f, "g": g, "o": o, "c1": c1}
    r, u, _ = (of_x + of_h).chunk(3, 1)
    xn, hn = of_x.chunk(3, 1)[2], of_h.chunk(3, 1)[2]
    w_hn, b_hn = leaves["weight_hh"].chunk(3)[2], b_hh.chunk(3)[2]
    return {"r": r, "u": u, "xn": xn, "hn": hn, "w_hn": w_hn, "b_hn": b_hn}


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


def lstm(i: th.Tensor, f: th.Tensor, g: th.Tensor, o: th.Tensor, c: th.Tensor) -> Any:
    """The next h and c of the sums before the gates."""
    c = th.sigmoid(f) * c + th.sigmoid(i) * th.tanh(g)
    return th.sigmoid(o) * th.tanh(c), c
