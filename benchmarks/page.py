"""What every benchmark page needs: the conditions, tables, and writing it whole."""

import io
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from matplotlib.figure import Figure

from compare.bench import Options

DOCS = Path("docs")
PACKAGES = ("numpy", "torch", "jax", "scikit-learn", "micrograd")


def write(page: Path, text: str, figure: Figure | None = None) -> None:
    """Write a page, and its figure beside it as PNG: each whole or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    if figure is not None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        _replace(page.with_suffix(".png"), buffer.getvalue())
    _replace(page, text.encode())
    print(f"written: {page}")


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".tmp")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def conditions(options: Options) -> list[str]:
    """Machine, options and versions, as lines of a Markdown list."""
    return [f"- machine: {machine()}", f"- settings: {options}", versions()]


def versions() -> str:
    """Python's and the packages' versions, as a line of a Markdown list."""
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return f"- versions: Python {platform.python_version()}, {packages}"


def machine(device: str = "cpu") -> str:
    """The processor, the number of cores and, on "cuda", the CUDA device."""
    host = f"{_processor()}, {os.cpu_count()} logical processors, {platform.system()}"
    return f"{torch.cuda.get_device_name()}; {host}" if device == "cuda" else host


def _processor() -> str:
    """The model name where the system gives one, else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    line = next((line for line in lines if line.startswith("model name")), "")
    return line.partition(":")[2].strip() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; all columns but the first are right-aligned."""
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    rule = "|---|" + "---:|" * (len(heads) - 1)
    return [lines[0], rule, *lines[1:]]
