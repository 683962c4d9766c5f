"""The files of a run: TensorBoard events, curves.csv, figures, summary.json."""

import csv
import io
import json
import math
import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from compare.tensorboard import RUNS, deep_link

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.lockstep import Step

LOG_FLOOR = -20.0
"""A difference of exactly 0 on a log10 axis."""
DPI = 150
"""Resolution of the figures' files."""
CARD_WIDTH = 317
"""Width in pixels of the figures in TensorBoard: that of its cards in a window of 1400,
since it shrinks wider ones by dropping pixels."""
COLUMNS = [
    *("learner", "seed", "step", "handmade", "torch_ref"),
    *("loss_diff", "gradient_diff", "parameter_diff", "resynced_diff"),
    "trajectory_diff",
]
FORMAT = 3
"""Version of summary.json and of the tags: 1 had tags such as "train_seed0", 2 no
`errors` and the tag difference/max_log10."""
FLOAT32_MAX = 3.4028234663852886e38
"""The largest number of TensorBoard's scalars."""


class RunLogger:
    """The directory of one run, written while the run goes on.

    Every event and every row of curves.csv is handed to the operating system at once,
    so a killed process loses none.

    Args:
        folder: the run directory, locked while the logger is open.
        sizes: bytes of each file to keep, when a run is continued.

    Raises:
        OSError: the directory cannot be written to.
        ValueError: another process is writing to it.
    """

    def __init__(self, folder: Path, sizes: dict[str, int] | None = None) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {"lesson": folder.parent.name, "format": FORMAT}
        with ExitStack() as stack:  # closes all again if one cannot be opened
            try:
                stack.enter_context(_lock(folder).acquire(timeout=0))
            except Timeout:
                raise ValueError(f"{folder} is still running") from None
            if sizes is not None:
                _truncate(folder, sizes)
            self._events = {run: EventFile(folder / run) for run in RUNS}
            for events in self._events.values():
                stack.callback(events.close)
            rows = (folder / "curves.csv").open(
                "a", newline="", encoding="utf-8", buffering=1
            )
            self._curves = csv.writer(stack.enter_context(rows))
            self._stack = stack.pop_all()
        if sizes is None:
            self._curves.writerow(COLUMNS)

    @classmethod
    def new(cls, logdir: Path, lesson: str) -> Self:
        """A logger in a fresh directory below `logdir`."""
        logger = cls(_fresh(logdir / lesson))
        logger.write_summary(status="running")
        return logger

    @classmethod
    def resume(cls, folder: Path, sizes: dict[str, int]) -> Self:
        """The logger of an interrupted run, its files cut to these sizes."""
        logger = cls(folder, sizes)
        logger.summary = {**read_summary(folder), "format": FORMAT}
        return logger

    def sizes(self) -> dict[str, int]:
        """The bytes of each file that grows, by its path in the directory."""
        return {
            str(path.relative_to(self.folder)): path.stat().st_size
            for path in [self.folder / "curves.csv", *_event_files(self.folder)]
        }

    def log(self, step: "Step", label: str, learner: str, seed: int) -> None:
        """Log one step of a trial; its label is the last part of its tags."""
        loss_diff = abs(step.handmade - step.torch_ref)
        losses = {"handmade": step.handmade, "torch_ref": step.torch_ref}
        self._log_losses(losses, step.number, label, step.rates)
        found = {"loss": loss_diff, "one_step": step.one_step}
        found |= {"trajectory": step.trajectory, "tolerance": step.tolerance}
        found |= {f"gradient_{name}": d for name, d in step.gradients.items()}
        differences = {
            f"difference/{name}_log10/{label}": log10(value)
            for name, value in found.items()
            if value is not None
        }
        self._scalars("compare", step.number, differences)
        gradient = max(step.gradients.values(), default=0.0)
        parameter = max(step.parameters.values(), default=0.0)
        numbers = (step.handmade, step.torch_ref, loss_diff, gradient, parameter)
        self._curves.writerow(
            [
                *(learner, seed, step.number, *map(repr, numbers)),
                *(step.one_step, step.trajectory),
            ]
        )

    def log_non_finite(
        self, losses: dict[str, float], step: int, label: str, learner: str, seed: int
    ) -> None:
        """Log the step at which a training diverged: both losses, nothing else."""
        self._log_losses(losses, step, label, {})
        known = [learner, seed, step, *map(repr, losses.values())]
        self._curves.writerow(known + [""] * (len(COLUMNS) - len(known)))

    def _log_losses(
        self,
        losses: dict[str, float],
        step: int,
        label: str,
        rates: Mapping[str, list[float]],
    ) -> None:
        """Add both losses and learning rates; in words as well what float32 lacks."""
        for side, loss in losses.items():
            values = {f"loss/{label}": loss} | _rates(label, rates.get(side, []))
            self._scalars(side, step, values)
        if any(abs(loss) > FLOAT32_MAX for loss in losses.values()):
            words = "; ".join(f"{side} {loss!r}" for side, loss in losses.items())
            tag = f"loss_beyond_float32/{label}"
            self.text(tag, f"step {step}: {words} (drawn as {FLOAT32_MAX:.1e})", step)

    def metrics(
        self, side: str, label: str, step: int, metrics: dict[str, float]
    ) -> None:
        """Log the metrics of one side, such as "accuracy/test"."""
        suffix = "" if label == "train" else f"/{label}"
        self._scalars(side, step, {f"{n}{suffix}": v for n, v in metrics.items()})

    def figure(self, name: str, figure: "Figure") -> Path:
        """Save a figure as PNG and show it in TensorBoard."""
        path = self.folder / f"{name}.png"
        path.write_bytes(_png(figure, DPI))
        card = _png(figure, CARD_WIDTH / figure.get_figwidth())
        image = {"encoded_image_string": card, "colorspace": 4}
        self._events["compare"].add(0, [{"tag": name, "image": image}])
        return path

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """Show a text in TensorBoard; Markdown and tables, no LaTeX."""
        from torch.utils.tensorboard.summary import text

        (value,) = text(tag, markdown).value
        value.tag = tag  # torch appends "/text_summary"
        self._events["compare"].add(step, [value])

    def _scalars(self, run: str, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each tag; TensorBoard draws NaN, but not infinity."""
        points = [
            {"tag": tag, "simple_value": _float32(value)}
            for tag, value in values.items()
        ]
        self._events[run].add(step, points)

    def write_summary(self, **news: Any) -> None:
        """Add to the summary and write it anew: whole or not at all."""
        self.summary.update(news)
        text = json.dumps(_json_ready(self.summary), indent=2, allow_nan=False)
        draft = self.folder / "summary.json.tmp"
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self.folder / "summary.json")

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class EventFile:
    """TensorBoard's events of one run, in a new file of its folder.

    Not torch's FileWriter, whose thread opens and closes the file for every event.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._records, self._event = RecordWriter((folder / name).open("xb")), Event
        self._write(file_version="brain.Event:2")

    def add(self, step: int, values: list[Any]) -> None:
        """Add one event: the values of some tags after a step."""
        self._write(step=step, summary={"value": values})

    def _write(self, **content: Any) -> None:
        event = self._event(wall_time=time.time(), **content)
        self._records.write(event.SerializeToString())
        self._records.flush()

    def close(self) -> None:
        """Close the file."""
        self._records.close()


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
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if summary.get("status") == "running" and not _is_locked(folder):
        summary["status"] = "interrupted"
    return summary


def runs(logdir: Path) -> list[Path]:
    """The directories of all runs, oldest first."""
    found = (path.parent for path in logdir.glob("*/*/summary.json"))
    return sorted(found, key=lambda folder: folder.name)


def newest(logdir: Path, lesson: str = "") -> Path | None:
    """The directory of the latest run, of one lesson or of all; None if there is none.

    Raises:
        FileNotFoundError: there is no such lesson in `logdir`.
    """
    if lesson and not (logdir / lesson).is_dir():
        raise FileNotFoundError(f"there are no runs of {lesson!r} in {logdir}")
    found = [f for f in runs(logdir) if lesson in ("", f.parent.name)]
    return found[-1] if found else None


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


def log10(value: float) -> float:
    """The logarithm of a difference, with a floor for 0."""
    return max(LOG_FLOOR, math.log10(value)) if value > 0 else LOG_FLOOR


def _float32(value: float) -> float:
    """The nearest finite number of float32; NaN remains."""
    return math.copysign(FLOAT32_MAX, value) if abs(value) > FLOAT32_MAX else value


def _rates(label: str, rates: list[float]) -> dict[str, float]:
    """The learning rate of each group by its tag; a single group needs no number."""
    if len(rates) == 1:
        return {f"lr/{label}": rates[0]}
    return {f"lr/{label}/group{i}": rate for i, rate in enumerate(rates)}


def _png(figure: "Figure", dpi: float) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _event_files(folder: Path) -> list[Path]:
    return [path for run in RUNS for path in sorted((folder / run).glob("events.*"))]


def _truncate(folder: Path, sizes: dict[str, int]) -> None:
    """Cut each file to its size; event files begun later go."""
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size < size:
            raise ValueError(f"{path} is shorter than when the run was saved")
    for name, size in sizes.items():
        os.truncate(folder / name, size)
    for path in _event_files(folder):
        if str(path.relative_to(folder)) not in sizes:
            path.unlink()


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / ".lock")


def _is_locked(folder: Path) -> bool:
    try:
        with _lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _fresh(parent: Path) -> Path:
    """A directory that no other run has: the time, and a number if that is taken."""
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    number, folder = 1, parent / stamp
    while True:
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
        number += 1
        folder = parent / f"{stamp}-{number}"


def _json_ready(tree: Any) -> Any:
    """`tree` with NaN and infinities as text, which JSON has no numbers for."""
    if isinstance(tree, dict):
        return {key: _json_ready(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_json_ready(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return str(tree)
    return tree
