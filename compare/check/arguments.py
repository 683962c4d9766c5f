"""Which arguments a definition takes, and where its defaults are not torch's."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import handmade
from compare.check.definitions import CASES, Definition, plain, roles, words_for
from compare.check.signatures import defaults, taken
from compare.testing import Case, references

IMPLICIT = (("dim", -1),)
"""Arguments that a beginner's version may leave out although torch has no default."""
SIDES = {
    *("pool_h", "pool_w", "kernel_h", "kernel_w", "pool_height", "pool_width"),
    *("kernel_height", "kernel_width"),
}
"""Arguments that take a kernel's height and width apart."""
IN_A_DICT = {"stride", "padding", "kernel_size", "eps", "momentum", "p"}
"""Options that a file may take in one dict, such as `conv_param`."""
EXPLICIT = ("ignore_index",)
"""Arguments whose default, too, asks for something that has to be written."""


def spelled(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options under the names that something has for them; torch's if it has none."""
    names = taken(function)
    if names is None:
        return dict(options)
    others = {plain(name): name for name in names - options.keys()}
    found = {}
    for option, value in options.items():
        if option == "stride" and value is None:
            value = options.get("kernel_size", 1)
        sides = [n for n in names if n.lower() in SIDES]
        if option == "kernel_size" and len(sides) == 2:
            both = value if isinstance(value, tuple) else (value, value)
            found |= {n: both["w" in n.lower().rpartition("_")[2]] for n in sides}
            continue
        words = [] if option in names else words_for("options", option)
        kept = [n for w, n in others.items() if w in words_for("options", "keep")]
        if option == "p" and kept and not {*words} & others.keys():
            found[kept[0]] = value if value is None else round(1 - value, 9)
            continue
        found[next((others[w] for w in words if w in others), option)] = value
    return found


def expressible(definition: Definition, case: Case) -> tuple[Case | None, set[str]]:
    """The case in the options that the definition takes, or those that it lacks.

    What torch has a default of and the definition has not is given as torch has it.
    """
    takes, default = taken(definition.make), torchs_defaults(definition)
    if takes and "options" in roles(sorted(takes)):
        is_pool = "Pool" in definition.name
        takes |= IN_A_DICT - {"padding"} if is_pool else IN_A_DICT
    own = {name: _own_name(definition, name) for name in case.kwargs}
    kwargs = {k: v for k, v in case.kwargs.items() if takes is None or own[k] in takes}
    missing: set[str] = set()
    for name in case.kwargs.keys() - kwargs.keys():
        if (name, case.kwargs[name]) in IMPLICIT:
            continue
        is_default = name in default and bool(case.kwargs[name] == default[name])
        if callable(case.kwargs[name]) or name in EXPLICIT or not is_default:
            missing.add(name)
    if case.name.endswith(("Pool1d", "Pool2d")) and "stride" in (takes or ()):
        kwargs = {"stride": None, **kwargs}  # torch's is the kernel's size
    if definition.form.reduction == "none" and "reduction" not in (takes or ()):
        kwargs, missing = {**kwargs, "reduction": "none"}, missing - {"reduction"}
    needed = {name: default[name] for name in _needed(definition, len(case.args))}
    return None if missing else replace(case, kwargs=needed | kwargs), missing


def without_default(definition: Definition) -> list[str]:
    """What is not tested, since the definition has no default where torch has one."""
    default = torchs_defaults(definition)
    needed = _needed(definition, len(CASES[definition.name][0].args))
    return [f"{name} has no default, torch's is {default[name]!r}" for name in needed]


def _needed(definition: Definition, by_position: int) -> list[str]:
    own, default = _own_defaults(definition), torchs_defaults(definition)
    names = list(own)[by_position:]
    return [n for n in names if n in default and own[n] is inspect.Parameter.empty]


def other_defaults(definition: Definition) -> dict[str, Any]:
    """The arguments whose default is another than torch's, and that default."""
    own = _own_defaults(definition)
    return {
        name: own[name]
        for name, value in torchs_defaults(definition).items()
        if _is_plain(own.get(name), value) and own[name] != value
    }


def default_words(definition: Definition) -> str:
    """What its defaults are and what torch's are, where they differ."""
    theirs = torchs_defaults(definition)
    return ", ".join(
        f"default {name} is {value!r}, torch's is {theirs[name]!r}"
        for name, value in other_defaults(definition).items()
    )


def _is_plain(own: Any, torchs: Any) -> bool:
    """Whether a default is of torch's kind: a number, a switch, a word or a tuple."""
    numbers = (int, float)
    if isinstance(own, numbers) and isinstance(torchs, numbers):
        return isinstance(own, bool) == isinstance(torchs, bool)
    return isinstance(own, (str, tuple)) and type(own) is type(torchs)


def torchs_defaults(definition: Definition) -> dict[str, Any]:
    """Torch's defaults, which are those of `handmade`, of what has any."""
    name = definition.name
    homes = (references, handmade.nn, handmade.optim)
    own = defaults(next(getattr(h, name) for h in homes if hasattr(h, name)))
    if definition.backward:  # it is given its bias, a class whether there is one
        own.pop("bias", None)
    return {name: v for name, v in own.items() if v is not inspect.Parameter.empty}


def _own_name(definition: Definition, option: str) -> str:
    return next(iter(spelled(definition.make, {option: 0})))


def _own_defaults(definition: Definition) -> dict[str, Any]:
    """Its defaults, under torch's names for the options."""
    own = defaults(definition.make)
    names = torchs_defaults(definition)
    torchs = {_own_name(definition, name): name for name in names}
    return {torchs.get(name, name): value for name, value in own.items()}
