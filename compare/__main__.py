"""`python -m compare`."""

import gc
import os
import sys
from typing import Any

from compare.cli import app


class _Output:
    """Standard output whose reader may leave, as in `| head -1`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._without_reader(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._without_reader(self._stream.flush)

    def _without_reader(self, function: Any, *args: Any) -> None:
        try:
            function(*args)
        except BrokenPipeError:
            _drop_output()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> None:
    """Run the command line; exit 2 if its output cannot be written."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stdout = _Output(sys.stdout)
    # Imports make half a million objects, which all live to the end: looking through
    # them for unused cycles again and again, and when all is done, takes half a second.
    gc.set_threshold(100_000, 50)
    try:
        try:
            app(prog_name="python -m compare")
        finally:
            sys.stdout.flush()
            gc.freeze()
    except OSError as error:
        _drop_output()
        sys.stderr.write(f"error: standard output: {error.strerror}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
