"""Every optimiser's rule, and what it would do with each known mistake in it.

A rule takes one parameter θ, its gradient g, what is remembered of it, the options o
and the mistake; without a mistake it is torch's rule. The memory starts with the number
of the parameter, `of` how many, and the `steps` before.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Options = Mapping[str, Any]
Memory = dict[str, Any]
Rule = Callable[[Any, Any, Memory, Options, str], Any]


def sgd(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """SGD."""
    decay, mu, lr = o["weight_decay"] * theta, o["momentum"], o["lr"]
    g = -g if o["maximize"] else g
    if what != "decay beside" and what != "decay after":
        g = g + decay
    if not mu:
        return theta - lr * (g + (decay if what.startswith("decay ") else 0))
    old = m.get("v")
    m["v"] = v = _velocity(g * (lr if what == "lr inside" else 1), old, o, what)
    if what == "forgotten" and old is None:
        m["v"] = 0 * g
        return theta - lr * g
    change = v
    if o["nesterov"]:
        ahead = g * (lr if what == "lr inside" else 1)
        change = {
            "no look ahead": v,
            "swapped": v + mu * ahead,
            "old velocity": ahead + mu * (v if old is None else old),
            "old zero": ahead + mu * (0 * g if old is None else old),
        }.get(what, ahead + mu * v)
    if what == "decay after":
        change = change + decay
    late = lr * decay if what == "decay beside" else 0
    return theta - (1 if what == "lr inside" else lr) * change - late


def _velocity(g: Any, old: Any, o: Options, what: str) -> Any:
    damped = (1 - o["dampening"]) * g
    if what in ("moving average", "average from zero"):
        damped = (1 - o["momentum"]) * g
    if old is None:
        return damped if what in ("zero", "average from zero") else g
    return o["momentum"] * old + damped


def adam(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """Adam; AdamW is the same with other options."""
    (beta1, beta2), lr = o["betas"], o["lr"]
    theta, g = _decayed(theta, g, o, what)
    t = _step(m, what)
    m["m"] = first = beta1 * m.get("m", 0) + (1 - beta1) * g
    m["v"] = second = beta2 * m.get("v", 0) + (1 - beta2) * _squared(g, what)
    correction1 = 1.0 if "first" in what else 1 - beta1**t
    correction2 = 1.0 if "second" in what else 1 - beta2**t
    if o["amsgrad"]:
        seen = second / correction2 if what == "maximum corrected" else second
        m["max"] = second = np.maximum(m.get("max", seen), seen)
        correction2 = 1.0 if what == "maximum corrected" else correction2
    change = (first / correction1) / _root(second / correction2, o["eps"], what)
    if what == "eps corrected":
        root = np.sqrt(second) + o["eps"]
        change = (first / correction1) / (root / np.sqrt(correction2))
    theta = theta - lr * change
    late = lr * o["weight_decay"] if what == "decay late" else 0
    return theta - late * theta


def _decayed(theta: Any, g: Any, o: Options, what: str) -> tuple[Any, Any]:
    """θ and g after the weight decay."""
    g, decay = -g if o["maximize"] else g, o["weight_decay"] * theta
    if what == "decay late":
        return theta, g
    if o["decoupled_weight_decay"] == (what == "decay mixed up"):
        return theta, g + decay
    return theta - (1 if what == "decay without lr" else o["lr"]) * decay, g


def _step(m: Memory, what: str) -> int:
    """Which step this is, counted from 1."""
    before = m["steps"]
    every = before * m["of"] + m["number"] + 1
    wrong = {"step from 0": before, "step from 2": before + 2, "step for all": every}
    return wrong.get(what, before + 1)


def _squared(g: Any, what: str) -> Any:
    if what in ("absolute", "absolute, no root"):
        return np.abs(g)
    return g if what == "not squared" else g * g


def _root(v: Any, eps: float, what: str) -> Any:
    """√v + ε, or what it is mistaken for."""
    if what in ("no root", "absolute, no root"):
        return v + eps
    return np.sqrt(v + eps) if what == "eps inside" else np.sqrt(v) + eps


def nadam(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """NAdam."""
    (beta1, beta2), lr = o["betas"], o["lr"]
    theta, g = _decayed(theta, g, o, what)
    t = _step(m, what)
    m["m"] = first = beta1 * m.get("m", 0) + (1 - beta1) * g
    m["v"] = second = beta2 * m.get("v", 0) + (1 - beta2) * _squared(g, what)
    mu, following = (
        beta1
        * (1 if what == "constant" else 1 - 0.5 * 0.96 ** (s * o["momentum_decay"]))
        for s in (t, t + 1)
    )
    following = mu if what == "same" else following
    m["product"] = product = m.get("product", 1) * mu
    corrections = 1 - product * following, 1 - product
    if "first" in what:
        corrections = 1.0, 1.0
    if what == "power":
        corrections = 1 - beta1 ** (t + 1), 1 - beta1**t
    ahead, here = following * first / corrections[0], (1 - mu) * g / corrections[1]
    correction2 = 1.0 if "second" in what else 1 - beta2**t
    return theta - lr * (ahead + here) / _root(second / correction2, o["eps"], what)


def rmsprop(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """RMSprop."""
    alpha, mu, lr = o["alpha"], o["momentum"], o["lr"]
    g = (-g if o["maximize"] else g) + o["weight_decay"] * theta
    t = _step(m, what)
    m["v"] = v = alpha * m.get("v", 0) + (1 - alpha) * _squared(g, what)
    if o["centered"]:
        m["mean"] = mean = alpha * m.get("mean", 0) + (1 - alpha) * g
        v = v + {"added": mean * mean, "unsquared": -mean}.get(what, -mean * mean)
    if what == "corrected":
        v = v / (1 - alpha**t)
    change = g / _root(v, o["eps"], what)
    if not mu:
        return theta - lr * change
    change = lr * change if what == "lr inside" else change
    kept = 1 - mu if what == "moving average" else 1
    m["b"] = b = mu * m.get("b", 0) + kept * change
    return theta - (1 if what == "lr inside" else lr) * b


def adagrad(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """Adagrad."""
    g = (-g if o["maximize"] else g) + o["weight_decay"] * theta
    t = _step(m, "")
    start = o["initial_accumulator_value"]
    m["s"] = s = (start if what == "replaced" else m.get("s", start)) + _squared(
        g, what
    )
    s = s / t if what == "mean" else s
    past = t if what == "lr decayed early" else t - 1
    return theta - o["lr"] / (1 + past * o["lr_decay"]) * g / _root(s, o["eps"], what)


def adadelta(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """Adadelta."""
    rho, eps, lr = o["rho"], o["eps"], o["lr"]
    g = (-g if o["maximize"] else g) + o["weight_decay"] * theta
    u = m.get("u", 0 * g)
    m["v"] = v = rho * m.get("v", 0) + (1 - rho) * _squared(g, what)
    if what == "eps outside":
        delta = (np.sqrt(u) + eps) / (np.sqrt(v) + eps) * g
    elif what == "no root":
        delta = (u + eps) / (v + eps) * g
    else:
        delta = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    counted = lr * delta if what == "lr counted" else delta
    m["u"] = rho * u + (1 - rho) * counted * counted
    return theta - lr * delta


def rprop(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """Rprop."""
    (smaller, larger), limits = o["etas"], o["step_sizes"]
    g = -g if o["maximize"] else g
    size, prev = m.get("size", o["lr"] + 0 * g), m.get("prev", 0 * g)
    turned = g * prev < 0
    size = np.where(g * prev > 0, larger * size, np.where(turned, smaller * size, size))
    m["size"] = size = size if what == "no limits" else np.clip(size, *limits)
    forgotten = np.where(turned, 0.0, g)
    m["prev"] = g if what in ("kept", "only not moved") else forgotten
    moved = g if what in ("kept", "only forgotten") else forgotten
    return theta - size * (moved if what == "gradient" else np.sign(moved))


def muon(theta: Any, g: Any, m: Memory, o: Options, what: str) -> Any:
    """Muon."""
    lr, mu = o["lr"], o["momentum"]
    decay = o["weight_decay"] * theta
    g = g + decay if what == "decay mixed up" else g
    m["b"] = b = mu * m.get("b", 0) + (1 - mu) * g
    d = mu * b + (1 - mu) * g if o["nesterov"] and what != "no look ahead" else b
    rows, columns = theta.shape if what != "sides swapped" else theta.shape[::-1]
    ratio = max(1, rows / columns) ** 0.5
    if o["adjust_lr_fn"] == "match_rms_adamw":
        ratio = 0.2 * max(rows, columns) ** 0.5
    ratio = 1.0 if what == "no ratio" else ratio
    change = lr * ratio * _direction(d, o, what)
    late = theta - change
    taken = {
        "decay mixed up": 0 * decay,
        "decay without lr": decay,
        "decay late": lr * o["weight_decay"] * late,
    }
    return late - taken.get(what, lr * decay)


def _direction(d: Any, o: Options, what: str) -> Any:
    """Newton–Schulz, or what takes its place."""
    if what == "singular values":
        u, _, v = np.linalg.svd(d, full_matrices=False)
        return u @ v
    if what == "plain":
        return d
    norm = np.max(np.abs(d)) if what == "largest" else np.sqrt(np.sum(d * d))
    (a, b, c), x = o["ns_coefficients"], d / max(norm, o["eps"])
    for _ in range(o["ns_steps"] if what != "only scaled" else 0):
        gram = x @ x.T
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x


RULES: dict[str, Rule] = {
    "SGD": sgd,
    "Adam": adam,
    "AdamW": adam,
    "NAdam": nadam,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Rprop": rprop,
    "Muon": muon,
}
"""By class: its rule."""
