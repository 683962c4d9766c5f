"""Every optimiser."""

from dataclasses import replace
from typing import Any

from compare.testing.case import Case, case

_DECAY_UP = {"weight_decay": 0.2, "maximize": True}


def _cases(name: str, *options: dict[str, Any]) -> list[Case]:
    """The defaults, another learning rate, and that with each of the options."""
    return [case(name), *(case(name, lr=0.1, **one) for one in ({}, *options))]


_SGD = _cases(
    "SGD",
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.2},
    {"weight_decay": 0.2, "maximize": True},
    {"weight_decay": 0.2, "momentum": 0.9},
    {"momentum": 0.9, "maximize": True},
    {"momentum": 0.8, "weight_decay": 0.2, "dampening": 0.1},
    {"momentum": 0.8, "weight_decay": 0.2, "nesterov": True, "maximize": True},
    {"maximize": True},
)
_ADAM = _cases(
    "Adam",
    {"betas": (0.5, 0.9)},
    {"betas": (0.0, 0.0)},
    {"eps": 0.1},
    {"weight_decay": 0.2},
    {"amsgrad": True, "betas": (0.8, 0.5)},
    {"maximize": True},
    {"weight_decay": 0.2, "decoupled_weight_decay": True},
    {"weight_decay": 0.2, "amsgrad": True, "maximize": True, "eps": 0.01},
)
_ADAMW = _cases(
    "AdamW",
    {"betas": (0.5, 0.9), "eps": 0.1},
    {"weight_decay": 0.2},
    {"weight_decay": 0.0},
    {"maximize": True, "weight_decay": 0.2},
    {"amsgrad": True, "betas": (0.8, 0.5), "weight_decay": 0.2},
)
_RMSPROP = _cases(
    "RMSprop",
    {"alpha": 0.6},
    {"eps": 0.1},
    {"weight_decay": 0.2},
    {"momentum": 0.9},
    {"centered": True},
    {"maximize": True},
    {"alpha": 0.8, "eps": 0.01, "momentum": 0.5, "centered": True, **_DECAY_UP},
)
_ADAGRAD = _cases(
    "Adagrad",
    {"lr_decay": 0.3},
    {"weight_decay": 0.2},
    {"initial_accumulator_value": 0.5},
    {"eps": 0.1},
    {"maximize": True},
    {"lr_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 0.01, **_DECAY_UP},
)
_ADADELTA = [
    case("Adadelta"),
    case("Adadelta", lr=0.1),
    case("Adadelta", rho=0.6),
    case("Adadelta", eps=0.1),
    case("Adadelta", weight_decay=0.2),
    case("Adadelta", maximize=True),
    case("Adadelta", lr=0.5, rho=0.7, eps=0.01, weight_decay=0.2, maximize=True),
]
_RPROP = _cases(
    "Rprop",
    {"etas": (0.7, 1.5)},
    {"step_sizes": (0.08, 0.12)},
    {"maximize": True},
    {"etas": (0.4, 2.0), "step_sizes": (0.01, 0.2), "maximize": True},
)
_NADAM = _cases(
    "NAdam",
    {"betas": (0.5, 0.9)},
    {"eps": 0.1},
    {"weight_decay": 0.2},
    {"momentum_decay": 0.5},
    {"maximize": True},
    {"weight_decay": 0.2, "decoupled_weight_decay": True},
    {"weight_decay": 0.2, "momentum_decay": 0.5, "eps": 0.01, "maximize": True},
)
_MUON = [
    replace(one, shapes=((3, 2), (2, 4), (1, 3)))  # matrices only
    for one in _cases(
        "Muon",
        {"weight_decay": 0.0},
        {"momentum": 0.5},
        {"nesterov": False},
        {"ns_coefficients": (2.0, -1.5, 0.5)},
        {"ns_steps": 2, "eps": 0.5},
        {"adjust_lr_fn": "original"},
        {"adjust_lr_fn": "match_rms_adamw", "momentum": 0.0},
    )
]
OPTIMIZERS = [
    *(*_SGD, *_ADAM, *_ADAMW, *_RMSPROP, *_ADAGRAD),
    *(*_ADADELTA, *_RPROP, *_NADAM, *_MUON),
]
