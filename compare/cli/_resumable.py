"""Which folder `--resume` may be given."""

from pathlib import Path


def require_run(folder: Path) -> None:
    """Refuse the folder of a lesson, or of all of them, naming the runs inside.

    Raises:
        ValueError: it is not a run's own folder, but there are runs in it.
    """
    from compare.record import read_summary, runs

    if (folder / "summary.json").is_file():
        return
    inside = runs(folder) or runs(folder.parent)
    found = [run for run in inside if folder in run.parents][::-1]
    if found:
        said = [f"  {run} ({read_summary(run)['status']})" for run in found]
        raise ValueError(
            f"{folder} is not the folder of one run; --resume takes one of these, the "
            "newest first:\n" + "\n".join(said)
        )
