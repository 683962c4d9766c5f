"""Finds and loads lessons: by name, from a user's Python file, or from a table."""

import hashlib
import importlib
import json
import re
import runpy
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from compare import experiments
from compare.suggest import suggest

if TYPE_CHECKING:
    from compare.experiment import Experiment


class Lesson(NamedTuple):
    """A lesson that was found.

    Args:
        name: of the folder of its runs.
        source: how `reopen` finds it again: its name or file, and the file's hash.
    """

    name: str
    source: str
    experiment: "Experiment"


def names() -> list[str]:
    """All lessons of the project, in teaching order."""
    return [*experiments.LESSONS]


def find(name: str) -> Lesson:
    """The lesson `name`, or the one in the file `name` if that ends in .py.

    Raises:
        ValueError: there is no such lesson or file, or the file cannot be run or does
            not define one Experiment.
    """
    path = _file(name)
    source = f"{path if name.endswith('.py') else name}#{_digest(path)}"
    short, experiment = load(name)
    return Lesson(short, source, experiment)


def _file(name: str) -> Path:
    """Where a lesson is written: the project's, by its name, or a user's file."""
    if name.endswith(".py"):
        return Path(name).resolve()
    if name not in names():
        near = suggest(name, names())
        hint = f"; did you mean {near[0]}?" if near else "; see `compare list`"
        raise ValueError(f"there is no lesson {name!r}{hint}")
    return Path(experiments.__path__[0], f"{name}.py")


def load(name: str) -> tuple[str, "Experiment"]:
    """The name and the experiment of a lesson: see `find`."""
    if name.endswith(".py"):
        return Path(name).stem, _from_file(Path(name))
    _file(name)
    return name, importlib.import_module(f"compare.experiments.{name}").EXPERIMENT


def table(csv: Path | str, target: str, **options: Any) -> Lesson:
    """The lesson that predicts a column of a CSV file: see `from_csv`.

    Raises:
        ValueError: there is no such file, pandas is not installed, or the table cannot
            be learned from.
    """
    if find_spec("pandas") is None:
        raise ValueError('CSV files need pandas: pip install "handmade-dl[csv]"')
    from compare.tables.lesson import from_csv  # takes a second to import

    path = Path(csv)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).strip("._") or "table"
    source = {"csv": str(path.resolve()), "target": target, **options}
    source["sha256"] = _digest(path)
    return Lesson(name, json.dumps(source), from_csv(path, target, **options))


def reopen(source: str, named: str = "") -> Lesson:
    """The lesson of an earlier run, by its `source`.

    A user's file is run only if it is `named` again: the source may be anyone's.

    Raises:
        ValueError: its file is gone, has changed since the run started or is not named,
            or another lesson is.
    """
    try:
        options = json.loads(source) if source.startswith("{") else {}
        name, mark, digest = source.rpartition("#")
        if options:
            name, digest = options["csv"], options.pop("sha256")
        elif not mark:
            raise ValueError(f"no lesson can be found by {source!r}")
        own_file = name.endswith(".py")
        if named and (options or _file(named) != _file(name)):
            raise ValueError(f"the run is one of {name}, got the lesson {named!r}")
        if own_file and not named:
            raise ValueError(f"the run executes the file {name}; name it again")
        if _digest(Path(name) if options else _file(name)) != digest:
            raise ValueError(f"{name} has changed since the run started")
        return table(**options) if options else find(name)
    except (KeyError, TypeError, RecursionError, json.JSONDecodeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise ValueError(f"no lesson can be found by {source!r} ({words})") from None


def _digest(path: Path) -> str:
    """The hash of what a file holds, shortened."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def on_data(data: str) -> list[str]:
    """The lessons that can also be run on the data of this name.

    Raises:
        ValueError: there is none.
    """
    others = {name: load(name)[1].other_data for name in names()}
    if found := [name for name, other in others.items() if data in other]:
        return found
    known = ", ".join(sorted({data for other in others.values() for data in other}))
    raise ValueError(f"no lesson can be run on data {data!r}; there are: {known}")


def require_data(lesson: Lesson, data: str) -> None:
    """Refuse data that a lesson is not made for; "" are its own."""
    other = lesson.experiment.other_data
    if data and data not in other:
        raise ValueError(
            f"{lesson.name} has only its own data{''.join(f', {o}' for o in other)}; "
            f"--data {data} works with {', '.join(on_data(data))}"
        )


def line_in(path: str | Path, error: BaseException) -> int | None:
    """The last line of a file that an error came through, if it did."""
    here = Path(path).resolve()
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == here]
    return lines[-1] if lines else None


def _from_file(path: Path) -> "Experiment":
    from compare.experiment import Experiment  # brings torch, which `list` need not

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
        words = f"{path} failed: {type(error).__name__}: {error}{place}"
        raise ValueError(words) from error
    finally:
        sys.path.pop(0)
    if isinstance(named := defined.get("EXPERIMENT"), Experiment):
        return named
    lessons = {id(v): v for v in defined.values() if isinstance(v, Experiment)}
    if len(lessons) != 1:
        wanted = "must define one compare.experiment.Experiment"
        raise ValueError(f"{path} {wanted}, found {len(lessons)}")
    return next(iter(lessons.values()))
