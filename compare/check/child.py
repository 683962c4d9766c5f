"""The process in which somebody's file is run: it may hang, exit or crash there."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from compare.check.checker import check
from compare.check.comparison import bug
from compare.check.definitions import MODULE, definitions, own_names, suggestions

NOTHING = (
    "there is nothing to check: define a class named as in handmade.nn or "
    "handmade.optim, a function such as mse_loss with mse_loss_backward, or f with "
    "grad_f"
)


def main(file: str, out: str, wanted: list[str]) -> None:
    """Load `file`, check what it defines, and write each finding as a line of JSON."""
    torch.set_num_threads(1)
    with Path(out).open("w", encoding="utf-8", buffering=1) as lines:

        def write(**news: Any) -> None:
            lines.write(json.dumps(_printable(news)) + "\n")

        try:
            own = own_names(_loaded(Path(file)))
        except BaseException as error:
            write(problem=_why_not_loaded(error))
            return
        found, hints = definitions(own), suggestions(own)
        labels = [definition.label for definition in found]
        unknown = [name for name in wanted if name not in labels]
        if unknown:
            write(problem=hints.get(unknown[0], f"it defines no {unknown[0]!r}"))
        elif not found:
            write(problem="\n".join([NOTHING, *hints.values()]))
        else:
            write(found=labels, hints=[] if wanted else [*hints.values()])
        for definition in [] if unknown else found:
            if not wanted or definition.label in wanted:
                write(began=definition.label)
                try:
                    finding = check(definition)
                except BaseException as error:  # sys.exit inside a function, say
                    words = f"raises {type(error).__name__}: {error}"
                    finding = bug(definition, words)
                write(finding=finding.as_dict())


def _loaded(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[MODULE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _why_not_loaded(error: BaseException) -> str:
    match error:
        case SyntaxError():
            place = f" in line {error.lineno}" if error.lineno else ""
            return f"syntax error{place}: {error.msg}"
        case ModuleNotFoundError():
            return f"it needs the package {error.name!r}, which is not installed here"
        case SystemExit():
            return "it calls sys.exit while it is loaded"
    return f"it fails while it is loaded: {type(error).__name__}: {error}"


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


if __name__ == "__main__":
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
