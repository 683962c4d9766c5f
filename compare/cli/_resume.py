"""`--resume`: which folders can be resumed, and as what."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from compare.translation import _

if TYPE_CHECKING:
    from compare.registry import Lesson
    from compare.run_config import RunConfig

BACKEND = {"array": str, "device": str, "dtype": str} | dict.fromkeys(
    ("compile", "graph", "tf32"), bool
)
OPTIONS = {"data": str, "fast": bool, "watch": bool} | dict.fromkeys(
    ("steps", "seed", "threads", "ranks", "check_every"), int
)
OPTIONS |= {"lr": float | int | None, "batch_size": int | None}
OPTIONS |= {"accumulate": int | None, "hidden": list | None}
TYPES = {"source": str} | BACKEND | OPTIONS
"""What is needed of a summary, and its types."""
NAMED = 10
"""How many runs an error names."""


def require_alone(context: typer.Context) -> None:
    """Refuse options beside --resume, naming them."""
    given = [
        f"--{name}"
        for name in context.params.keys()
        - {"resume", "logdir", "lessons", "explain", "board", "lang"}
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise ValueError(
            f"--resume takes the options from the run itself; "
            f"leave out {', '.join(sorted(given))}"
        )


def reopen(folder: Path, named: list[str]) -> tuple[list["Lesson"], "RunConfig"]:
    """The lesson, `named` again if it is a user's file, and the options of a run.

    Raises:
        ValueError: it cannot be resumed.
    """
    from compare import registry
    from compare.backend import Backend
    from compare.run_config import RunConfig
    from compare.run_folder import read_summary, require_types

    _require_run(folder)
    summary = read_summary(folder)
    try:
        require_types(summary, TYPES)
    except ValueError as error:
        words = f"{folder / 'summary.json'}: {error}; start the run again"
        raise ValueError(words) from None
    if summary["status"] not in ("interrupted", "failed"):
        raise ValueError(f"{folder} is {summary['status']}: there is nothing to resume")
    if (ranks := summary["ranks"]) > 1:
        raise ValueError(
            f"only single-process runs can be resumed; {folder} had {ranks} processes"
        )
    if len(named) > 1:
        raise ValueError(f"--resume continues one run, got {len(named)} lessons")
    backend = Backend(**{name: summary[name] for name in BACKEND})
    options: dict[str, Any] = {name: summary.get(name) for name in OPTIONS}
    config = RunConfig(backend, logdir=folder.parent.parent, **options)
    try:
        return [registry.reopen(summary["source"], *named)], config
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def _require_run(folder: Path) -> None:
    """Refuse the folder of a lesson, or of all, naming the runs inside."""
    if (folder / "summary.json").is_file():
        return
    found = [f.parent for p in ("*", "*/*") for f in folder.glob(f"{p}/summary.json")]
    found.sort(key=lambda run: run.name, reverse=True)
    if found:
        lines = [f"  {run} ({_status(run)})" for run in found[:NAMED]]
        lines += [f"  … and {len(found) - NAMED} more"] * (len(found) > NAMED)
        raise ValueError(
            f"{folder} is not the folder of one run; name one of these, newest "
            "first:\n" + "\n".join(lines)
        )


def _status(folder: Path) -> str:
    from compare.run_folder import read_summary

    try:
        return read_summary(folder)["status"]
    except (OSError, ValueError):
        return "damaged"


def how_to_resume(logdir: Path, lesson: str) -> str:
    """The command that resumes a lesson's newest run; "" if it cannot be resumed."""
    from compare import checkpoint
    from compare.run_folder import newest, read_summary

    try:
        folder = newest(logdir, lesson)
        summary = read_summary(folder) if folder else {}
    except (OSError, ValueError):
        return ""
    if folder is None or not (folder / checkpoint.NAME).is_file():
        return ""
    if summary["status"] != "interrupted" or summary.get("ranks") != 1:
        return ""
    path = summary["source"].rpartition("#")[0]
    words = [path] * path.endswith(".py") + ["--resume", str(folder)]
    command = f"python -m compare run {shlex.join(words)}"
    return "; " + _("resume it by: {}").format(command)
