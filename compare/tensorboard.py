"""TensorBoard: event files that lose nothing, and the link that opens them right."""

import json
import math
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from google_crc32c import value as crc32c
from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata  # pyright: ignore
from tensorboard.compat.proto.tensor_pb2 import TensorProto  # pyright: ignore
from tensorboard.compat.proto.types_pb2 import DT_STRING  # pyright: ignore

SIDES = ("handmade", "torch_ref", "compare")
LOG_FLOOR = -20.0
"""What a difference of exactly 0 is drawn as on a log10 axis."""
PREPARED = 64
"""So many events are kept at most, to be filled in with the points of another step."""


class EventWriter:
    """Writes one folder of TensorBoard events, each in the file as soon as it is given.

    Nothing is buffered, so even a killed process loses no point.

    Args:
        folder: made here; must not exist, since TensorBoard silently drops one of two
            runs that share a folder.
        size: go on instead with the file that is there, after its first `size` bytes;
            what stands behind them is dropped.

    Raises:
        FileExistsError: the folder is there already.
        FileNotFoundError: there is no file to go on with.
    """

    def __init__(self, folder: Path, size: int | None = None) -> None:
        if size is None:
            folder.mkdir(parents=True)
            name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
            path = folder / f"{name}.{os.getpid()}"
        else:
            path = next(folder.glob("events.out.tfevents.*"), folder / "events")
            os.truncate(path, size)
        self._file = path.open("ab", buffering=0)
        self._prepared: dict[tuple[str, ...], Event] = {}
        if size is None:
            self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each tag; an infinite value is drawn as NaN."""
        event = self._event(tuple(values))
        event.step, event.wall_time = step, time.time()
        for point, value in zip(event.summary.value, values.values(), strict=True):
            point.simple_value = value if math.isfinite(value) else math.nan
        self._write(event)

    def _event(self, tags: tuple[str, ...]) -> Event:
        """An event with these tags, made once: most steps have the same ones."""
        if tags not in self._prepared:
            if len(self._prepared) >= PREPARED:
                self._prepared.clear()
            values = [Summary.Value(tag=tag) for tag in tags]
            self._prepared[tags] = Event(summary=Summary(value=values))
        return self._prepared[tags]

    def image(self, step: int, tag: str, png: bytes) -> None:
        """Add a picture."""
        image = Summary.Image(encoded_image_string=png, colorspace=4)
        self._summary(step, Summary.Value(tag=tag, image=image))

    def text(self, step: int, tag: str, markdown: str) -> None:
        """Add a text; Markdown and tables are shown, LaTeX is not."""
        tensor = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()])
        plugin = SummaryMetadata.PluginData(plugin_name="text")
        value = Summary.Value(
            tag=tag, tensor=tensor, metadata=SummaryMetadata(plugin_data=plugin)
        )
        self._summary(step, value)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _summary(self, step: int, *values: Summary.Value) -> None:
        summary = Summary(value=values)
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, event: Event) -> None:
        self._file.write(framed(event.SerializeToString()))


def framed(data: bytes) -> bytes:
    """`data` as a record of an event file: its length and itself, each with a checksum.

    TensorBoard's own writer gives the same bytes; it sums them up in Python.
    """
    length = struct.pack("<Q", len(data))
    return b"".join((length, _checksum(length), data, _checksum(data)))


def _checksum(data: bytes) -> bytes:
    """CRC-32C, turned and moved as the format of records asks for."""
    crc = crc32c(data)
    turned = (crc >> 15 | crc << 17) + 0xA282EAD8
    return struct.pack("<I", turned & 0xFFFFFFFF)


def log10(value: float) -> float:
    """The logarithm of a difference, with a floor for 0."""
    return max(LOG_FLOOR, math.log10(value)) if value > 0 else LOG_FLOOR


def deep_link(base: str, runs: str, tags: list[str], pictured: str = "") -> str:
    """The address that opens TensorBoard right: no smoothing, the charts pinned.

    Args:
        base: of the server, such as "http://127.0.0.1:6006".
        runs: only runs whose name starts so, such as "or_gate/".
        tags: the charts to pin.
        pictured: the run whose picture of both curves is pinned after the first chart,
            since lines that agree hide each other there.
    """
    pins: list[dict[str, Any]] = [{"plugin": "scalars", "tag": tag} for tag in tags]
    if pictured:
        run = f"defaultExperimentId/{pictured}"
        picture = {"plugin": "images", "tag": "curves", "runId": run, "sample": 0}
        pins.insert(1, picture)
    pinned = json.dumps(pins)
    colors = f"regex:({'|'.join(SIDES)})"
    return (
        f"{base.rstrip('/')}/?smoothing=0"
        f"&runFilter={quote('^' + re.escape(runs), safe='')}"
        f"&pinnedCards={quote(pinned, safe='')}"
        f"&runColorGroup={quote(colors, safe='')}#timeseries"
    )


def command(logdir: Path, port: int) -> list[str]:
    """The command that serves `logdir` on this machine alone, keeping every point."""
    return [
        *(sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--samples_per_plugin", "scalars=999999"),
    ]


class Server:
    """A running TensorBoard, ended with the `with` block.

    Args:
        logdir: the folder to serve.
        port: 0 takes a free one.

    Raises:
        FileNotFoundError: there is no such folder.
        RuntimeError: TensorBoard did not start; its own words are given.
    """

    def __init__(self, logdir: Path, port: int = 0) -> None:
        if not logdir.is_dir():
            raise FileNotFoundError(f"there is no log folder {logdir}")
        self._process = subprocess.Popen(
            command(logdir, port),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # Reads what comes after the address: a full pipe would stop the server.
        self._drain = threading.Thread(target=deque, args=(self._process.stdout, 0))
        try:
            self.url = self._address()
        except BaseException:
            self.close()
            raise
        self._drain.start()

    def _address(self) -> str:
        """Read what the server prints until it names its address."""
        lines: list[str] = []
        for line in self._process.stdout or []:
            lines.append(line)
            if found := re.search(r"http://\S+", line):
                return found[0].rstrip("/")
        said = "".join(lines)
        taken = "\nport 0 takes a free one" if "already in use" in said else ""
        raise RuntimeError(f"TensorBoard did not start:\n{said}{taken}")

    def get(self, path: str, timeout: float = 5.0) -> bytes:
        """What the server answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=timeout) as answer:
            return answer.read()

    def wait(self) -> int:
        """Wait until the server ends by itself; its exit status."""
        return self._process.wait()

    def close(self) -> None:
        """End the server, politely at first."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._drain.is_alive():
            self._drain.join()
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
