"""Options that several commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

LogDir = Annotated[Path, typer.Option(help="The folder of all runs.")]


class Array(StrEnum):
    """Arrays that the hand-written side runs on; auto: by the lesson's size."""

    auto = "auto"
    numpy = "numpy"
    torch = "torch"
    jax = "jax"


class Device(StrEnum):
    """Where both sides run."""

    cpu = "cpu"
    cuda = "cuda"


class DType(StrEnum):
    """What both sides compute in."""

    float32 = "float32"
    float64 = "float64"


class Clock(StrEnum):
    """What steps are timed by."""

    wall = "wall"
    cpu = "cpu"
