"""What several commands have as options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Array = StrEnum(
    "Array", {"auto": "auto", "numpy": "numpy", "torch": "torch", "jax": "jax"}
)
Clock = StrEnum("Clock", {"wall": "wall", "cpu": "cpu"})
Device = StrEnum("Device", {"cpu": "cpu", "cuda": "cuda"})
DType = StrEnum("DType", {"float32": "float32", "float64": "float64"})
Missing = StrEnum("Missing", {"drop": "drop", "mean": "mean"})
LogDir = Annotated[Path, typer.Option(help="Folder of all runs.")]
