"""TensorBoard's events of one run, each written whole or not at all."""

import io
import math
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np

BUCKETS = 30
"""Of a histogram, as many as TensorBoard's own have."""
FLOAT32_MAX = 3.4028234663852886e38
"""The largest number of TensorBoard's scalars."""


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


def float32(value: float) -> float:
    """The nearest finite number of float32; NaN remains."""
    return math.copysign(FLOAT32_MAX, value) if abs(value) > FLOAT32_MAX else value


def histogram(tag: str, array: np.ndarray) -> dict[str, Any]:
    """Left and right edge and number of values of each bucket (BUCKETS, 3)."""
    edges = np.linspace(array.min(), array.max(), BUCKETS + 1, dtype=float)
    bucket = np.searchsorted(edges[1:-1], array.ravel(), side="right")
    counts = np.bincount(bucket, minlength=BUCKETS)
    content = np.stack([edges[:-1], edges[1:], counts], axis=1).tobytes()
    tensor = {"dtype": "DT_DOUBLE", "tensor_content": content}
    tensor |= {"tensor_shape": {"dim": [{"size": BUCKETS}, {"size": 3}]}}
    plugin = {"plugin_data": {"plugin_name": "histograms"}}
    return {"tag": tag, "metadata": plugin, "tensor": tensor}
