"""Finding lessons: the folder `experiments` is the list of them."""

import difflib
import hashlib
import importlib
import pkgutil
import runpy
import sys
from pathlib import Path

from compare import experiments
from compare.experiment import Experiment


class UnknownLesson(ValueError):
    """There is no lesson of this name; the message suggests the nearest."""


def names() -> list[str]:
    """All lessons of the project, sorted."""
    modules = pkgutil.iter_modules(experiments.__path__)
    return sorted(m.name for m in modules if not m.name.startswith("_"))


def load(name: str) -> tuple[str, Experiment]:
    """The lesson `name`, or the one in the file `name` if that ends in .py.

    Returns:
        Its name, for folders, and the lesson.

    Raises:
        UnknownLesson: no such lesson or file.
        ValueError: the file cannot be run or defines no single Experiment.
    """
    if name.endswith(".py"):
        return Path(name).stem, _from_file(Path(name))
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; see `compare list`"
        raise UnknownLesson(f"there is no lesson {name!r}{hint}")
    return name, importlib.import_module(f"compare.experiments.{name}").EXPERIMENT


def source(name: str) -> str:
    """Where a lesson is to be found again: its name, or the file's path and hash."""
    if not name.endswith(".py"):
        return name
    path = Path(name).resolve()
    if not path.is_file():
        raise UnknownLesson(f"there is no file {name}")
    return f"{path}#{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _from_file(path: Path) -> Experiment:
    if not path.is_file():
        raise UnknownLesson(f"there is no file {path}")
    if not path.stem.isidentifier():
        raise ValueError(
            f"{path}: the name of a lesson file must be letters, digits and _"
        )
    sys.path.insert(0, str(path.parent.resolve()))  # for files beside it
    try:
        defined = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} failed: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    if isinstance(named := defined.get("EXPERIMENT"), Experiment):
        return named
    lessons = {id(v): v for v in defined.values() if isinstance(v, Experiment)}
    if len(lessons) != 1:
        raise ValueError(
            f"{path} must define one compare.experiment.Experiment, "
            f"found {len(lessons)}"
        )
    return next(iter(lessons.values()))
