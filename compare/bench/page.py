"""A page and its picture: written whole, with the machine and the versions."""

import io
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from matplotlib.figure import Figure

VERSIONS = ("numpy", "torch", "jax", "scikit-learn", "micrograd")
"""What is named on the page, where it is installed."""


def write(page: Path, text: str, figure: Figure | None = None) -> Path:
    """Write a page, and its picture beside it as PNG: each whole or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    if figure is not None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        _replace(page.with_suffix(".png"), buffer.getvalue())
    _replace(page, text.encode())
    return page


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".tmp")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def machine(device: str = "cpu") -> str:
    """The processor, how many there are and, if it counts, the CUDA device."""
    host = f"{_processor()}, {os.cpu_count()} logical processors, {platform.system()}"
    return f"{torch.cuda.get_device_name()}; {host}" if device == "cuda" else host


def _processor() -> str:
    """Its name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line for line in lines if line.startswith("model name"))
    line = next(named, "")
    return line.partition(":")[2].strip() or platform.machine()


def versions() -> str:
    """Python's version, and of every package that takes part."""
    found = [f"Python {platform.python_version()}"]
    for package in VERSIONS:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)
