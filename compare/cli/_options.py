"""Options of several commands."""

from enum import StrEnum
from functools import partial
from pathlib import Path

import typer
from typer import Option

from compare import translation

Device = StrEnum("Device", {"cpu": "cpu", "cuda": "cuda"})
DType = StrEnum("DType", {"float32": "float32", "float64": "float64"})
LOGDIR = Option(Path("runs"), help="Folder of all runs.")
THREADS = Option(1, help="CPU threads for each library.")
Language = StrEnum("Language", {"en": "en", "de": "de"})


def _use(context: typer.Context, language: Language | None) -> str:
    """Print in this language until the command ends."""
    context.call_on_close(partial(translation.use, translation.in_use()))
    return translation.use(language)


LANG = Option(
    None,
    help="Language of what is printed; else that of LANG.",
    callback=_use,
    is_eager=True,
)
TF32 = Option(False, help="Allow TF32 matrix multiplication.")
