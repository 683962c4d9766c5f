"""Options of several commands."""

from enum import StrEnum
from pathlib import Path

from typer import Option

Device = StrEnum("Device", {"cpu": "cpu", "cuda": "cuda"})
DType = StrEnum("DType", {"float32": "float32", "float64": "float64"})
LOGDIR = Option(Path("runs"), help="Folder of all runs.")
THREADS = Option(1, help="CPU threads for each library.")
Language = StrEnum("Language", {"en": "en", "de": "de"})

LANG = Option(None, help="Language of what is printed; else that of LANG.")
"""Declared only: `Program` has read it before."""
TF32 = Option(False, "--tf32", help="Allow TF32 matrix multiplication.")
