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
    lessons: Sequence[str | Experiment], *, csv: Path | str | None, **options: Any
) -> tuple[list[Lesson], RunConfig]:
    """Find the lessons and refuse what cannot be run, before anything is written.

    The options are those of `Backend`, `RunConfig` and, in place of lessons, of a
    table: see `compare.tables.lesson.from_csv`. Where `array` is "auto", NumPy is taken
    where that can be; `compare.array_choice` decides when it has seen the lesson.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such lesson, or it cannot be run like this.
    """
    words = {name: str(options.pop(name)) for name in ("array", "device", "dtype")}
    switches = {name: options.pop(name) for name in ("compile", "graph", "tf32")}
    if words["array"] == "auto":
        on_torch = switches["compile"] or switches["graph"] or words["device"] == "cuda"
        words["array"] = "torch" if on_torch else "numpy"
    table = {name: options.pop(name) for name in ("target", "hidden", "drop")}
    missing, logdir = str(options.pop("missing")), Path(options.pop("logdir"))
    config = RunConfig(Backend(**words, **switches), logdir=logdir, **options)
    if csv is not None:
        if lessons:
            raise ValueError(f"--csv is a lesson of its own; leave out {lessons[0]!r}")
        found = [_table(csv, **table, missing=missing)]
    elif any(table.values()):
        raise ValueError("--target, --hidden and --drop are options of --csv FILE")
    else:
        found = [
            Lesson("own", "", one)
            if isinstance(one, Experiment)
            else registry.find(one)
            for one in lessons
        ]
    for lesson in found:
        registry.require_data(lesson, config.data)
        config.steps_of(lesson.experiment)
    return found, config


def _table(csv: Path | str, target: str, hidden: Any, drop: Any, missing: str) -> Any:
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
    drop = list(drop or ())
    return registry.table(csv, target, hidden=units, drop=drop, missing=missing)
