"""A TensorBoard server with the tab "Compare", and the addresses that open it.

python -m compare.tensorboard --logdir runs
"""

import json
import re
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

RUNS = ("handmade", "torch_ref", "compare")
"""The TensorBoard runs of a run directory: both sides, and their difference."""


PLUGIN = "compare"
"""The name of the tab in addresses."""


def address(base: str, folder: Path) -> str:
    """The address of the tab "Compare" at one run."""
    run = quote(f"{folder.parent.name}/{folder.name}")
    return f"{base.rstrip('/')}/#{PLUGIN}&p.{PLUGIN}.run={run}"


def deep_link(base: str, runs: str, tags: list[str], pictured: str = "") -> str:
    """The address that opens TensorBoard without smoothing, charts `tags` pinned.

    It shows only runs whose name starts with `runs`, such as "or_gate/". The picture of
    both curves of the run `pictured` is pinned after the first chart, since lines that
    agree hide each other there.
    """
    pins: list[dict[str, Any]] = [{"plugin": "scalars", "tag": tag} for tag in tags]
    if pictured:
        run = f"defaultExperimentId/{pictured}"
        picture = {"plugin": "images", "tag": "curves", "runId": run, "sample": 0}
        pins.insert(1, picture)
    options = {
        "smoothing": 0,
        "runFilter": "^" + re.escape(runs),
        "pinnedCards": json.dumps(pins),
        "runColorGroup": f"regex:({'|'.join(RUNS)})",
    }
    query = urlencode(options, quote_via=quote, safe="")
    return f"{base.rstrip('/')}/?{query}#timeseries"


def command(logdir: Path, port: int) -> list[str]:
    """The command that serves `logdir` on localhost only and keeps every point."""
    return [  # -P: nothing is imported from the current folder
        *(sys.executable, "-P", "-m", "compare.tensorboard_plugin"),
        *("--logdir", str(logdir)),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--samples_per_plugin", "scalars=999999"),
    ]


class Server(AbstractContextManager["Server"]):
    """A TensorBoard that serves `logdir`; ended with the `with` block.

    Port 0 is any free port.

    Raises:
        FileNotFoundError: there is no such folder.
        RuntimeError: TensorBoard did not start; its own words are given.
    """

    def __init__(self, logdir: Path, port: int = 0) -> None:
        if not logdir.is_dir():
            raise FileNotFoundError(f"there is no log folder {logdir}")
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        pipes["stderr"] = subprocess.STDOUT
        self._process = subprocess.Popen(command(logdir, port), text=True, **pipes)
        # Reads what comes after the address: a full pipe would stop the server.
        output = (self._process.stdout, 0)
        self._drain = threading.Thread(target=deque, args=output, daemon=True)
        try:
            self.url = self._address()
        except BaseException:
            self.close()
            raise
        self._drain.start()

    def _address(self) -> str:
        """Read what the server prints until it names its address."""
        said = ""
        for line in self._process.stdout or []:
            said += line
            if found := re.search(r"http://\S+", line):
                return found[0].rstrip("/")
        taken = "\nport 0 takes a free one" if "already in use" in said else ""
        raise RuntimeError(f"TensorBoard did not start:\n{said}{taken}")

    def get(self, path: str, timeout: float = 5.0) -> bytes:
        """What the server answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=timeout) as answer:
            return answer.read()

    def wait(self) -> int:
        """Wait until the server ends by itself and return its exit status."""
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
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def __exit__(self, *error: object) -> None:
        self.close()
