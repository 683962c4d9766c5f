"""`--resume`: which folders can be resumed, and as what."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from compare.registry import Lesson
    from compare.run_config import RunConfig

NAMED = 10
"""How many runs an error names."""


def require_alone(context: typer.Context) -> None:
    """Refuse lessons and options beside --resume, naming them."""
    given = [
        "a lesson" if name == "lessons" else f"--{name}"
        for name in context.params.keys() - {"resume", "logdir"}
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise ValueError(
            f"--resume takes lesson and options from the run itself; "
            f"leave out {', '.join(sorted(given))}"
        )


def reopen(folder: Path) -> tuple[list["Lesson"], "RunConfig"]:
    """The lesson and the options of an interrupted run.

    Raises:
        ValueError: it cannot be resumed.
    """
    from compare import registry
    from compare.backend import Backend
    from compare.logger import read_summary
    from compare.run_config import RunConfig

    _require_run(folder)
    summary = read_summary(folder)
    if summary["status"] not in ("interrupted", "failed"):
        raise ValueError(f"{folder} is {summary['status']}: there is nothing to resume")
    if (ranks := summary.get("ranks", 1)) > 1:
        raise ValueError(
            f"only single-process runs can be resumed; {folder} had {ranks} processes"
        )
    switches = {name: summary.get(name, False) for name in ("compile", "graph", "tf32")}
    backend = Backend(summary["array"], summary["device"], summary["dtype"], **switches)
    names = ("steps", "seed", "threads", "fast", "data")
    options = {name: summary[name] for name in names}
    options["check_every"] = summary.get("check_every", RunConfig.check_every)
    lesson = registry.reopen(summary["source"])  # may run a file of the user
    return [lesson], RunConfig(backend, logdir=folder.parent.parent, **options)


def _require_run(folder: Path) -> None:
    """Refuse the folder of a lesson, or of all, naming the runs inside."""
    from compare.logger import read_summary

    if (folder / "summary.json").is_file():
        return
    found = [f.parent for p in ("*", "*/*") for f in folder.glob(f"{p}/summary.json")]
    found.sort(key=lambda run: run.name, reverse=True)
    if found:
        lines = [f"  {run} ({read_summary(run)['status']})" for run in found[:NAMED]]
        lines += [f"  … and {len(found) - NAMED} more"] * (len(found) > NAMED)
        raise ValueError(
            f"{folder} is not the folder of one run; name one of these, newest "
            "first:\n" + "\n".join(lines)
        )


def how_to_resume(logdir: Path, lesson: str) -> str:
    """The command that resumes a lesson's newest run; "" if it cannot be resumed."""
    from compare.logger import newest, read_summary

    try:
        folder = newest(logdir, lesson)
        summary = read_summary(folder) if folder else {}
    except (OSError, ValueError):
        return ""
    if summary.get("status") != "interrupted" or summary.get("ranks", 1) > 1:
        return ""
    return f"; resume it by: python -m compare run --resume {shlex.quote(str(folder))}"
