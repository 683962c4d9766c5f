"""Finding lessons: the folder `experiments` is the list of them."""

import hashlib
import importlib
import pkgutil
import runpy
import sys
import traceback
from pathlib import Path

from compare import experiments
from compare.experiment import Experiment
from compare.suggest import suggest

TABLE = "?target="
"""Only names of lessons made of a table have it: see `compare.tables.reference`."""


class UnknownLesson(ValueError):
    """There is no lesson of this name; the message suggests the nearest."""


def names() -> list[str]:
    """All lessons of the project, sorted."""
    modules = pkgutil.iter_modules(experiments.__path__)
    return sorted(m.name for m in modules if not m.ispkg)


def load(name: str) -> tuple[str, Experiment]:
    """The lesson `name`, or the one in the file `name` if that ends in .py.

    A name from `compare.tables.reference` is that of a lesson made of a table.

    Returns:
        Its name, for folders, and the lesson.

    Raises:
        UnknownLesson: no such lesson or file.
        OSError: the table cannot be read.
        ValueError: the file cannot be run or defines no single Experiment, or the
            table cannot be learned from.
    """
    if TABLE in name:
        from compare.tables import reference  # scikit-learn comes along

        return reference.load(name)
    if name.endswith(".py"):
        return Path(name).stem, _from_file(Path(name))
    if name not in names():
        near = suggest(name, names())
        hint = f"; did you mean {near[0]}?" if near else "; see `compare list`"
        raise UnknownLesson(f"there is no lesson {name!r}{hint}")
    return name, importlib.import_module(f"compare.experiments.{name}").EXPERIMENT


def on_data(data: str) -> list[str]:
    """The lessons that can be run on other data of this name.

    Raises:
        ValueError: there is none.
    """
    other = {name: load(name)[1].other_data for name in names()}
    if found := [name for name, known in other.items() if data in known]:
        return found
    known = ", ".join(sorted({d for known in other.values() for d in known}))
    raise ValueError(f"no lesson can be run on data {data!r}; there are: {known}")


def require_data(name: str, lesson: Experiment, data: str) -> None:
    """Refuse data that a lesson is not made for; "" are its own.

    Raises:
        ValueError: says which lessons are.
    """
    if data and data not in lesson.other_data:
        has = ", ".join(["its own data", *lesson.other_data])
        works = ", ".join(on_data(data))
        raise ValueError(f"{name} has only {has}; --data {data} works with {works}")


def line_in(path: str | Path, error: BaseException) -> int | None:
    """The last line of a file that an error came through, if it did."""
    here = Path(path).resolve()
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == here]
    return lines[-1] if lines else None


def source(name: str) -> str:
    """Where a lesson is to be found again: its name, or the file's path and hash."""
    if TABLE in name:
        from compare.tables import reference

        return reference.source(name)
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
        line = line_in(path, error)
        place = f" (line {line})" if line else ""
        raise ValueError(
            f"{path} failed: {type(error).__name__}: {error}{place}"
        ) from error
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
