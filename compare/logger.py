"""What a run leaves behind: its folder, events, curves and summary."""

import csv
import io
import json
import math
import os
from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from compare.tensorboard import SIDES, EventWriter, deep_link, log10

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.lockstep import Step

DPI = 150
"""Of the figures' files: dense enough for a page and a screen of small pixels."""
CARD_WIDTH = 317
"""Of the figures in TensorBoard, in pixels: as wide as its cards in a window of 1400.

It shrinks what is wider by dropping pixels, and with them parts of the letters.
"""
COLUMNS = [
    *("learner", "seed", "step", "handmade", "torch_ref"),
    *("loss_diff", "gradient_diff", "parameter_diff", "resynced_diff"),
]


class RunLogger:
    """The folder of one run, written as the run goes on.

    Args:
        folder: of the run, locked as long as the record is open.
        sizes: how much of each file stays, when a run is gone on with.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: another process is writing to it.
    """

    def __init__(self, folder: Path, sizes: dict[str, int] | None = None) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {"lesson": folder.parent.name}
        self._open = ExitStack()
        try:
            self._open.enter_context(_lock(folder).acquire(timeout=0))
        except Timeout:
            raise ValueError(f"{folder} is still running") from None
        known = sizes or {}
        self.events = {
            side: self._open.enter_context(EventWriter(folder / side, known.get(side)))
            for side in SIDES
        }
        path = folder / "curves.csv"
        if sizes is not None:
            os.truncate(path, sizes["curves"])
        self._file = self._open.enter_context(
            path.open("a", newline="", encoding="utf-8", buffering=1)
        )
        self._curves = csv.writer(self._file)
        if sizes is None:
            self._curves.writerow(COLUMNS)

    @classmethod
    def new(cls, logdir: Path, lesson: str) -> Self:
        """A record in a fresh folder below `logdir`, made if it is missing."""
        record = cls(_fresh(logdir / lesson))
        record.write_summary(status="running")
        return record

    @classmethod
    def again(cls, folder: Path, sizes: dict[str, int]) -> Self:
        """The record of a run that was cut short, back to these sizes."""
        for name, path in _files(folder).items():
            if path.stat().st_size < sizes[name]:
                raise ValueError(f"{path} is shorter than when the run was saved")
        record = cls(folder, sizes)
        record.summary = read_summary(folder)
        return record

    def sizes(self) -> dict[str, int]:
        """How many bytes each file has."""
        self._file.flush()
        sizes = {side: writer.size for side, writer in self.events.items()}
        return {**sizes, "curves": os.fstat(self._file.fileno()).st_size}

    def step(
        self, learner: str, seed: int, tag: str, step: "Step", worst: float
    ) -> None:
        """Log one step of one trial under `tag`; `worst` is the largest so far."""
        gap = abs(step.handmade - step.torch_ref)
        number, losses = step.number, (step.handmade, step.torch_ref)
        for side, loss in zip(("handmade", "torch_ref"), losses, strict=True):
            rates = step.rates.get(side)
            values = {f"loss/{tag}": loss, **(_rates(tag, rates) if rates else {})}
            self.events[side].scalars(number, values)
        found = [gap, worst, *step.gradients.values()]
        if step.resynced is not None:
            found.append(step.resynced)
        tags = _tags(tag, tuple(step.gradients), step.resynced is not None)
        drawn = dict(zip(tags, map(log10, found), strict=True))
        self.events["compare"].scalars(number, drawn)
        gradient = max(step.gradients.values(), default=0.0)
        parameter = max(step.parameters.values(), default=0.0)
        numbers = (*losses, gap, gradient, parameter)
        self._curves.writerow(
            [learner, seed, number, *map(repr, numbers), step.resynced]
        )

    def metrics(
        self, side: str, tag: str, step: int, metrics: dict[str, float]
    ) -> None:
        """Log the metrics of one side, such as "accuracy/test"."""
        suffix = "" if tag == "train" else f"/{tag}"
        values = {f"{name}{suffix}": value for name, value in metrics.items()}
        self.events[side].scalars(step, values)

    def figure(self, name: str, figure: "Figure") -> Path:
        """Save a picture as PNG and show it in TensorBoard."""
        width = figure.get_figwidth()
        path = self.folder / f"{name}.png"
        path.write_bytes(_png(figure, DPI))
        self.events["compare"].image(0, name, _png(figure, CARD_WIDTH / width))
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


def read_summary(folder: Path) -> dict[str, Any]:
    """What `summary.json` of a run says; "running" is true only while it is.

    Raises:
        FileNotFoundError: there is no such run.
        ValueError: the file is damaged.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no run {folder}")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if summary.get("status") == "running" and not _is_locked(folder):
        summary["status"] = "interrupted"
    return summary


def runs(logdir: Path) -> list[Path]:
    """The folders of all runs, oldest first."""
    found = (path.parent for path in logdir.glob("*/*/summary.json"))
    return sorted(found, key=lambda folder: folder.name)


def _png(figure: "Figure", dpi: float) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def _tags(tag: str, gradients: tuple[str, ...], resynced: bool) -> list[str]:
    """The charts of what one step showed, in the order in which it is asked for."""
    return [
        f"compare/loss_diff_log10/{tag}",
        f"compare/worst_so_far_log10/{tag}",
        *(f"grad_error_log10/{name}/{tag}" for name in gradients),
        *([f"compare/resynced_log10/{tag}"] if resynced else []),
    ]


def _rates(tag: str, rates: list[float]) -> dict[str, float]:
    """The learning rate of each group by its tag; one alone needs no number."""
    if len(rates) == 1:
        return {f"lr/{tag}": rates[0]}
    return {f"lr/{tag}/group{i}": rate for i, rate in enumerate(rates)}


def _files(folder: Path) -> dict[str, Path]:
    """The files of a run that are gone on with, by their names in `sizes`."""
    events = {s: next((folder / s).glob("events.*"), folder / s) for s in SIDES}
    return {**events, "curves": folder / "curves.csv"}


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / ".lock")


def _is_locked(folder: Path) -> bool:
    try:
        with _lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True


def newest(logdir: Path, lesson: str = "") -> Path | None:
    """The folder of the latest run, of one lesson or of all; None if there is none.

    Raises:
        FileNotFoundError: there is no such lesson in `logdir`.
    """
    if lesson and not (logdir / lesson).is_dir():
        raise FileNotFoundError(f"there are no runs of {lesson!r} in {logdir}")
    found = [f for f in runs(logdir) if lesson in ("", f.parent.name)]
    return found[-1] if found else None


def link(base: str, folder: Path, others: bool = False) -> str:
    """The address that shows the run in `folder`: its curves and how far they differ.

    Args:
        base: of the server, such as "http://127.0.0.1:6006".
        folder: of the run.
        others: whether to show the lesson's other runs as well.
    """
    name = f"{folder.parent.name}/{folder.name}"
    shown = folder.parent.name if others else name
    first, *more = read_summary(folder).get("trials", ["train"])
    gap = f"compare/worst_so_far_log10/{first}"
    tags = [f"loss/{first}", gap, *(f"loss/{tag}" for tag in more[:2])]
    pictured = f"{name}/compare" if (folder / "curves.png").exists() else ""
    return deep_link(base, f"{shown}/", tags, pictured)


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
