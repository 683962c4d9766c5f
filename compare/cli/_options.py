"""Options of several commands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Option

Device = StrEnum("Device", {"cpu": "cpu", "cuda": "cuda"})
DTypes = StrEnum("DTypes", {"float32": "float32", "float64": "float64"})
DType = Annotated[DTypes, Option(help="Floating-point type.")]
LogDir = Annotated[Path, Option(help="Folder of all runs.")]
Threads = Annotated[int, Option(help="CPU threads for each library.")]
TF32 = Annotated[bool, Option(help="Allow TF32 matrix multiplication.")]
