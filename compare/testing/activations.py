"""Activations."""

import numpy as np

from compare.testing.case import case, cases
from compare.testing.draws import extreme, kinked, landing, normal, strided

_PIECEWISE = [
    case("ReLU", kinked(4, 5)),
    *cases("LeakyReLU", kinked(4, 5), each=({}, {"negative_slope": 0.3})),
    *cases("PReLU", kinked(4, 5), each=({}, {"init": -0.5})),
    case("PReLU", kinked(4, 3), args=(3,)),
    case("PReLU", kinked(4, 3, 2), args=(3,), note="channels"),
    case("PReLU", kinked(2, 3, 2, 2), args=(3,), note="channels"),
    case("PReLU", strided(4, 3), args=(3,), note="strided"),
    case("PReLU", normal(1, 3), args=(3,), note="batch 1"),
    case("PReLU", normal(0, 3), args=(3,), note="empty batch"),
    case("PReLU", kinked(5), note="one example"),
    case("PReLU", lambda rng: np.asarray(-1.5), note="one number"),
    case("ELU", kinked(4, 5)),
    *cases("ELU", kinked(4, 5), each=[{"alpha": alpha} for alpha in (0.3, -0.7, 0.0)]),
    case("ELU", normal(4, 5, scale=1e-4), note="tiny"),
    case("ELU", extreme(4, 5), alpha=2.0, note="extreme"),
    case("Hardtanh", landing(4, 5, on=(-1.0, 0.0, 1.0))),
    case("Hardtanh", landing(4, 5, on=(-0.5, 2.0)), min_val=-0.5, max_val=2.0),
    case("Hardtanh", landing(4, 5, on=(0.25, 0.5, 2.0)), min_val=0.25, max_val=2.0),
    case("Hardtanh", landing(4, 5, on=(-2.0,)), min_val=-2),
    case("Hardtanh", normal(4, 5, scale=10), max_val=20.0),
    case("ReLU6", landing(4, 5, on=(0.0, 6.0), scale=6)),
    case("Step", kinked(4, 5)),
]
_AT_3_4 = landing(4, 5, on=(0.75, 0.0))
_SMOOTH = [
    case("Sigmoid", normal(4, 5, scale=4)),
    case("Tanh", normal(4, 5, scale=2)),
    *cases("Softplus", normal(4, 5, scale=2), each=({}, {"beta": 3}, {"beta": -2.0})),
    case("Softplus", _AT_3_4, beta=4.0, threshold=3.0, note="at the threshold"),
    case("Softplus", normal(4, 5), beta=0.5, threshold=-0.2),
    case("Softplus", landing(4, 5, on=(20.0,), scale=30), note="at the threshold"),
    case("Softplus", extreme(4, 5), beta=0.1, threshold=200, note="extreme"),
    case("Softplus", strided(4, 5), beta=2.0, note="strided"),
    case("SiLU", normal(4, 5, scale=3)),
    *cases("GELU", normal(4, 5, scale=2), each=({}, {"approximate": "tanh"})),
    case("GELU", normal(4, 5, scale=1e-3), note="tiny"),
    case("GELU", normal(30, 20, scale=4), note="many"),
    case("GELU", normal(30, 20, scale=4), approximate="tanh", note="many"),
    case("GELU", extreme(4, 5), approximate="tanh", note="extreme"),
    case("GELU", strided(4, 5), approximate="tanh", note="strided"),
]
_GATES = ("Softplus", "SiLU", "GELU")
_BOUNDED = ("Sigmoid", "Tanh", "Hardtanh", "ReLU6")
_UNUSUAL = [
    case(name, draw, note=note)
    for note, draw, names in (
        ("extreme", extreme(4, 5), (*_BOUNDED, "ReLU", "PReLU", *_GATES)),
        ("strided", strided(4, 5), ("ELU", "Hardtanh", "ReLU6", "SiLU", "GELU")),
        ("empty batch", normal(0, 3), ("ELU", "ReLU6", *_GATES)),
    )
    for name in names
]
_SOFTMAX = [
    case(name, draw, dim=dim, note=note)
    for name in ("Softmax", "LogSoftmax")
    for draw, dim, note in (
        (normal(4, 5), -1, ""),
        (normal(4, 5, 3), 1, ""),
        (extreme(4, 5), 0, "extreme"),
        (extreme(4, 5), -1, "extreme"),
    )
]
_STRIDED = case("LogSoftmax", strided(4, 5), dim=1, note="strided")
ACTIVATIONS = [*_PIECEWISE, *_SMOOTH, *_UNUSUAL, *_SOFTMAX, _STRIDED]
