"""Both libraries by name, for claims that compute something beside the training."""

from typing import Any

import handmade
import torch_ref
from compare.backend import Backend

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}


def give(library: str, values: Any) -> Any:
    """The values as an array that the library takes: NumPy's, or a tensor."""
    backend = Backend()
    return (
        backend.to_torch(values)
        if library == "torch_ref"
        else backend.to_handmade(values)
    )
