"""Checking what stands beside an optimiser: schedules of lr, and gradient clipping."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handmade
from compare.backend import to_numpy
from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested
from compare.check.mistakes import SCHEDULES
from compare.check.definitions import NAMES
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close
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


def schedule_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function is checked as, if it is a schedule or a clipping."""
    word = _plain(name)
    for known in CASES:
        short = known.lower().removesuffix("lr")
        if word in {
            f"{short}{end}" for end in ("lr", "scheduler", "decay", "schedule")
        }:
            return Definition(name, known, "schedule", value)
    for known, others in NAMES["clipping"].items():
        if word == _plain(known) or word in others.split():
            return Definition(name, known, "clipping", value)
    return None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


@dataclass(frozen=True)
class Situation(Question):
    """Options of a schedule, or gradients and a limit."""

    gradients: tuple[np.ndarray, ...] = ()
    limit: float = 0.0


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
        question = Situation(definition.name, kwargs=options)
        want = [_torchs_rate(definition.name, options, t) for t in range(COUNT)]
        try:
            got = _rates(definition.make, options)
        except NotTested as why:
            comparison.skipped.setdefault(str(why), [])
            continue
        # Beyond T_max the cosine may go up again or stay where it is.
        count = options.get("T_max", COUNT - 1) + 1
        results = [{"rate": np.array(rates[:count])} for rates in (want, got)]
        comparison.add(question, results[0], Answer(results[1]))
    return comparison.finding(_schedule_diagnosis, _shown_rates)


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
        arguments = _arguments(make, given | {"t": 0})
        t = next(own for own, known in _known(make).items() if known == "t")
        return [float(make(**arguments | {t: step})) for step in range(COUNT)]
    made = make(**_arguments(make, given))
    method = next((getattr(made, m) for m in METHODS if hasattr(made, m)), None)
    if method is None:
        raise NotTested("it has none of the methods " + ", ".join(METHODS))
    takes_t = next((own for own, known in _known(method).items() if known == "t"), "")
    if takes_t and method.__name__ != "step":
        return [float(method(**{takes_t: step})) for step in range(COUNT)]
    rates = [optimizer.lr]
    for step in range(1, COUNT):
        new = method(**({takes_t: step} if takes_t else {}))
        rates.append(optimizer.lr if new is None else float(new))
    return rates


def _known(function: Any) -> dict[str, str]:
    """Torch's name of each of its arguments."""
    found: dict[str, str] = {}
    for name in inspect.signature(function).parameters:
        known = (
            k
            for k, words in NAMES["schedules"].items()
            if _plain(name) in words.split()
        )
        found[name] = next((k for k in known if k not in found.values()), "")
    return found


def _arguments(function: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What of this it takes, by its own names."""
    parameters, known = inspect.signature(function).parameters, _known(function)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and known[name] not in given:
            raise NotTested(f"what is its argument {name!r}?")
    if missing := given.keys() - {*known.values(), "optimizer", "lr", "t"}:
        raise NotTested(f"argument {', '.join(sorted(missing))}")
    return {name: given[k] for name, k in known.items() if k in given}


def _schedule_diagnosis(failures: list[Failure]) -> str:
    """The formula that gives these rates."""
    for row in SCHEDULES:
        for formula in row.get("rates", []):
            if all(_gives(formula, f) for f in failures):
                return row["name"]
    return ""


def _gives(formula: str, f: Failure) -> bool:
    name, options = f.question.name, f.question.kwargs
    torchs = inspect.signature(getattr(torch.optim.lr_scheduler, name)).parameters
    defaults = {k: p.default for k, p in torchs.items() if p.default is not p.empty}

    def rate(t: int, **others: Any) -> float:
        return _torchs_rate(name, {**options, **others}, t)

    scope = {"np": np, "r": rate, "base": BASE, **defaults, **options}
    try:
        found = [eval(formula, {**scope, "t": t}) for t in range(len(f.got["rate"]))]
    except Exception:  # another schedule's
        return False
    if f.got["rate"][0] == BASE:  # it changes nothing before the first step
        found[0] = BASE
    return close(f.got["rate"], np.array(found, dtype=float), 1e-9)


def _shown_rates(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    failure = failures[0]
    pairs = zip(failure.got["rate"], failure.want["rate"], strict=True)
    step = next(n for n, (a, b) in enumerate(pairs) if not np.isclose(a, b, 1e-12, 0))
    _, fields = wording.shown(failures)
    fields["case"] = wording.call_of(failure.question)
    return f"rate after {step} steps, from {BASE}", fields


# -- clipping --------------------------------------------------------------------------


def clipping(definition: Definition) -> Finding:
    """Compare what becomes of the gradients of several parameters."""
    comparison, rng = Comparison(definition), np.random.default_rng(7)
    drawn = [rng.normal(size=shape) for shape in ((3, 2), (2,), (4,))]
    clip = _clip_of(definition.make, drawn)
    for scale, limit in ((3.0, 1.0), (0.01, 1.0), (1.0, 2.0), (0.3, 0.5), (0.0, 1.0)):
        gradients = tuple(scale * gradient for gradient in drawn)
        params = [torch.nn.Parameter(torch.tensor(a)) for a in gradients]
        for p, gradient in zip(params, gradients, strict=True):
            p.grad = torch.tensor(gradient)
        getattr(torch.nn.utils, definition.name)(params, limit)
        want = [to_numpy(p.grad) for p in params]
        question = Situation(
            f"{definition.name}(…, {limit})", gradients=gradients, limit=limit
        )
        got = clip([gradient.copy() for gradient in gradients], limit)
        comparison.add(question, _named(want), Answer(_named(got)))
    return comparison.finding(_clip_diagnosis, _shown_clip)


def _named(gradients: list[np.ndarray]) -> Results:
    return {f"gradient {n}": np.asarray(a) for n, a in enumerate(gradients)}


def _clip_of(make: Any, sample: list[np.ndarray]) -> Callable[..., list[np.ndarray]]:
    """The function from gradients and a limit to gradients, in the form that runs."""
    errors: list[str] = []
    for form in _forms(make):
        try:
            found = form([a.copy() for a in sample], 1.0)
            if [np.shape(a) for a in found] == [a.shape for a in sample]:
                return form
            errors.append("it returns other shapes")
        except Exception as error:
            errors.append(wording.raised(error))
    raise NotTested(
        "its form was not understood; give it parameters with grad, or a list or dict "
        f"of gradients, and the limit; tried: {errors[0]}"
    )


def _forms(make: Any) -> Iterator[Callable[..., list[np.ndarray]]]:
    """As objects with grad, torch's parameters, a list, a dict of gradients."""

    def objects(
        gradients: list[np.ndarray], limit: float, lib: Any = handmade.nn
    ) -> Any:
        give = torch.tensor if lib is torch.nn else np.array
        params = [lib.Parameter(give(0.0 * a)) for a in gradients]
        for p, gradient in zip(params, gradients, strict=True):
            p.grad = give(gradient)
        make(params, limit)
        return [to_numpy(p.grad) for p in params]

    def values(gradients: list[np.ndarray], limit: float) -> Any:
        result = make(gradients, limit)
        for found in (result, *(result if isinstance(result, tuple) else ())):
            if isinstance(found, (list, tuple)) and len(found) == len(gradients):
                return list(found)
        return gradients

    def by_name(gradients: list[np.ndarray], limit: float) -> Any:
        named = {f"dW{n}": a for n, a in enumerate(gradients, 1)}
        result = make(named, limit)
        for found in (result, *(result if isinstance(result, tuple) else ())):
            if isinstance(found, dict) and found.keys() == named.keys():
                return list(found.values())
        return list(named.values())

    yield from (objects, lambda a, limit: objects(a, limit, torch.nn), values, by_name)


def _clip_diagnosis(failures: list[Failure]) -> str:
    """The formula that gives these gradients; its 1e-6 may be left out."""
    for row in SCHEDULES:
        name = failures[0].definition.name
        for formula in row.get("clips", []) if name in row.get("of", name) else ():
            exact = row["name"] == "1e-6 left out"
            if all(_clips(formula, f, 1e-12 if exact else 1e-4) for f in failures):
                return row["name"]
    return ""


def _clips(formula: str, f: Failure, tolerance: float) -> bool:
    g, c = f.question.gradients, f.question.limit
    norms = [float(np.linalg.norm(a)) for a in g]
    scope = {"np": np, "g": g, "c": c, "norms": norms, "total": np.hypot.reduce(norms)}
    found = _named(eval(formula, scope))
    return all(close(f.got[name], found[name], tolerance) for name in found)


def _shown_clip(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    where, fields = wording.shown(failures)
    question: Situation = failures[0].question
    given = ", ".join(wording.text(a) for a in question.gradients)
    return where, fields | {"case": question.name, "input": f"gradients {given}"}
