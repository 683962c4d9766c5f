"""Judging one file, in a process that it may harm.

What the file changes elsewhere does not change the judgement: PyTorch's answers come
from a process that never sees the file, and what it replaces in NumPy or torch is put
back.
"""

import builtins
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.fx.experimental.symbolic_shapes  # or each child's backward() imports it

from compare.check.by_hand import Autograd, inherited
from compare.check.checker import check
from compare.check.comparison import finding_of
from compare.check.definitions import Definition, definitions, own_names
from compare.check.loading import (
    AFTERWARDS,
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
    path: Path,
    names: list[str],
    meant: Sequence[str],
    seconds: float,
    write: Callable[..., None],
) -> None:
    """Load a file and check what it defines; `write` is given each piece of news."""
    state = _State()
    try:
        autograd = Autograd(text_of(path))
        module, notes = load(path, seconds)
        replaced = state.restore()
        found = definitions(own_names(module), meant)
    except SyntaxError as error:
        write(problem=syntax_error(error))
        return
    except (ValueError, OSError) as error:
        write(problem=str(error) if meant else f"it cannot be loaded: {error}")
        return
    labels = [d.label for d in found if not names or {d.label, d.name} & {*names}]
    known = {name for d in found for name in (d.label, d.name)}
    unknown = [name for name in names if name not in known]
    if notes and found:
        write(note=f"{'; '.join(notes)}. {AFTERWARDS}")
    if replaced:
        write(note=f"it replaces {', '.join(replaced)}: undone before it was judged")
    if unknown and labels:
        write(note=f"it defines no {', '.join(map(repr, unknown))}")
    if not labels:
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
    definition: Definition, seconds: float, is_partial: bool, autograd: Autograd
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
    why = inherited(definition) or next(iter(autograd.used), "")
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
