"""The tab "Compare" of TensorBoard: all runs, their verdicts and their reports.

An installed package offers it to every TensorBoard; from a checkout:

    python -m compare.tensorboard_plugin --logdir runs
"""

import mimetypes
import os
import signal
import stat
import sys
import threading
from pathlib import Path
from typing import Any

from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug.utils import redirect
from werkzeug.wrappers import Request

from compare.report.page import NAME, page, verdict_of
from compare.run_folder import link, read_summary, runs
from compare.tensorboard import PLUGIN
from compare.translation import LANGUAGES, translator

SCRIPT = Path(__file__).with_suffix(".js")
WORDS = ("Filter runs", "No runs yet", "Curves in Time Series")
"""What the script says, in English."""


class ComparePlugin(base_plugin.TBPlugin):
    """Serves the list of runs, and each run's report, drawn anew from its files."""

    plugin_name = PLUGIN

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._logdir = Path(context.logdir) if context.logdir else None

    def get_plugin_apps(self) -> dict[str, Any]:
        """The address of each page below data/plugin/compare/."""
        views = {
            "/index.js": self._script,
            "/words": self._words,
            "/runs": self._runs,
            "/runs/*": self._file,
            "/timeseries": self._time_series,
        }
        return {path: Request.application(view) for path, view in views.items()}

    def is_active(self) -> bool:
        """Whether there is any run."""
        found = self._logdir.glob("*/*/summary.json") if self._logdir else iter(())
        return next(found, None) is not None

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The name of the tab, and its script."""
        return base_plugin.FrontendMetadata(
            es_module_path="/index.js", tab_name="Compare"
        )

    def _script(self, request: Request) -> Any:
        text = SCRIPT.read_text(encoding="utf-8")
        return http_util.Respond(request, text, "text/javascript")

    def _words(self, request: Request) -> Any:
        """What the script says, in the browser's language."""
        say = translator(_language(request))
        words = {text: say(text) for text in WORDS}
        return http_util.Respond(request, words, "application/json")

    def _runs(self, request: Request) -> Any:
        """Name, status and verdict of every run, the newest first."""
        language = _language(request)
        found = []
        for name, folder in reversed(self._folders().items()):
            try:
                summary = read_summary(folder)
                kind, words = verdict_of(summary, language)
            except (OSError, ValueError, KeyError) as error:
                found.append({"name": name, "status": "damaged", "words": str(error)})
                continue
            row = {"name": name, "status": summary.get("status"), "words": words}
            found.append(row | {"kind": kind, "ok": summary.get("ok")})
        return http_util.Respond(request, found, "application/json")

    def _file(self, request: Request) -> Any:
        """The report of a run, drawn anew; or one of its figures."""
        name, _, file = request.path.partition("/runs/")[2].rpartition("/")
        folder = self._folders().get(name)
        if folder is None:
            return _missing(request, f"there is no run {name!r}")
        if file == NAME:
            try:
                report = page(folder, _language(request))
            except (OSError, ValueError) as error:
                return _missing(request, f"{name} cannot be shown: {error}")
            return http_util.Respond(request, report, "text/html")
        if file not in {path.name for path in folder.glob("*.png")}:
            return _missing(request, f"the run {name} has no figure {file!r}")
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        return http_util.Respond(request, (folder / file).read_bytes(), kind)

    def _time_series(self, request: Request) -> Any:
        """Leads to the Time Series view with the charts of a run pinned."""
        name = request.args.get("run", "")
        folder = self._folders().get(name)
        if folder is None:
            return _missing(request, f"there is no run {name!r}")
        return redirect(link(request.script_root, folder))

    def _folders(self) -> dict[str, Path]:
        """The directory of every run by its name, such as or_gate/20261130-143038."""
        found = runs(self._logdir) if self._logdir else []
        return {f"{folder.parent.name}/{folder.name}": folder for folder in found}


def _language(request: Request) -> str:
    language = request.args.get("lang", "")[:2]
    return language if language in LANGUAGES else LANGUAGES[0]


def _missing(request: Request, words: str) -> Any:
    return http_util.Respond(request, words, "text/plain", code=404)


def _end_with_parent() -> None:
    """End when the standard input does: a pipe ends with its writer, even if killed."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """TensorBoard's own command line, with this plugin even if it is not installed."""
    from absl import app
    from tensorboard import default, main_lib, program

    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    main_lib.global_init()
    plugins = default.get_plugins()
    others = [one for one in plugins if getattr(one, "plugin_name", "") != PLUGIN]
    board = program.TensorBoard(plugins=[*others, ComparePlugin])
    app.run(board.main, flags_parser=board.configure)


if __name__ == "__main__":
    main()
