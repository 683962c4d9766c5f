"""Drawers of the options of every optimizer."""

from collections.abc import Callable
from typing import Any

from strategies.spec import Choose, given, number


def _sgd(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    """Options for a group that inherits `defaults`; any may be left out."""
    options = given(
        lr=number(choose, choose((None, 0.1, 1e-4, 1.0, 0.0))),
        momentum=number(choose, choose((None, 0.9, 0.5, 1.0, 0.0))),
        dampening=number(choose, choose((None, 0.3, 1.0, -0.5, 0))),
        weight_decay=number(choose, choose((None, 0.2, 1e-4, 1.0))),
        nesterov=choose((None, True, False)),
        maximize=choose((None, True, False)),
    )
    whole = {**defaults, **options}
    if whole.get("nesterov") and not whole.get("momentum"):
        options["momentum"] = 0.9
    if whole.get("nesterov") and whole.get("dampening"):
        options["nesterov"] = False
    return options


def _adam(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    """Adam's options; AdamW has all but one of them."""
    return given(
        **_adaptive(choose),
        betas=choose((None, (0.5, 0.9), (0.0, 0.99), (0.9, 0.0))),
        amsgrad=choose((None, True, False)),
        decoupled_weight_decay=choose((None, True, False)),
    )


def _adamw(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    options = _adam(choose, defaults)
    return {k: v for k, v in options.items() if k != "decoupled_weight_decay"}


def _nadam(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return given(
        **_adaptive(choose),
        betas=choose((None, (0.5, 0.9), (0.0, 0.99), (0.9, 0.0))),
        momentum_decay=number(choose, choose((None, 0.0, 0.5))),
        decoupled_weight_decay=choose((None, True, False)),
    )


def _rmsprop(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return given(
        **_adaptive(choose),
        alpha=number(choose, choose((None, 0.9, 0.5))),
        momentum=number(choose, choose((None, 0.9, 0.0))),
        centered=choose((None, True, False)),
    )


def _adagrad(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    options = given(
        **_adaptive(choose), lr_decay=number(choose, choose((None, 0.3, 0.0)))
    )
    if start := choose((None, 0.5, 4.0)):
        options["initial_accumulator_value"] = start
    return options


def _adadelta(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return given(**_adaptive(choose), rho=number(choose, choose((None, 0.5, 1.0))))


def _rprop(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return given(
        lr=number(choose, choose((None, 0.1, 1.0, 0.0))),
        etas=choose((None, (0.3, 2.0))),
        step_sizes=choose((None, (0.01, 0.2), (0.0, 1.0))),
        maximize=choose((None, True, False)),
    )


def _muon(choose: Choose, defaults: dict[str, Any]) -> dict[str, Any]:
    return given(
        lr=number(choose, choose((None, 0.1, 1e-4, 0.0))),
        weight_decay=number(choose, choose((None, 0.2, 0.0))),
        momentum=number(choose, choose((None, 0.5, 0.0))),
        nesterov=choose((None, True, False)),
        eps=number(choose, choose((None, 1e-3))),
        ns_steps=choose((None, 0, 3)),
        ns_coefficients=choose((None, (2.0, -1.5, 0.5))),
        adjust_lr_fn=choose((None, "original", "match_rms_adamw")),
    )


def _adaptive(choose: Choose) -> dict[str, Any]:
    """What all who divide by the root of squares have."""
    return {
        "lr": number(choose, choose((None, 0.1, 1e-4, 1.0, 0.0))),
        "eps": number(choose, choose((None, 1e-3, 0.1))),
        "weight_decay": number(choose, choose((None, 0.2, 1e-4))),
        "maximize": choose((None, True, False)),
    }


OPTIMIZERS: dict[str, Callable[..., dict[str, Any]]] = {
    "Adadelta": _adadelta,
    "Adagrad": _adagrad,
    "Adam": _adam,
    "AdamW": _adamw,
    "Muon": _muon,
    "NAdam": _nadam,
    "RMSprop": _rmsprop,
    "Rprop": _rprop,
    "SGD": _sgd,
}
