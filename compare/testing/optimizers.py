"""Every optimizer: its defaults, each option alone, and several together."""

from typing import Any

from compare.testing.case import Case

_USUAL = {"eps": 0.1, "weight_decay": 0.2, "maximize": True}
_ALONE: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.9, "weight_decay": 0.2, "maximize": True},
    "Adam": {"betas": (0.5, 0.9), **_USUAL},
    "AdamW": {"weight_decay": 0.2},
    "RMSprop": {"alpha": 0.6, "momentum": 0.9, "centered": True, **_USUAL},
    "Adagrad": {"lr_decay": 0.3, "initial_accumulator_value": 0.5, **_USUAL},
    "Adadelta": {"rho": 0.6, **_USUAL},
    "Rprop": {"etas": (0.7, 1.5), "step_sizes": (0.08, 0.12), "maximize": True},
    "NAdam": {"betas": (0.5, 0.9), "momentum_decay": 0.5, **_USUAL},
    "Muon": {"weight_decay": 0.0, "momentum": 0.5, "nesterov": False},
}
_DECAY_UP = {"weight_decay": 0.2, "maximize": True}
_TOGETHER: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.9, "nesterov": True},
        _DECAY_UP,
        {"weight_decay": 0.2, "momentum": 0.9},
        {"momentum": 0.9, "maximize": True},
        {"momentum": 0.8, "weight_decay": 0.2, "dampening": 0.1},
        {"momentum": 0.8, "weight_decay": 0.2, "nesterov": True, "maximize": True},
    ],
    "Adam": [
        {"betas": (0.0, 0.0)},
        {"amsgrad": True, "betas": (0.8, 0.5)},
        {"weight_decay": 0.2, "decoupled_weight_decay": True},
        {"weight_decay": 0.2, "amsgrad": True, "maximize": True, "eps": 0.01},
    ],
    "AdamW": [
        {"betas": (0.5, 0.9), "eps": 0.1},
        {"weight_decay": 0.0},
        {"maximize": True, "weight_decay": 0.2},
        {"amsgrad": True, "betas": (0.8, 0.5), "weight_decay": 0.2},
    ],
    "RMSprop": [
        {"alpha": 0.8, "eps": 0.01, "momentum": 0.5, "centered": True, **_DECAY_UP}
    ],
    "Adagrad": [
        {"lr_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 0.01, **_DECAY_UP}
    ],
    "Adadelta": [{"lr": 0.5, "rho": 0.7, "eps": 0.01, **_DECAY_UP}],
    "Rprop": [{"etas": (0.4, 2.0), "step_sizes": (0.01, 0.2), "maximize": True}],
    "NAdam": [
        {"weight_decay": 0.2, "decoupled_weight_decay": True},
        {"weight_decay": 0.2, "momentum_decay": 0.5, "eps": 0.01, "maximize": True},
    ],
    "Muon": [
        {"ns_coefficients": (2.0, -1.5, 0.5)},
        {"ns_steps": 2, "eps": 0.5},
        {"adjust_lr_fn": "original"},
        {"adjust_lr_fn": "match_rms_adamw", "momentum": 0.0},
    ],
}


_MATRICES = ((3, 2), (2, 4), (1, 3))
"""Shapes of the parameters of Muon."""


def _cases(name: str) -> list[Case]:
    alone = [{option: value} for option, value in _ALONE[name].items()]
    options = ({}, *alone, *_TOGETHER.get(name, ()))
    kwargs = [{}, *({"lr": 0.1} | one for one in options)]
    shapes = _MATRICES if name == "Muon" else Case.shapes
    return [Case(name, kwargs=one, shapes=shapes) for one in kwargs]


OPTIMIZERS = [case for name in _ALONE for case in _cases(name)]
