"""Which folder `--resume` may be given."""

from pathlib import Path

NAMED = 10
"""How many runs an error names."""


def require_run(folder: Path) -> None:
    """Refuse the folder of a lesson, or of all of them, naming the runs inside.

    Raises:
        ValueError: it is not a run's own folder, but there are runs in it.
    """
    from compare.record import read_summary

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
