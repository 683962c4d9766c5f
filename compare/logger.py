"""The files of a run: TensorBoard events, curves.csv, figures, summary.json."""

import csv
import io
import json
import math
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
from filelock import FileLock, Timeout, lock_descriptor
from PIL import Image

from compare.checkpoint import replace_file
from compare.tensorboard import RUNS, deep_link

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.lockstep import Step

LOG_FLOOR = -20.0
"""A difference of exactly 0 on a log10 axis."""
DPI = 200
"""Resolution of the figures' files: twice that at which a page shows them."""
CARD_WIDTH = 317
"""Width in pixels of the figures in TensorBoard: that of its cards in a window of 1400,
since it shrinks wider ones by dropping pixels."""
COLUMNS = [
    *("learner", "seed", "step", "handmade", "torch_ref"),
    *("loss_diff", "gradient_diff", "parameter_diff", "one_step_diff"),
    "trajectory_diff",
]
Rows = list[dict[str, str]]
"""Rows of curves.csv, by the names of its columns."""
SHOWN = {"lesson": str, "status": str, "reason": str, "trials": list}
"""What `list` and `board` show of a summary, and its types."""
RENAMED = {"resynced_diff": "one_step_diff"}
"""Columns of earlier versions, and what they are called now."""
FORMAT = 4
"""Version of a run's files: 1 had tags such as "train_seed0", 2 no `errors` and the tag
difference/max_log10, 3 the column resynced_diff."""
BUCKETS = 30
"""Of a histogram, as many as TensorBoard's own have."""
FLOAT32_MAX = 3.4028234663852886e38
"""The largest number of TensorBoard's scalars."""


class RunLogger:
    """The directory of one run, written while the run goes on.

    Every event and every row of curves.csv is handed to the operating system at once,
    so a killed process loses none.

    Args:
        folder: the run directory, locked while the logger is open.
        sizes: bytes of each file to keep, where a run is continued.

    Raises:
        OSError: the directory cannot be written to.
        ValueError: another process is writing to it.
    """

    def __init__(self, folder: Path, sizes: dict[str, int] | None = None) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {"lesson": folder.parent.name, "format": FORMAT}
        self._events: dict[str, EventFile] = {}
        with ExitStack() as stack:  # closes all again if one cannot be opened
            try:
                # A reader may hold the lock for a moment.
                stack.enter_context(_lock(folder).acquire(timeout=0.2))
            except Timeout:
                raise ValueError(f"{folder} is still running") from None
            if sizes is not None:
                _truncate(folder, sizes)
                self.summary = {**read_summary(folder), "format": FORMAT}
            for run in RUNS:
                self._events[run] = EventFile(folder / run)
                stack.callback(self._events[run].close)
            rows = (folder / "curves.csv").open(
                "a", newline="", encoding="utf-8", buffering=1
            )
            self._curves = csv.writer(stack.enter_context(rows))
            if sizes is None:
                self._curves.writerow(COLUMNS)
                self.write_summary(status="running")
            self._stack = stack.pop_all()

    @classmethod
    def new(cls, logdir: Path, lesson: str) -> Self:
        """A logger in a fresh directory below `logdir`."""
        return cls(_fresh(logdir / lesson))

    def sizes(self) -> dict[str, int]:
        """The bytes of each file that grows, by its path in the directory."""
        growing = _growing(self.folder).items()
        return {name: path.stat().st_size for name, path in growing}

    def log(self, step: "Step", label: str, learner: str, seed: int) -> None:
        """Log one step of a trial; its label is the last part of its tags."""
        losses = list(step.losses.values())
        loss_diff = abs(losses[0] - losses[1])
        self._log_losses(step.losses, step.number, label, step.rates)
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
        numbers = (*losses, loss_diff, gradient, parameter)
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

    def histograms(
        self, side: str, label: str, step: int, arrays: Mapping[str, np.ndarray]
    ) -> None:
        """Log the distribution of each array of one side, such as "weights/0.bias".

        As tensors of TensorBoard's plugin for histograms.
        """
        suffix = "" if label == "train" else f"/{label}"
        values = [_histogram(f"{n}{suffix}", a) for n, a in arrays.items() if a.size]
        self._events[side].add(step, values)

    def figure(self, name: str, png: bytes, card: bytes) -> None:
        """Save a figure drawn by `drawn`, and show its card in TensorBoard."""
        replace_file(self.folder / f"{name}.png", png)
        image = {"encoded_image_string": card, "colorspace": 4}
        self._events["compare"].add(0, [{"tag": name, "image": image}])

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """Show a text in TensorBoard; Markdown and tables, no LaTeX."""
        tensor = {"dtype": "DT_STRING", "string_val": [markdown.encode()]}
        tensor |= {"tensor_shape": {"dim": [{"size": 1}]}}
        plugin = {"plugin_data": {"plugin_name": "text"}}
        value = {"tag": tag, "metadata": plugin, "tensor": tensor}
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
        replace_file(self.folder / "summary.json", f"{text}\n".encode())

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class EventFile:
    """TensorBoard's events of one run, in a new file of its folder.

    Every event is written whole or not at all. Not torch's FileWriter, whose thread
    opens and closes the file for every event.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._file = (folder / name).open("xb", buffering=0)
        self._event, self._encoder = Event, RecordWriter
        try:
            self._write(file_version="brain.Event:2")
        except OSError:
            self._file.close()
            (folder / name).unlink()
            raise

    def add(self, step: int, values: list[Any]) -> None:
        """Add one event: the values of some tags after a step."""
        self._write(step=step, summary={"value": values})

    def _write(self, **content: Any) -> None:
        event = self._event(wall_time=time.time(), **content)
        record, size = io.BytesIO(), self._file.tell()
        self._encoder(record).write(event.SerializeToString())
        rest = record.getvalue()
        try:
            while rest := rest[self._file.write(rest) :]:
                pass  # a full disk takes a part, and refuses the rest
        except OSError:
            self._file.truncate(size)
            self._file.seek(size)
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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


def log10(value: float) -> float:
    """The logarithm of a difference, with a floor for 0."""
    return max(LOG_FLOOR, math.log10(value)) if value > 0 else LOG_FLOOR


def _float32(value: float) -> float:
    """The nearest finite number of float32; NaN remains."""
    return math.copysign(FLOAT32_MAX, value) if abs(value) > FLOAT32_MAX else value


def _histogram(tag: str, array: np.ndarray) -> dict[str, Any]:
    """Left and right edge and number of values of each bucket (BUCKETS, 3)."""
    edges = np.linspace(array.min(), array.max(), BUCKETS + 1, dtype=float)
    bucket = np.searchsorted(edges[1:-1], array.ravel(), side="right")
    counts = np.bincount(bucket, minlength=BUCKETS)
    content = np.stack([edges[:-1], edges[1:], counts], axis=1).tobytes()
    tensor = {"dtype": "DT_DOUBLE", "tensor_content": content}
    tensor |= {"tensor_shape": {"dim": [{"size": BUCKETS}, {"size": 3}]}}
    plugin = {"plugin_data": {"plugin_name": "histograms"}}
    return {"tag": tag, "metadata": plugin, "tensor": tensor}


def _rates(label: str, rates: list[float]) -> dict[str, float]:
    """The learning rate of each group by its tag; a single group needs no number."""
    if len(rates) == 1:
        return {f"lr/{label}": rates[0]}
    return {f"lr/{label}/group{i}": rate for i, rate in enumerate(rates)}


def drawn(figure: "Figure") -> tuple[bytes, bytes]:
    """A figure as PNG: for its file, and for its card in TensorBoard.

    The file has 256 colours: half of the bytes, and it looks the same.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    height = round(image.height * CARD_WIDTH / image.width)
    card = image.resize((CARD_WIDTH, height), Image.Resampling.LANCZOS)
    return _png(image.quantize(256, dither=Image.Dither.NONE)), _png(card)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _growing(folder: Path) -> dict[str, Path]:
    """The files that grow during a run, by their paths in its directory."""
    events = [path for run in RUNS for path in sorted((folder / run).glob("events.*"))]
    found = [path for path in [folder / "curves.csv", *events] if path.is_file()]
    return {str(path.relative_to(folder)): path for path in found}


def _truncate(folder: Path, sizes: dict[str, int]) -> None:
    """Cut each file to its size; event files begun later go, and drafts."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ValueError(f"{path} is a symbolic link; nothing is written to it")
    known = {path: sizes.get(name) for name, path in _growing(folder).items()}
    for name, size in sizes.items():
        path = folder / name
        if path not in known or path.stat().st_size < size:
            raise ValueError(f"{path} is shorter than when the run was saved")
    for path, size in known.items():
        if size is None:
            path.unlink()
        else:
            os.truncate(path, size)
    for draft in folder.glob("*.tmp"):
        draft.unlink()


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / ".lock")


def _is_locked(folder: Path) -> bool:
    """Whether a run holds the lock; writes nothing, so any folder can be read."""
    try:
        with (folder / ".lock").open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except OSError:
        return False


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
