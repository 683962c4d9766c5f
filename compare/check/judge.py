"""Judging one file, in a process that it may harm.

What the file changes elsewhere does not change the judgement: PyTorch's answers come
from a process that never sees the file, and what it replaces in NumPy or torch is put
back. It is also noticed where a gradient is not written by hand.
"""

import builtins
import math
import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.fx.experimental.symbolic_shapes  # or each child's backward() imports it

from compare.check.checker import check
from compare.check.comparison import finding_of
from compare.check.definitions import KINDS, Definition, definitions, own_names
from compare.check.loading import (
    ADVICE,
    TooLong,
    limited,
    load,
    syntax_error,
    text_of,
    words_of,
)
from compare.check.report import Finding
from compare.testing import reference

NOTHING = (
    "there is nothing to check: define a class named as in handmade.nn or "
    "handmade.optim, a function such as mse_loss with mse_loss_backward, or f with "
    "grad_f"
)


def judge(
    path: Path, names: list[str], meant: str, seconds: float, write: Callable[..., None]
) -> None:
    """Load a file and check what it defines; `write` is given each piece of news."""
    state, autograd = _State(), _Autograd()
    with suppress(Exception):
        autograd.watch(text_of(path))
    try:
        module, notes = load(path, seconds)
        replaced = state.restore()
        found = definitions(own_names(module), meant)
    except SyntaxError as error:
        write(problem=syntax_error(error))
        return
    except (ValueError, OSError) as error:
        write(problem=str(error) if meant else f"it cannot be loaded: {error}")
        return
    labels = [d.label for d in found if not {*names} or {d.label, d.name} & {*names}]
    known = {name for d in found for name in (d.label, d.name)}
    unknown = [name for name in names if name not in known]
    if notes and found:
        write(note=f"{'; '.join(notes)}: only definitions and imports ran after; {ADVICE}")
    if replaced:
        write(note=f"it replaces {', '.join(replaced)}: undone before it was judged")
    if unknown or not found:
        problem = f"it defines no {unknown[0]!r}" if unknown else NOTHING
        write(problem="; ".join(notes) or problem)
        return
    write(found=labels)
    for definition in found:
        if definition.label in labels:
            write(began=definition.label)
            finding = _judged(definition, seconds, bool(notes), autograd)
            write(finding=finding.as_dict())


def _judged(
    definition: Definition, seconds: float, is_partial: bool, autograd: "_Autograd"
) -> Finding:
    autograd.used.clear()
    try:
        with limited(seconds):
            finding = check(definition)
    except TooLong:
        words = f"did not end within {seconds:g} s"
        return finding_of(definition, "wrong", words)
    except BaseException as error:  # sys.exit inside a function, say
        return finding_of(definition, "wrong", f"raises {words_of(error)}")
    if is_partial and finding.kind == "wrong" and "raises NameError" in finding.words:
        return replace(finding, kind="not judged")
    why = _base_of(definition) or next(iter(autograd.used), "")
    if why and finding.kind in ("equal", "rounding", "convention"):
        words = f"not written by hand: {why}; {finding.words}"
        return replace(finding, kind="convention", words=words)
    return finding


# -- PyTorch's answers -----------------------------------------------------------------


def answer_apart() -> None:
    """Fork a process that from now on answers for PyTorch."""
    ours, theirs = multiprocessing.Pipe()
    if os.fork() == 0:
        ours.close()
        with suppress(BaseException):  # of the pipe, when the asking process is gone
            while True:
                function, args = theirs.recv()
                try:
                    theirs.send((function(*args), None))
                except Exception as error:
                    theirs.send((None, error))
        os._exit(0)
    theirs.close()

    def ask(function: Callable[..., Any], *args: Any) -> Any:
        ours.send((function, args))
        result, error = ours.recv()
        if error is not None:
            raise error
        return result

    reference.call = ask


# -- what a file changes elsewhere -----------------------------------------------------


class _State:
    """What NumPy and torch are like before a file is loaded."""

    def __init__(self) -> None:
        owners = (builtins, math, np, np.random, np.linalg, torch, torch.nn)
        self.owners = (*owners, torch.nn.functional, torch.Tensor)
        self.before = [dict(vars(owner)) for owner in self.owners]
        self.print_options = np.get_printoptions()

    def restore(self) -> list[str]:
        """Put everything back; returns the names that the file has replaced."""
        if torch.is_inference_mode_enabled():
            self.mode = torch.inference_mode(False)
            self.mode.__enter__()  # for as long as it is kept here
        torch.set_grad_enabled(True)
        np.set_printoptions(**self.print_options)
        return [*self._replaced()]

    def _replaced(self) -> Iterator[str]:
        for owner, before in zip(self.owners, self.before, strict=True):
            now = vars(owner)
            for name, value in before.items():
                if name[0] != "_" and now.get(name) is not value:
                    setattr(owner, name, value)
                    yield f"{owner.__name__}.{name}"


# -- what is not written by hand -------------------------------------------------------


class _Autograd:
    """Notices where a file has a library differentiate."""

    FUNCTIONS = {
        "torch.autograd": ("grad", "backward"),
        "jax": ("grad", "value_and_grad", "vjp", "jvp", "jacfwd", "jacrev"),
        "autograd": ("grad", "elementwise_grad", "jacobian"),
    }

    def __init__(self) -> None:
        self.used: dict[str, None] = {}

    def watch(self, source: str) -> None:
        """Watch the libraries that a source names."""
        for library, names in self.FUNCTIONS.items():
            if library in sys.modules or re.search(rf"\b{library}\b", source):
                with suppress(ImportError):
                    module = import_module(library)
                    for name in names:
                        function = getattr(module, name)
                        setattr(module, name, self._watched(f"{library}.{name}", function))

    def _watched(self, name: str, function: Any, by_file: bool = False) -> Any:
        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            by = by_file or not _is_called_by_us()
            if by:
                self.used[name] = None
            result = function(*args, **kwargs)
            return self._watched(name, result, True) if by and callable(result) else result

        return watched


def _is_called_by_us() -> bool:
    """Whether compare itself, and not the file, calls a library."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(LIBRARIES):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").startswith("compare.")


LIBRARIES = ("torch.", "torch", "jax", "autograd")


def _base_of(definition: Definition) -> str:
    """The class of a library whose passes or step a class inherits."""
    for name in ("forward", "backward", "step"):
        method = getattr(definition.make, name, None) if definition.is_class else None
        owner = getattr(method, "__qualname__", "").partition(".")[0]
        module = getattr(method, "__module__", None) or ""
        if owner in KINDS and module.partition(".")[0] in ("handmade", "torch_ref", "torch"):
            return f"inherits {name} of {module}.{owner}"
    return ""

