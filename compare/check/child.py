"""The process in which somebody's file is run: it may hang, exit or crash there."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from compare.check.checker import Finding, check
from compare.check.names import overlooked
from compare.check.subjects import MODULE, Subject, among, defined

NOTHING = (
    "there is nothing to check: define a class named as in handmade.nn or "
    "handmade.optim, a function such as mse_loss with mse_loss_backward, or f with "
    "grad_f"
)


def main(file: str, out: str, wanted: list[str]) -> None:
    """Load `file`, check what it defines, and write each answer as a line of JSON."""
    torch.set_num_threads(1)
    with Path(out).open("w", encoding="utf-8", buffering=1) as lines:

        def tell(**news: Any) -> None:
            lines.write(json.dumps(_printable(news)) + "\n")

        module, problem = _loaded(Path(file))
        if module is None:
            tell(problem=problem)
            return
        own = defined(module)
        subjects = among(own)
        labels, hints = [s.label for s in subjects], overlooked(own)
        unknown = [name for name in wanted if name not in labels]
        if unknown or not subjects:
            tell(problem=_unjudged(unknown, hints))
            return
        tell(found=labels, hints=[] if wanted else [*hints.values()])
        for subject in subjects:
            if not wanted or subject.label in wanted:
                tell(began=subject.label)
                tell(finding=_checked(subject).as_dict())


def _unjudged(unknown: list[str], hints: dict[str, str]) -> str:
    """Why nothing can be judged: a name that is not there, or none that is known."""
    if unknown:
        return hints.get(unknown[0], f"it defines no {unknown[0]!r}")
    return "\n".join([NOTHING, *hints.values()])


def _printable(tree: Any) -> Any:
    """Texts without what no report can hold: lone surrogates, control characters."""
    if isinstance(tree, dict):
        return {key: _printable(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_printable(value) for value in tree]
    if not isinstance(tree, str):
        return tree
    text = tree.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c >= " " or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def _checked(subject: Subject) -> Finding:
    try:
        return check(subject)
    except BaseException as error:  # sys.exit inside a function, say
        words = f"raises {type(error).__name__}: {error}"
        return Finding(subject.label, subject.name, "bug", words)


def _loaded(path: Path) -> tuple[ModuleType | None, str]:
    """The file as a module, or None and what is in the way, in words."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        place = f" in line {error.lineno}" if error.lineno else ""
        return None, f"syntax error{place}: {error.msg}"
    except ModuleNotFoundError as error:
        return None, f"it needs the package {error.name!r}, which is not installed here"
    except SystemExit:
        return None, "it calls sys.exit while it is loaded"
    except BaseException as error:
        return None, f"it fails while it is loaded: {type(error).__name__}: {error}"
    return module, ""


if __name__ == "__main__":
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
