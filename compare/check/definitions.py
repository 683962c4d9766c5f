"""What a file defines that can be checked, and what an unknown name may stand for."""

import inspect
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from compare.suggest import suggest
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case

_FUNCTIONS = """
    relu:ReLU leaky_relu:LeakyReLU prelu:PReLU elu:ELU hardtanh:Hardtanh relu6:ReLU6
    softplus:Softplus silu:SiLU gelu:GELU step:Step sigmoid:Sigmoid tanh:Tanh
    softmax:Softmax log_softmax:LogSoftmax linear:Linear conv1d:Conv1d conv2d:Conv2d
    max_pool1d:MaxPool1d max_pool2d:MaxPool2d avg_pool1d:AvgPool1d avg_pool2d:AvgPool2d
    l1_loss:L1Loss mse_loss:MSELoss binary_cross_entropy:BCELoss
    binary_cross_entropy_with_logits:BCEWithLogitsLoss smooth_l1_loss:SmoothL1Loss
    huber_loss:HuberLoss hinge_embedding_loss:HingeEmbeddingLoss
    multi_margin_loss:MultiMarginLoss kl_div:KLDivLoss nll_loss:NLLLoss
    cross_entropy:CrossEntropyLoss
"""
FUNCTIONS = {k: name for k, _, name in (p.partition(":") for p in _FUNCTIONS.split())}
"""torch.nn.functional's names, and the class whose test cases each is checked on."""
CASES: dict[str, list[Case]] = {}
"""The test cases of each class of `handmade.nn` and `handmade.optim`."""
for _case in [*LAYERS, *LOSSES, *OPTIMIZERS]:
    CASES.setdefault(_case.name, []).append(_case)

_KINDS = {
    **{case.name: "layer" for case in LAYERS},
    **{case.name: "loss" for case in LOSSES},
    **{case.name: "optimizer" for case in OPTIMIZERS},
    **{"Dropout": "dropout", "GaussianSample": "sample", "Rosenblatt": "rosenblatt"},
}
"""The kind of each class that can be checked."""
_COURSE = {"descend": "descend", "newton_step": "newton", "blind_step": "blind"}
MODULE = "checked_file"
"""The module name that a checked file gets."""


class NotTested(Exception):
    """The file does not take such arguments or inputs; the message names them."""


@dataclass(frozen=True)
class Definition:
    """A class or function to check."""

    label: str  # its name in the file
    name: str  # the class of `handmade` that it is compared with
    kind: str  # one of `checker.CHECKS`
    make: Callable[..., Any]  # the class, or the function
    backward: Callable[..., Any] | None = None  # the function that returns its gradient


FINDERS: list[Callable[[str, Any, dict[str, Any]], Definition | None]] = []
"""More ways to recognise a definition: `checker` adds those of its modules."""


def own_names(module: ModuleType) -> dict[str, Any]:
    """What a loaded file itself defines, by its public name."""
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    }


def definitions(own: dict[str, Any]) -> list[Definition]:
    """Everything among these values that can be checked, in their order."""
    found: list[Definition] = []
    for name, value in own.items():
        ways = (find(name, value, own) for find in (_definition, *FINDERS))
        found += itertools.islice(filter(None, ways), 1)
    return found


def _definition(name: str, value: Any, own: dict[str, Any]) -> Definition | None:
    if inspect.isclass(value):
        kind = _KINDS.get(name)
        return Definition(name, name, kind, value) if kind else None
    if not callable(value):
        return None
    if name in FUNCTIONS and (backward := own.get(f"{name}_backward")):
        like = FUNCTIONS[name]
        return Definition(name, like, _KINDS[like], value, backward)
    if gradient := own.get(f"grad_{name}"):
        return Definition(name, name, "scalar", value, gradient)
    return Definition(name, name, _COURSE[name], value) if name in _COURSE else None


_ADDED = re.compile(r"^(my|own|mein|custom|hand)_?|_?(own|mine|layer)$", re.I)
"""What people add to a name to make it their own."""
_GENERAL = ("loss", "layer", "optimizer", "activation", "function")
"""Names that say only of which kind something is."""


def suggestions(own: dict[str, Any], in_file: bool = True) -> dict[str, str]:
    """What could be checked under another name, and how to say what it is meant to be.

    `in_file`: whether a second name in the file would do, too.
    """
    checked = {id(definition.make) for definition in definitions(own)}
    checked |= {id(b) for one in own.values() for b in getattr(one, "__bases__", ())}
    hints = {name: _hint(name, value, own, in_file) for name, value in own.items()}
    return {n: hint for n, hint in hints.items() if hint and id(own[n]) not in checked}


def _hint(name: str, value: Any, own: dict[str, Any], in_file: bool) -> str:
    """What to do about one name; "" if it is nothing that could be checked."""
    if inspect.isclass(value):
        known, which = _KINDS, "class of handmade.nn or handmade.optim"
        can_work = hasattr(value, "backward") or hasattr(value, "step")
    else:
        known, which = FUNCTIONS, "function of torch.nn.functional"
        can_work = f"{name}_backward" in own
    if not can_work:
        return ""
    what = f"no {which} is called so. Name it as the one that it is meant to be"
    if near := _meant(name, [*known]):
        what = f"did you mean {near}? Then name it so"
    added = f"`{near or 'NAME'} = {name}`"
    if known is FUNCTIONS:
        added += f" and `{near or 'NAME'}_backward = {name}_backward`"
    more = f", or add {added} below it" if in_file else ""
    return f"{name} was not checked: {what}{more}"


def _meant(name: str, known: list[str]) -> str:
    """The known name that is most like this one, whatever was added to it."""
    bare = {_bare(each): each for each in reversed(known)}
    word = _bare(_ADDED.sub("", name)) or _bare(name)
    if word in _GENERAL or len(word) < 2:
        return ""
    beginnings = sorted((each for each in bare if word.startswith(each)), key=len)
    found = suggest(word, bare, cutoff=0.7) or beginnings[-1:]
    return bare[found[0]] if found else ""


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
