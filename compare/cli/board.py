"""`board`: TensorBoard on localhost."""

import signal
import sys
import webbrowser
from contextlib import suppress
from functools import partial
from pathlib import Path

from rich.text import Text
from typer import Argument, Option

from compare.cli._console import err, out, say, usage_errors
from compare.cli._options import LOGDIR


def board(
    lesson: str = Argument(
        "", help="A lesson: show all its runs, not only the latest."
    ),
    logdir: Path = LOGDIR,
    port: int = Option(6006, min=0, help="0 = any free port."),
) -> None:
    """Start TensorBoard on localhost, with links to the latest run.

    Ends with Ctrl-C.
    """
    from compare.run_folder import newest

    with usage_errors():
        last = newest(logdir, lesson, skipped=partial(say, err))
    serve(logdir, last, port, lesson)


def serve(
    logdir: Path, run: Path | None, port: int, lesson: str = "", show: bool = False
) -> None:
    """Serve `logdir` until Ctrl-C; print the links to a run, or `show` it in a browser.

    With the name of a lesson, Time Series shows all its runs.
    """
    from compare.run_folder import link
    from compare.tensorboard import Server, address

    # The signal alone would not close the server; SystemExit does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with suppress(KeyboardInterrupt), usage_errors(), Server(logdir, port) as server:
        addresses = {"TensorBoard": server.url}
        if run:
            addresses = {
                "TensorBoard": address(server.url, run),
                "Time Series": link(server.url, run, bool(lesson)),
            }
        for name, target in addresses.items():
            # In full, to be copied; as a link, since no line break may cut it.
            words = Text.assemble(f"{name}: ", (target, f"link {target}"))
            out.print(words, soft_wrap=True)
        if show:
            webbrowser.open(addresses["TensorBoard"])
        server.wait()
