"""From the options of `python -m compare run`, or of `compare.run`, to a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare import registry
from compare.backend import Backend
from compare.experiment import Experiment
from compare.registry import Lesson
from compare.run_config import RunConfig


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

    The options are those of `Backend`, `RunConfig` and, in place of lessons, of a
    table: see `compare.tables.lesson.from_csv`. Where `array` is "auto", NumPy is taken
    where that can be; `compare.array_choice` decides when it has seen the lesson.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such lesson, or it cannot be run like this.
    """
    if array == "auto":
        array = "torch" if compile or graph or device == "cuda" else "numpy"
    backend = Backend(
        str(array), str(device), str(dtype), compile, graph=graph, tf32=tf32
    )
    names = ("target", "hidden", "drop", "predict")
    table = {name: options.pop(name) for name in names}
    missing = str(options.pop("missing"))
    config = RunConfig(backend, logdir=Path(logdir), **options)
    if csv is not None:
        if lessons:
            raise ValueError(f"--csv is a lesson of its own; leave out {lessons[0]!r}")
        found = [_table(csv, **table, missing=missing)]
    elif any(table.values()):
        raise ValueError(
            "--target, --hidden, --drop and --predict are options of --csv FILE"
        )
    else:
        found = [_found(lesson) for lesson in lessons]
    for lesson in found:
        registry.require_data(lesson, config.data)
        config.steps_of(lesson.experiment)
    return found, config


def _table(
    csv: Path | str,
    target: str,
    hidden: str | Sequence[int],
    drop: Sequence[str] | None,
    missing: str,
    predict: Path | str | None,
) -> Lesson:
    if not target:
        raise ValueError(f"target must name the column of {csv} to predict, got ''")
    layers = hidden.split(",") if isinstance(hidden, str) and hidden else hidden
    try:
        units = [int(layer) for layer in layers]
    except ValueError:
        raise ValueError(
            f"hidden must be whole numbers separated by commas, such as 32,16, "
            f"got {hidden!r}"
        ) from None
    own = {"hidden": units, "drop": list(drop or ()), "missing": missing}
    new = predict and str(Path(predict).resolve())
    return registry.table(csv, target, **own, predict=new)


def _found(lesson: str | Experiment) -> Lesson:
    if isinstance(lesson, Experiment):
        return Lesson("own", "", lesson)
    return registry.find(lesson)
