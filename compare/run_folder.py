"""Reads the directories of runs, also those of earlier versions."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from filelock import lock_descriptor

from compare.tensorboard import deep_link

Rows = list[dict[str, str]]
"""Rows of curves.csv, by the names of its columns."""
SHOWN = {"lesson": str, "status": str, "reason": str, "trials": list}
"""What `list` and `board` show of a summary, and its types."""
RENAMED = {"resynced_diff": "one_step_diff"}
"""Columns of earlier versions, and what they are called now."""
LOCK = ".lock"
"""Held in the directory by the process that writes to it."""


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary.json of a run; its status is "running" only while it really is.

    Raises:
        FileNotFoundError: there is no such run.
        ValueError: the file is damaged.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no run {folder}")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(summary, dict):
            raise ValueError(f"it must be an object, got {type(summary).__name__}")
        require_types({"reason": "", "trials": [], **summary}, SHOWN)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if summary["status"] == "running" and not _is_locked(folder):
        summary["status"] = "interrupted"
    return summary


def read_curves(folder: Path, labels: Sequence[str]) -> dict[str, Rows]:
    """The rows of a run's curves.csv by trial; they are logged in the labels' order.

    The last row of a run that is still going on may be incomplete: it is left out.
    Columns of earlier versions have their present names.
    """
    trials: dict[tuple[str, str], Rows] = {}
    with (folder / "curves.csv").open(newline="", encoding="utf-8") as file:
        columns = [RENAMED.get(name, name) for name in next(csv.reader(file), [])]
        for row in csv.DictReader(file, columns):
            if None not in row.values():
                trials.setdefault((row["learner"], row["seed"]), []).append(row)
    return dict(zip(labels, trials.values(), strict=False))


def require_types(summary: dict[str, Any], types: Mapping[str, Any]) -> None:
    """Refuse a summary that lacks a key, or has a value of another type."""
    for key, kind in types.items():
        if type(summary.get(key)) not in (get_args(kind) or (kind,)):
            given = repr(summary[key]) if key in summary else "nothing"
            name = getattr(kind, "__name__", kind)
            raise ValueError(f"{key!r} must be of type {name}, got {given}")


def runs(logdir: Path) -> list[Path]:
    """The directories of all runs, oldest first."""
    found = (path.parent for path in logdir.glob("*/*/summary.json"))
    return sorted(found, key=lambda folder: folder.name)


def newest(
    logdir: Path, lesson: str = "", skipped: Callable[[str], None] = lambda words: None
) -> Path | None:
    """The directory of the latest run, of one lesson or of all; None if there is none.

    Damaged ones are passed over; `skipped` is told of each.

    Raises:
        FileNotFoundError: there is no such lesson in `logdir`.
    """
    if lesson and not (logdir / lesson).is_dir():
        raise FileNotFoundError(f"there are no runs of {lesson!r} in {logdir}")
    for folder in reversed(runs(logdir)):
        if lesson in ("", folder.parent.name):
            try:
                read_summary(folder)
                return folder
            except (OSError, ValueError) as error:
                skipped(str(error))
    return None


def link(base: str, folder: Path, others: bool = False) -> str:
    """The address in TensorBoard of one run: its loss curves and their difference.

    Args:
        base: of the server, such as "http://127.0.0.1:6006".
        folder: the run directory.
        others: whether to show the lesson's other runs as well.
    """
    name = f"{folder.parent.name}/{folder.name}"
    shown = folder.parent.name if others else name
    first, *more = read_summary(folder).get("trials", ["train"])
    tags = [f"loss/{first}", f"difference/trajectory_log10/{first}"]
    tags += [f"loss/{label}" for label in more[:2]]
    pictured = f"{name}/compare" if (folder / "curves.png").exists() else ""
    return deep_link(base, f"{shown}/", tags, pictured)


def _is_locked(folder: Path) -> bool:
    """Whether a run holds the lock; writes nothing, so any folder can be read."""
    try:
        with (folder / LOCK).open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except OSError:
        return False
