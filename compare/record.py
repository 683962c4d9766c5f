"""What a run leaves behind: its folder, events, curves and summary."""

import csv
import io
import json
import math
import os
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from compare.board import SIDES, EventWriter, deep_link, log10

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.lockstep import Step

COLUMNS = [
    *("learner", "seed", "step", "handmade", "torch_ref"),
    *("loss_diff", "gradient_diff", "parameter_diff", "resynced_diff"),
]


class Record:
    """The folder of one run, written as the run goes on.

    Args:
        logdir: the folder of all runs; made if it is missing.
        lesson: the folder inside it.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, logdir: Path, lesson: str) -> None:
        self.folder = _fresh(logdir / lesson)
        self.summary: dict[str, Any] = {"lesson": lesson, "status": "running"}
        self.write_summary()
        self._open = ExitStack()
        self.events = {
            side: self._open.enter_context(EventWriter(self.folder / side))
            for side in SIDES
        }
        curves = (self.folder / "curves.csv").open("w", newline="", buffering=1)
        self._curves = csv.writer(self._open.enter_context(curves))
        self._curves.writerow(COLUMNS)

    def step(
        self, learner: str, seed: int, tag: str, step: "Step", worst: float
    ) -> None:
        """Log one step of one trial under `tag`; `worst` is the largest so far."""
        gap = abs(step.handmade - step.torch_ref)
        self.events["handmade"].scalars(step.number, {f"loss/{tag}": step.handmade})
        self.events["torch_ref"].scalars(step.number, {f"loss/{tag}": step.torch_ref})
        self.events["compare"].scalars(
            step.number,
            {
                f"compare/loss_diff_log10/{tag}": log10(gap),
                f"compare/worst_so_far_log10/{tag}": log10(worst),
                f"compare/resynced_log10/{tag}": log10(step.resynced),
                **{
                    f"grad_error_log10/{name}/{tag}": log10(gap)
                    for name, gap in step.gradients.items()
                },
            },
        )
        gradient = max([0.0, *step.gradients.values()])
        parameter = max([0.0, *step.parameters.values()])
        numbers = (step.handmade, step.torch_ref, gap, gradient, parameter)
        self._curves.writerow(
            [learner, seed, step.number, *map(repr, numbers), repr(step.resynced)]
        )

    def figure(self, name: str, figure: "Figure") -> Path:
        """Save a picture as PNG and show it in TensorBoard."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        path = self.folder / f"{name}.png"
        path.write_bytes(buffer.getvalue())
        self.events["compare"].image(0, name, buffer.getvalue())
        return path

    def write_summary(self, **news: Any) -> None:
        """Add to the summary and write it anew: whole or not at all."""
        self.summary.update(news)
        text = json.dumps(_finite(self.summary), indent=2, allow_nan=False)
        draft = self.folder / "summary.json.tmp"
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self.folder / "summary.json")

    def close(self) -> None:
        """Close all files."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def newest(logdir: Path, lesson: str = "") -> Path | None:
    """The folder of the latest run, of one lesson or of all; None if there is none.

    Raises:
        FileNotFoundError: there is no such lesson in `logdir`.
    """
    if lesson and not (logdir / lesson).is_dir():
        raise FileNotFoundError(f"there are no runs of {lesson!r} in {logdir}")
    inside, pattern = (logdir / lesson, "*") if lesson else (logdir, "*/*")
    runs = (path.parent for path in inside.glob(f"{pattern}/summary.json"))
    return max(runs, key=lambda folder: folder.name, default=None)


def link(base: str, folder: Path, others: bool = False) -> str:
    """The address that shows the run in `folder`: its curves and how far they differ.

    Args:
        base: of the server, such as "http://127.0.0.1:6006".
        folder: of the run.
        others: whether to show the lesson's other runs as well.
    """
    name = f"{folder.parent.name}/{folder.name}"
    runs = folder.parent.name if others else name
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    first, *more = summary.get("trials", ["train"])
    gap = f"compare/worst_so_far_log10/{first}"
    tags = [f"loss/{first}", gap, *(f"loss/{tag}" for tag in more[:2])]
    return deep_link(base, f"{runs}/", tags, pictured=f"{name}/compare")


def _fresh(parent: Path) -> Path:
    """A folder that no other run has: the time, and a number if that is taken."""
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        folder = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _finite(tree: Any) -> Any:
    """`tree` with NaN and infinities as words, which JSON has no numbers for."""
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return str(tree)
    return tree
