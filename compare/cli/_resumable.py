"""Which folder `--resume` may be given, and which it could be."""

import shlex
from pathlib import Path

NAMED = 10
"""How many runs an error names."""


def require_run(folder: Path) -> None:
    """Refuse the folder of a lesson, or of all of them, naming the runs inside.

    Raises:
        ValueError: it is not a run's own folder, but there are runs in it.
    """
    from compare.logger import read_summary

    if (folder / "summary.json").is_file():
        return
    found = [f.parent for p in ("*", "*/*") for f in folder.glob(f"{p}/summary.json")]
    found.sort(key=lambda run: run.name, reverse=True)
    if found:
        said = [f"  {run} ({read_summary(run)['status']})" for run in found[:NAMED]]
        said += [f"  … and {len(found) - NAMED} more"] * (len(found) > NAMED)
        raise ValueError(
            f"{folder} is not the folder of one run; name one of those in it, the "
            "newest first:\n" + "\n".join(said)
        )


def how_to_resume(logdir: Path, lesson: str) -> str:
    """The command that goes on with a lesson's interrupted run, if there is one."""
    from compare.logger import newest, read_summary

    try:
        folder = newest(logdir, lesson)
        said = {} if folder is None else read_summary(folder)
    except (OSError, ValueError):
        return ""
    if said.get("status") != "interrupted" or said.get("ranks", 1) > 1:
        return ""
    return f"; to go on: python -m compare run --resume {shlex.quote(str(folder))}"
