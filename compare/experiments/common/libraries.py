"""Both libraries by name, for claims that compute something beside the training."""

from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend
from compare.experiment import MakeLearner

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}


def give(library: str, values: Any) -> Any:
    """The values as an array that the library takes: NumPy's, or a tensor."""
    backend = Backend()
    return (
        backend.to_torch(values)
        if library == "torch_ref"
        else backend.to_handmade(values)
    )


def untrained(library: str, make: MakeLearner, seed: int = 0) -> Any:
    """A learner as a run with this seed starts it: in both with the same weights."""
    handmade.manual_seed(seed)
    weights = make(handmade).model.state_dict()
    learner = make(LIBRARIES[library]).to(give(library, np.zeros(1)))
    learner.model.load_state_dict({n: give(library, a) for n, a in weights.items()})
    return learner
