"""What several commands have as options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Array = StrEnum("Array", ["auto", "numpy", "torch", "jax"])
Clock = StrEnum("Clock", ["wall", "cpu"])
Device = StrEnum("Device", ["cpu", "cuda"])
DType = StrEnum("DType", ["float32", "float64"])
Missing = StrEnum("Missing", ["drop", "mean"])
LogDir = Annotated[Path, typer.Option(help="Folder of all runs.")]
