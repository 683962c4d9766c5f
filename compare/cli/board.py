"""`board`: TensorBoard, on this machine only."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from compare.cli._console import out, usage_errors
from compare.cli._options import LogDir


def board(
    lesson: Annotated[str, typer.Argument(help="Show all its runs, not one.")] = "",
    logdir: LogDir = Path("runs"),
    port: Annotated[int, typer.Option(min=0, help="0 takes a free one.")] = 6006,
) -> None:
    """Start TensorBoard for this machine alone and print the link that opens it right.

    Ends with Ctrl-C.
    """
    from compare.logger import link, newest
    from compare.tensorboard import Server

    # SystemExit leaves the block below, and with it the server; the signal does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with suppress(KeyboardInterrupt), usage_errors(), Server(logdir, port) as server:
        last = newest(logdir, lesson)
        address = link(server.url, last, bool(lesson)) if last else server.url
        # In full, to be copied, and as a link that no line break cuts.
        out.print(
            Text.assemble("TensorBoard: ", Text(address, f"link {address}")),
            soft_wrap=True,
        )
        server.wait()
