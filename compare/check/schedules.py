"""Checking what stands beside an optimiser: schedules of lr, and gradient clipping."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from compare.backend import to_numpy
from compare.check import wording
from compare.check.arguments import taken_in_order
from compare.check.comparison import Comparison
from compare.check.definitions import NAMES, Definition, NotTested, plain, words_for
from compare.check.mistakes import SCHEDULES, ways_in
from compare.check.optimizer_forms import (
    ARRAYS,
    OBJECTS,
    arrays_in,
    giver,
    split,
    unpacked,
)
from compare.check.report import Finding
from compare.check.results import Answer, Failure, explained
from compare.testing.reference import Question, Results

CASES: dict[str, list[dict[str, Any]]] = {
    "StepLR": [{"step_size": 3, "gamma": 0.1}, {"step_size": 2, "gamma": 0.5}],
    "MultiStepLR": [{"milestones": [2, 5], "gamma": 0.1}],
    "ExponentialLR": [{"gamma": 0.9}, {"gamma": 0.5}],
    "CosineAnnealingLR": [{"T_max": 10}, {"T_max": 6, "eta_min": 0.02}],
    "LinearLR": [
        {"start_factor": 0.25, "total_iters": 4},
        {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 5},
    ],
}
"""The options with which each schedule is tried."""
METHODS = ("step", "get_lr", "get_last_lr", "__call__", "update")
BASE, COUNT = 0.2, 9
LIMITS = ((3.0, 1.0), (0.01, 1.0), (1.0, 2.0), (0.3, 0.5), (0.0, 1.0))
"""A factor of the gradients to clip, and the limit."""


def schedule_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function is checked as, if it is a schedule or a clipping."""
    word = plain(name)
    for known in CASES:
        short = known.lower().removesuffix("lr")
        if word in {short + end for end in ("lr", "scheduler", "decay", "schedule")}:
            return Definition(name, known, "schedule", value)
    for known in NAMES["clipping"]:
        if word in words_for("clipping", known):
            return Definition(name, known, "clipping", value)
    return None


# -- schedules -------------------------------------------------------------------------


class Optimizer:
    """Something with a learning rate, under all names that are in use."""

    lr = learning_rate = property(
        lambda own: own.param_groups[0]["lr"],
        lambda own, lr: own.param_groups[0].update(lr=lr),
    )

    def __init__(self) -> None:
        self.param_groups = [{"lr": BASE, "initial_lr": BASE, "params": []}]
        self.defaults = {"lr": BASE}


def schedule(definition: Definition) -> Finding:
    """Compare the rates of the first steps with torch's."""
    comparison = Comparison(definition)
    for options in CASES[definition.name]:
        # Beyond T_max the cosine may go up again or stay where it is.
        count = options.get("T_max", COUNT - 1) + 1
        want = [_torchs_rate(definition.name, options, t) for t in range(COUNT)]
        try:
            got = _rates(definition.make, options)
        except NotTested as why:
            comparison.skipped.setdefault(str(why), [])
            continue
        want, got = ({"rate": np.array(rates[:count])} for rates in (want, got))
        question = Question(definition.name, kwargs=options)
        comparison.add(question, want, Answer(got))
    ways = [*ways_in(SCHEDULES, "rates")]
    return comparison.finding(
        lambda failures: explained(ways, failures, _rates_by, 1e-9), _shown_rates
    )


def _torchs_rate(name: str, options: dict[str, Any], t: int) -> float:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for _ in range(t):
        optimizer.step()
        scheduler.step()
    return optimizer.param_groups[0]["lr"]


def _rates(make: Any, options: dict[str, Any]) -> list[float]:
    """The rate before the first step, and after each of the following ones."""
    optimizer = Optimizer()
    given = {**options, "optimizer": optimizer, "lr": BASE}
    if not inspect.isclass(make):
        steps = [_arguments(make, {**given, "t": t}) for t in range(COUNT)]
        return [float(make(**arguments)) for arguments in steps]
    made = make(**_arguments(make, given))
    method = next((getattr(made, m) for m in METHODS if hasattr(made, m)), None)
    if method is None:
        raise NotTested("it has none of the methods " + ", ".join(METHODS))
    t_names = [own for own, known in _known(method).items() if known == "t"]
    steps = [dict.fromkeys(t_names[:1], t) for t in range(COUNT)]
    if t_names and method.__name__ != "step":
        return [float(method(**step)) for step in steps]
    rates = [optimizer.lr]
    for step in steps[1:]:
        new = method(**step)
        rates.append(optimizer.lr if new is None else float(new))
    return rates


def _known(function: Any) -> dict[str, str]:
    """Torch's name of each of its arguments."""
    found: dict[str, str] = {}
    for name in taken_in_order(function):
        word, free = plain(name), NAMES["schedules"].keys()
        free = (known for known in free if known not in found.values())
        found[name] = next((k for k in free if word in words_for("schedules", k)), "")
    return found


def _arguments(function: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What of this it takes, by its own names."""
    parameters, known = inspect.signature(function).parameters, _known(function)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and known[name] not in given:
            raise NotTested(f"what is its argument {name!r}?")
    if missing := given.keys() - {*known.values(), "optimizer", "lr"}:
        raise NotTested(f"argument {', '.join(sorted(missing))}")
    return {name: given[k] for name, k in known.items() if k in given}


def _rates_by(formula: str, f: Failure) -> Results:
    name, options = f.question.name, f.question.kwargs
    torchs = inspect.signature(getattr(torch.optim.lr_scheduler, name)).parameters
    defaults = {k: p.default for k, p in torchs.items() if p.default is not p.empty}

    def rate(t: int, **others: Any) -> float:
        return _torchs_rate(name, {**options, **others}, t)

    scope = {"np": np, "r": rate, "base": BASE, **defaults, **options}
    count = f.got["rate"].size
    found = [eval(formula, {**scope, "t": t}) for t in range(count)]
    if f.got["rate"][0] == BASE:  # it changes nothing before the first step
        found[0] = BASE
    return {"rate": np.array(found, dtype=float)}


def _shown_rates(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    got, want = failures[0].got["rate"], failures[0].want["rate"]
    step = np.flatnonzero(~np.isclose(got, want, 1e-12, 0))[0]
    _, fields = wording.shown(failures)
    return f"rate after {step} steps, from {BASE}", fields


# -- clipping --------------------------------------------------------------------------

Clip = Callable[[list[np.ndarray], float], list[np.ndarray]]


def clipping(definition: Definition) -> Finding:
    """Compare what becomes of the gradients of several parameters."""
    comparison, rng = Comparison(definition), np.random.default_rng(7)
    drawn = [rng.normal(size=shape) for shape in ((3, 2), (2,), (4,))]
    function = getattr(torch.nn.utils, definition.name)
    torchs, ours = _clip_in("torch", function), _clip_of(definition.make, drawn)
    name_of_limit = taken_in_order(function)[1]
    for scale, limit in LIMITS:
        gradients = [scale * gradient for gradient in drawn]
        want, got = (_named(clip(gradients, limit)) for clip in (torchs, ours))
        options = {name_of_limit: limit}
        question = Question(definition.name, (), options, state=_named(gradients))
        comparison.add(question, want, Answer(got))

    ways = [*ways_in(SCHEDULES, "clips", definition.name)]
    # Up to 1e-4: every mistake may come without torch's 1e-6.
    return comparison.finding(lambda fs: explained(ways, fs, _clipped_by, 1e-4))


def _named(gradients: list[np.ndarray]) -> Results:
    return {f"gradient {n}": np.asarray(a) for n, a in enumerate(gradients)}


def _clip_of(make: Any, sample: list[np.ndarray]) -> Clip:
    """The function from gradients and a limit to gradients, in the form that runs."""
    errors: list[str] = []
    for container in (*OBJECTS, *ARRAYS[:-1]):
        clip = _clip_in(container, make)
        try:
            if [*map(np.shape, clip(sample, 1.0))] == [a.shape for a in sample]:
                return clip
            errors.append("it returns other shapes")
        except Exception as error:
            errors.append(wording.raised(error))
    raise NotTested(
        "its form was not understood; give it parameters with grad, or a list or dict "
        f"of gradients, and the limit; tried: {errors[0]}"
    )


def _clip_in(container: str, make: Any) -> Clip:
    """A function that clips gradients in one of the containers."""

    def clip(gradients: list[np.ndarray], limit: float) -> list[np.ndarray]:
        if container in ARRAYS:
            held = arrays_in(container, [a.copy() for a in gradients], "d")
            return unpacked(split(make(held, limit), held)[0])
        give, parameter = giver(container)
        params = [parameter(give(0.0 * a)) for a in gradients]
        for p, gradient in zip(params, gradients, strict=True):
            p.grad = give(gradient)
        make(params, limit)
        return [to_numpy(p.grad) for p in params]

    return clip


def _clipped_by(formula: str, f: Failure) -> Results:
    g, (c,) = [*f.question.state.values()], f.question.kwargs.values()
    norms = [float(np.linalg.norm(a)) for a in g]
    scope = {"np": np, "g": g, "c": c, "norms": norms, "total": np.hypot.reduce(norms)}
    return _named(eval(formula, scope))
