"""From the options of `python -m compare run`, or of `compare.run`, to a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare import registry
from compare.backend import Backend
from compare.experiment import Experiment
from compare.registry import Lesson
from compare.trainer import RunConfig


def prepare(
    lessons: Sequence[str | Experiment],
    *,
    array: str,
    device: str,
    dtype: str,
    compile: bool,
    graph: bool,
    tf32: bool,
    logdir: Path | str,
    csv: Path | str | None,
    **options: Any,
) -> tuple[list[Lesson], RunConfig]:
    """Find the lessons and refuse what cannot be run, before anything is written.

    Args:
        lessons: names, paths of .py files, or lessons themselves.
        array: as for `Backend`, like the next five; "auto" is NumPy, where that can
            be, until `compare.sizing.settled` has seen the lesson.
        device: "cpu" or "cuda".
        dtype: "float32" or "float64".
        compile: whether the hand-written step is compiled.
        graph: whether it is replayed as a CUDA graph.
        tf32: whether CUDA may round float32 to TF32.
        logdir: the folder of all runs.
        csv: a table in place of lessons.
        options: `target`, `hidden`, `drop` and `missing` of the table, as for
            `TableLesson`; all others are those of `RunConfig`.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such lesson, or it cannot be run like this.
    """
    if array == "auto":
        array = "torch" if compile or graph or device == "cuda" else "numpy"
    backend = Backend(
        str(array), str(device), str(dtype), compile, graph=graph, tf32=tf32
    )
    table = [options.pop(name) for name in ("target", "hidden", "drop", "missing")]
    config = RunConfig(backend, logdir=Path(logdir), **options)
    if csv is not None:
        if lessons:
            raise ValueError(f"--csv is a lesson of its own; leave out {lessons[0]!r}")
        found = [_table(csv, *table)]
    elif any(table[:3]):
        raise ValueError("--target, --hidden and --drop are options of --csv FILE")
    else:
        found = [_found(lesson) for lesson in lessons]
    for lesson in found:
        registry.require_data(lesson.name, lesson.experiment, config.data)
        config.steps_of(lesson.experiment)
    return found, config


def _table(
    csv: Path | str,
    target: str,
    hidden: str | Sequence[int],
    drop: Sequence[str],
    missing: str,
) -> Lesson:
    if not target:
        raise ValueError(f"target must name the column of {csv} to predict, got ''")
    if isinstance(hidden, str):
        hidden = _units(hidden)
    return registry.table(csv, target, hidden, drop, str(missing))


def _units(hidden: str) -> list[int]:
    """The units of hidden layers, such as those of "32,16"; "" names none."""
    try:
        return [int(part) for part in hidden.split(",")] if hidden else []
    except ValueError:
        raise ValueError(
            f"hidden must be whole numbers separated by commas, such as 32,16, "
            f"got {hidden!r}"
        ) from None


def _found(lesson: str | Experiment) -> Lesson:
    if isinstance(lesson, Experiment):
        return Lesson("own", "", lesson)
    return registry.find(lesson)
