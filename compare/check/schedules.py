"""Checking what stands beside an optimizer: schedules of lr, and gradient clipping."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from compare.backend import to_numpy
from compare.check import optimizer_forms as forms
from compare.check import wording
from compare.check.definitions import NAMES, Definition, NotTested, plain, words_for
from compare.check.mistakes import SCHEDULES, ways_in
from compare.check.report import Finding
from compare.check.results import Failure
from compare.check.signatures import arguments_of
from compare.check.trajectories import compared
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
ENDS = ("lr", "scheduler", "decay", "schedule", "annealing", "annealinglr")
METHODS = ("step", "get_lr", "get_last_lr", "__call__", "update")
BASE, COUNT = 0.2, 9
LIMITS = ((3.0, 1.0), (0.01, 1.0), (1.0, 2.0), (0.3, 0.5), (0.0, 1.0))
"""A factor of the gradients to clip, and the limit."""


def schedule_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function is checked as, if it is a schedule or a clipping."""
    word = plain(name)
    for known in CASES:
        short = known.lower().removesuffix("lr").removesuffix("annealing")
        if word in {short + end for end in ENDS}:
            return Definition(name, known, "schedule", value)
    for known in NAMES["clipping"]:
        if word in words_for("clipping", known):
            return Definition(name, known, "clipping", value)
    return None


# -- schedules -------------------------------------------------------------------------


class Optimizer(torch.optim.SGD):
    """An optimizer with a learning rate, under all names that are in use."""

    lr = learning_rate = property(
        lambda own: own.param_groups[0]["lr"],
        lambda own, lr: own.param_groups[0].update(lr=lr),
    )


def schedule(definition: Definition) -> Finding:
    """Compare the rates of the first steps with torch's."""
    name = definition.name
    questions = [Question(name, kwargs=options) for options in CASES[name]]
    torchs = getattr(torch.optim.lr_scheduler, name)
    variants = [*ways_in(SCHEDULES, "rates")]

    def run(make: Any, question: Question) -> Results:
        # Beyond T_max the cosine may go up again or stay where it is.
        count = min(question.kwargs.get("T_max", COUNT) + 1, COUNT)
        return {
            "rate": np.array(_rates(make, dict(question.kwargs), count), dtype=float)
        }

    def variant(formula: str, f: Failure) -> Results:
        """The rates by the formula of a mistake."""
        parameters, options = inspect.signature(torchs).parameters, f.question.kwargs
        scope = {name: p.default for name, p in parameters.items()} | options
        scope |= {"np": np, "base": BASE}
        scope["r"] = lambda t, **more: _rates(torchs, options | more, t + 1)[-1]
        rates = [eval(formula, scope | {"t": t}) for t in range(f.got["rate"].size)]
        if f.got["rate"][0] == BASE:  # it changes nothing before the first step
            rates[0] = BASE
        return {"rate": np.array(rates, dtype=float)}

    return compared(
        definition, questions, run, torchs, variants, variant, shown=_shown_rates
    )


def _rates(make: Any, options: dict[str, Any], count: int) -> list[Any]:
    """The rate before the first step, and after each of the following ones."""
    optimizer = Optimizer([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    optimizer.param_groups[0]["initial_lr"] = BASE
    given = {**options, "optimizer": optimizer, "lr": BASE}
    if not inspect.isclass(make):
        return [make(**_arguments(make, {**given, "t": t})) for t in range(count)]
    made = make(**_arguments(make, given))
    method = next((getattr(made, m) for m in METHODS if hasattr(made, m)), None)
    if method is None:
        raise NotTested("it has none of the methods " + ", ".join(METHODS))
    names = [own for own, known in _known(method).items() if known == "t"]
    if names and method.__name__ != "step":
        return [method(**{names[0]: t}) for t in range(count)]
    rates = [optimizer.lr]
    for t in range(1, count):
        new = method(**dict.fromkeys(names[:1], t))
        rates.append(optimizer.lr if new is None else new)
    return rates


def _known(function: Any) -> dict[str, str]:
    """Torch's name of each of its arguments."""
    found: dict[str, str] = {}
    for name in arguments_of(function):
        free = (known for known in NAMES["schedules"] if known not in found.values())
        words = (k for k in free if plain(name) in words_for("schedules", k))
        found[name] = next(words, "")
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


def _shown_rates(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    got, want = failures[0].got["rate"], failures[0].want["rate"]
    step = np.flatnonzero(~np.isclose(got, want, 1e-12, 0))[0]
    return f"rate after {step} steps, from {BASE}", wording.shown(failures)[1]


# -- clipping --------------------------------------------------------------------------


def clipping(definition: Definition) -> Finding:
    """Compare what becomes of the gradients of several parameters."""
    torchs = getattr(torch.nn.utils, definition.name)
    questions = [*_limits(definition.name, arguments_of(torchs)[1])]
    container = _container(definition.make, questions[0])

    def clip(make: Any, question: Question) -> Results:
        return _clipped("torch" if make is torchs else container, make, question)

    variants = [*ways_in(SCHEDULES, "clips", definition.name)]
    # Up to 1e-4: every mistake may come without torch's 1e-6.
    return compared(definition, questions, clip, torchs, variants, _clipped_by, 1e-4)


def _limits(name: str, limit: str) -> Iterator[Question]:
    rng = np.random.default_rng(7)
    drawn = [rng.normal(size=shape) for shape in ((3, 2), (2,), (4,))]
    for scale, most in LIMITS:
        gradients = _named([scale * gradient for gradient in drawn])
        yield Question(name, kwargs={limit: most}, state=gradients)


def _named(gradients: list[Any]) -> Results:
    return {f"gradient {n}": np.asarray(a) for n, a in enumerate(gradients)}


def _container(make: Any, question: Question) -> str:
    """What it takes gradients in: found by trying."""
    errors: list[str] = []
    for container in (*forms.OBJECTS, *forms.ARRAYS[:-1]):
        try:
            got = _clipped(container, make, question)
            if [*map(np.shape, got.values())] == [
                *map(np.shape, question.state.values())
            ]:
                return container
            errors.append("it returns other shapes")
        except Exception as error:
            errors.append(wording.raised(error))
    raise NotTested(
        "its form was not understood; give it parameters with grad, or a list or dict "
        f"of gradients, and the limit; tried: {errors[0]}"
    )


def _clipped(container: str, make: Any, question: Question) -> Results:
    """What becomes of the gradients in such a container."""
    gradients, (limit,) = [*question.state.values()], question.kwargs.values()
    if container in forms.ARRAYS:
        held = forms.arrays_in(container, [a.copy() for a in gradients], "d")
        return _named(forms.unpacked(forms.split(make(held, limit), held)[0]))
    give, parameter = forms.giver(container)
    params = [parameter(give(0.0 * a)) for a in gradients]
    for p, gradient in zip(params, gradients, strict=True):
        p.grad = give(gradient)
    make(params, limit)
    return _named([to_numpy(p.grad) for p in params])


def _clipped_by(formula: str, f: Failure) -> Results:
    """What becomes of them by the formula of a mistake."""
    g, (c,) = [*f.question.state.values()], f.question.kwargs.values()
    norms = [float(np.linalg.norm(a)) for a in g]
    scope = {"np": np, "g": g, "c": c, "norms": norms, "total": np.hypot.reduce(norms)}
    return _named(eval(formula, scope))
