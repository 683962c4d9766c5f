"""Loading a file to check: Python or a notebook, as far as it goes.

Its statements run one by one. After one that fails, or takes too long, only definitions
and imports still run: a script that trains or reads a missing file is judged, too.
"""

import __future__

import ast
import codecs
import importlib.machinery
import json
import re
import signal
import sys
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from compare.check.definitions import MODULE

LEVELS = 3
"""In so many folders, the file's own and those above, its neighbours are found."""
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, which begins in the same way
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_FUTURE = sum(
    getattr(__future__, name).compiler_flag for name in __future__.all_feature_names
)
_MAGIC = re.compile(r"^(\s*)((\w+ *= *)?[%!?].*|.*\?)$", re.MULTILINE)
_TRANSPARENT = ("%%time", "%%capture")
"""Magics of a cell whose code is Python all the same."""
AFTERWARDS = (
    "After that only definitions and imports were run: put what trains, plots or reads "
    'data under if __name__ == "__main__":'
)


class TooLong(BaseException):
    """The time limit has passed; no `except Exception` of a file catches this."""


def load(path: Path, seconds: float) -> tuple[ModuleType, list[str]]:
    """The module of a file, and a note on each statement or cell that did not run.

    Raises:
        SyntaxError, ValueError: it is no Python.
        OSError: it cannot be read.
    """
    notes: list[str] = []
    statements = [*_statements(path, notes)]
    package, folders = _surroundings(path)
    sys.meta_path.append(_Neighbours(folders))
    module = sys.modules[MODULE] = ModuleType(MODULE)
    module.__file__, module.__package__ = str(path), package
    is_stopped = False
    for where, node, code in statements:
        if is_stopped and not _is_definition(node):
            continue
        try:
            with limited(seconds):
                exec(code, vars(module))
        except BaseException as error:
            if not is_stopped:
                line = _line_in(str(path), error.__traceback__) or node.lineno
                notes.append(f"{where}line {line} {_why(error, seconds)}")
            is_stopped = True
    return module, notes


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in what takes longer, as far as Python can be interrupted."""
    if not hasattr(signal, "setitimer"):  # Windows: the process itself is ended
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLong

    handler = signal.signal(signal.SIGALRM, stop)
    # Again every second, where a bare `except:` has caught it.
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _why(error: BaseException, seconds: float) -> str:
    match error:
        case TooLong():
            return f"did not end within {seconds:g} s while it was loaded"
        case ModuleNotFoundError():
            return f"needs the package {error.name!r}, which is not installed here"
        case SystemExit():
            return "calls sys.exit while it is loaded"
        case EOFError():
            return "asks for input while it is loaded"
    return f"fails while it is loaded: {words_of(error)}"


def words_of(error: BaseException) -> str:
    """The type and message of an exception, whose own __str__ may fail."""
    try:
        message = str(error).rstrip(".")
    except Exception:
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _line_in(file: str, traceback: TracebackType | None) -> int:
    """The line of a file, outside its functions, on the way to an error."""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            return traceback.tb_lineno
        traceback = traceback.tb_next
    return 0


def _is_definition(node: ast.stmt) -> bool:
    """Whether a statement only defines, imports or names something."""
    match node:
        case ast.Assign() | ast.AnnAssign():
            calls = (ast.Call, ast.Await, ast.Yield)
            return not any(isinstance(inner, calls) for inner in ast.walk(node))
        case ast.Try():
            handlers = [s for h in node.handlers for s in h.body]
            return all(map(_is_definition, [*node.body, *handlers, *node.orelse]))
        case ast.If():
            return all(map(_is_definition, [*node.body, *node.orelse]))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
    return isinstance(node, (*kinds, ast.Import, ast.ImportFrom))


# -- source ----------------------------------------------------------------------------


def text_of(path: Path) -> str:
    """The text of a file in whatever encoding it has, as far as that shows."""
    raw = path.read_bytes()
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            return raw.decode(encoding).removeprefix("\ufeff")
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):  # as of Windows
        if len(raw) > 8 and raw[first::2].count(0) > len(raw) / 3:
            return raw.decode(encoding)
    try:
        return raw.decode(tokenize.detect_encoding(BytesIO(raw).readline)[0])
    except (UnicodeDecodeError, SyntaxError):
        return raw.decode("latin-1")


def _statements(path: Path, notes: list[str]) -> Iterator[tuple[str, ast.stmt, Any]]:
    """Where each statement of a file stands, itself, and compiled."""
    text, flags = text_of(path), 0
    is_notebook = path.suffix == ".ipynb"
    for where, source in _cells(text) if is_notebook else [("", text)]:
        try:
            tree = ast.parse(source, str(path))
            whole = compile(tree, str(path), "exec", flags, dont_inherit=True)
        except SyntaxError as error:
            if not is_notebook:
                raise
            notes.append(f"{where}{syntax_error(error)}")
            continue
        flags |= whole.co_flags & _FUTURE
        for node in tree.body:
            one = ast.Module([node], type_ignores=[])
            code = compile(one, str(path), "exec", flags, dont_inherit=True)
            yield where, node, code


def syntax_error(error: SyntaxError) -> str:
    """What is no Python, and where."""
    place = f" in line {error.lineno}" if error.lineno else ""
    return f"syntax error{place}: {error.msg}"


def _cells(text: str) -> Iterator[tuple[str, str]]:
    """The code cells of a notebook, magics left out."""
    try:
        book = json.loads(text)
        sheets = book.get("worksheets", [book])  # version 3 has these
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ValueError("it is no Jupyter notebook") from None
    for number, cell in enumerate(cells, 1):
        if cell.get("cell_type") != "code":
            continue
        source = "".join(cell.get("source", cell.get("input", "")))
        first = (source.split() or [""])[0]
        if first.startswith("%%") and first not in _TRANSPARENT:
            continue
        try:
            ast.parse(source)
        except SyntaxError:
            source = _MAGIC.sub(r"\1pass", source)
        yield f"cell {number}, ", source


# -- what it imports -------------------------------------------------------------------


def _surroundings(path: Path) -> tuple[str, list[str]]:
    """The package that a file lies in, and the folders of what it may import."""
    path = path.resolve()
    top = path.parent
    while (top / "__init__.py").is_file() and top.parent != top:
        top = top.parent
    top = min(top, path.parent.parent, key=lambda folder: len(folder.parts))
    above = [path.parent, *path.parent.parents][:LEVELS]
    folders = dict.fromkeys(map(str, [*above, top]))
    return ".".join(path.parent.relative_to(top).parts), [*folders]


class _Neighbours:
    """Finds modules near a file after all others, so that these replace none."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Where a top-level module is; None if it is not here."""
        if path is not None:
            return None
        return importlib.machinery.PathFinder.find_spec(name, self.folders)
