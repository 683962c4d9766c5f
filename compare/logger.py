"""The files of a run: TensorBoard events, curves.csv, figures, summary.json."""

import csv
import json
import math
import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from filelock import FileLock, Timeout

from compare.checkpoint import replace_file
from compare.event_file import FLOAT32_MAX, EventFile, float32, histogram
from compare.run_folder import LOCK, read_summary
from compare.tensorboard import RUNS

if TYPE_CHECKING:
    from compare.lockstep import Step

LOG_FLOOR = -20.0
"""A difference of exactly 0 on a log10 axis."""
COLUMNS = [
    *("learner", "seed", "step", "handmade", "torch_ref"),
    *("loss_diff", "gradient_diff", "parameter_diff", "one_step_diff"),
    "trajectory_diff",
]
FORMAT = 4
"""Version of a run's files: 1 had tags such as "train_seed0", 2 no `errors` and the tag
difference/max_log10, 3 the column resynced_diff."""


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
                stack.enter_context(FileLock(folder / LOCK).acquire(timeout=0.2))
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
        values = [histogram(f"{n}{suffix}", a) for n, a in arrays.items() if a.size]
        self._events[side].add(step, values)

    def figure(self, name: str, png: bytes, card: bytes) -> None:
        """Save a figure drawn by `plots.png`, and show its card in TensorBoard."""
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
            {"tag": tag, "simple_value": float32(value)}
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


def log10(value: float) -> float:
    """The logarithm of a difference, with a floor for 0."""
    return max(LOG_FLOOR, math.log10(value)) if value > 0 else LOG_FLOOR


def _rates(label: str, rates: list[float]) -> dict[str, float]:
    """The learning rate of each group by its tag; a single group needs no number."""
    if len(rates) == 1:
        return {f"lr/{label}": rates[0]}
    return {f"lr/{label}/group{i}": rate for i, rate in enumerate(rates)}


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
