"""Optimisers as people write them, driven as torch's: made of parameters, step().

A class may be given its parameters (objects with data and grad, arrays in a list or a
dict) or only its options; its method takes what the names of its arguments say. A
function is given parameters, gradients, its state and options, and returns the new
ones, or changes them. Which form it is shows when it is tried.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from compare.check import wording
from compare.check.definitions import Definition, NotTested
from compare.check.optimizer_driver import CONTAINERS, Adapted, Form, Parameter

SGDS = re.compile(r"momentum|nesterov|gradientdescent|^(nag|gd|)$|^param|^weights")
"""What people call forms of SGD, in lower case without what `_ADDED` takes away."""
_ADDED = re.compile(
    r"_|^(optimi[sz]er|my|own|update)|(update|step|optimi[sz]er|optim|own|np|numpy)$"
)
ALIASES = tomllib.loads(
    Path(__file__).with_name("aliases.toml").read_text(encoding="utf-8")
)
OPTIONS: dict[str, str] = ALIASES["options"]
"""Torch's options, and the names that people give them."""
CONFIG: dict[str, str] = ALIASES["config"]
"""The options in a dict of them."""
ROLES: dict[str, str] = ALIASES["roles"]
"""What an argument is, and the pattern of its names."""
METHODS = (
    *("step", "update", "update_params", "update_parameters", "apply_gradients"),
    *("apply", "optimize", "__call__", "get_updates", "update_weights"),
)


def optimizer_definition(name: str, value: Any, _: Any = None) -> Definition | None:
    """What a class or function of this name is checked as, if it is an optimiser."""
    word, shorter = "", name.lower()
    while word != shorter:
        word, shorter = shorter, _ADDED.sub("", shorter)
    torchs = [one for one in handmade.optim.__all__ if one != "Optimizer"]
    found = [one for one in torchs if one.lower() in word]
    known = max(found, key=len, default="SGD" if SGDS.search(word) else "")
    if inspect.isclass(value):
        fits = bool(word) and any(hasattr(value, method) for method in METHODS[:-3])
    else:
        roles = {*map(_role, _names(value))}
        fits = "parameters" in roles and ("gradients" in roles or bool(word))
    return Definition(name, known, "optimizer", value) if known and fits else None


def as_torchs(definition: Definition) -> Definition:
    """The same with a `make` that takes parameters and torch's options.

    Raises:
        NotTested: no form could be run.
    """
    make, options = definition.make, _options(definition)

    names = [options.get("lr", "lr"), "learning_rate", "step_size"]
    names += OPTIONS["lr"].split()

    def made(params: Any, **given: Any) -> Adapted:
        own = _as_own(given, options)
        return Adapted(make, form, params, own, names)

    tried: list[str] = []
    best: tuple[int, Form] | None = None
    rng = np.random.default_rng(0)
    for form in _forms(make, {n for name in options.values() for n in name.split()}):
        params = [Parameter(rng.normal(size=s)) for s in ((3, 2), (2,))]
        before = [p.data.copy() for p in params]
        try:
            optimizer = made(params, **_needed(definition, options))
            for _ in range(2):
                for p in params:
                    p.grad = np.ones_like(p.data)
                optimizer.step()
            pairs = [(p.data, a) for p, a in zip(params, before, strict=True)]
            if any(new.shape != old.shape for new, old in pairs):
                raise ValueError("the parameters change their shapes")
            moved = [not np.array_equal(new, old) for new, old in pairs]
        except Exception as error:
            tried.append(f"{form}: {wording.raised(error)}")
            if form.is_torchs and best is None:
                best = 0, form
            continue
        if best is None or sum(moved) > best[0]:
            best = sum(moved), form
        if all(moved):
            break
    if best is None:
        what = "; ".join(tried[-2:]) or "it has none of the methods " + ", ".join(
            METHODS
        )
        raise NotTested(f"its form was not understood; give it step(); tried: {what}")
    form = best[1]
    made.__signature__ = _signature(make, options)  # pyright: ignore
    made.form = form  # pyright: ignore
    return replace(definition, make=made)


def may_lack_a_gradient(make: Any) -> bool:
    """Whether parameters are objects, whose gradient may be None."""
    return make.form.container in CONTAINERS[:2]


def _forms(make: Any, options: set[str]) -> Iterator[Form]:
    """Every form that it may have, by its signature."""
    if not inspect.isclass(make):
        roles = _roles(make, options)
        has_gradients = "gradients" in dict(roles).values()
        for container in CONTAINERS[2:6] if has_gradients else CONTAINERS[:2]:
            yield Form(container, roles=roles)
        return
    first = next(iter(_names(make)), "")
    is_given = first not in options and first != "self" and bool(first)
    for method in METHODS:
        if (function := getattr(make, method, None)) is None or (
            method == "__call__" and "__call__" not in vars(make)
        ):
            continue
        roles = _roles(function, set(), skip=1)
        kinds = {role for _, role in roles}
        objects = not kinds & {"gradients", "pairs"}
        for container in (*CONTAINERS[: 2 if objects else -1], "layer"):
            if ("layer" in kinds) == (container == "layer") or is_given:
                yield Form(container, is_given, method, roles)


def _names(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _roles(
    function: Any, options: set[str], skip: int = 0
) -> tuple[tuple[str, str], ...]:
    """The name and role of each argument that has to be given."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    return tuple(
        (p.name, "lr" if skip and _plain(p.name) in OPTIONS["lr"].split() else role)
        for p in parameters
        if p.name not in options and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        for role in [_role(p.name)]
        if p.default is p.empty or role in ("count", "config")
    )


def _role(name: str) -> str:
    word = _plain(name)
    return next((r for r, words in ROLES.items() if re.fullmatch(words, word)), "state")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


# -- options ---------------------------------------------------------------------------


def _options(definition: Definition) -> dict[str, str]:
    """Its own name of each of torch's options; of betas both, "beta1 beta2"."""
    own = {_plain(name): name for name in reversed(_names(definition.make))}
    found: dict[str, str] = {}

    def find(option: str) -> str:
        words = OPTIONS.get(option, _plain(option)).split()
        free = (own[w] for w in words if w in own and own[w] not in found.values())
        return next(free, "")

    torchs = _names(getattr(handmade.optim, definition.name))[1:]
    if "config" in map(_role, own.values()):
        in_none = set() if definition.name == "SGD" else {"momentum"}
        return {o: CONFIG[o] for o in torchs if o in CONFIG.keys() - in_none}
    for option in torchs:
        name = find(option)
        if option == "betas" and not name:
            name = " ".join(filter(None, (find("beta1"), find("beta2"))))
        if name:
            found[option] = name
    methods = (getattr(definition.make, name, None) for name in METHODS)
    if any("lr" in dict(_roles(m, set(), 1)).values() for m in methods if m):
        found.setdefault("lr", "lr")
    return found


def _as_own(given: dict[str, Any], options: dict[str, str]) -> dict[str, Any]:
    """Options by its own names."""
    own: dict[str, Any] = {}
    for option, value in given.items():
        names = options.get(option, option).split()
        values = value if len(names) > 1 else [value]
        own |= dict(zip(names, values, strict=True))
    return own


def _needed(definition: Definition, options: dict[str, str]) -> dict[str, Any]:
    """Torch's defaults of the options that have none here."""
    torchs = inspect.signature(getattr(handmade.optim, definition.name)).parameters
    signature = _signature(definition.make, options)
    own = [p.name for p in signature.parameters.values() if p.default is p.empty]
    return {name: torchs[name].default for name in own if name in options}


def _signature(make: Any, options: dict[str, str]) -> inspect.Signature:
    """Parameters and the options that it takes, under torch's names."""
    own, kind = inspect.signature(make).parameters, inspect.Parameter.KEYWORD_ONLY
    taken = [inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)]
    for option, names in options.items():
        needed = inspect.Parameter(option, kind)
        defaults = [own.get(name, needed).default for name in names.split()]
        default = tuple(defaults) if len(defaults) > 1 else defaults[0]
        is_needed = needed.default in defaults
        taken.append(needed if is_needed else needed.replace(default=default))
    return inspect.Signature(taken)
