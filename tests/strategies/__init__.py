"""Random examples of every layer, loss and optimiser, for hypothesis and for fuzz.py.

A drawer asks `choose(options)` for whatever is worth shrinking: shapes, options,
scales, layouts. The numbers themselves come from a generator with a chosen seed.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from strategies.layers import LAYERS
from strategies.losses import LOSSES
from strategies.optimizers import OPTIMIZERS
from strategies.spec import (
    DTYPES,
    INDICES,
    LAYOUTS,
    SCALES,
    Choose,
    Descent,
    Example,
    shape,
    values,
)

NAMES = (*LAYERS, *LOSSES, *OPTIMIZERS)
TWO_MODES: tuple[str, ...] = ("BatchNorm1d", "BatchNorm2d", "Dropout", "GaussianSample")
"""Classes that do something else in evaluation mode than in training mode."""


def _arrays(choose: Choose) -> dict[str, Any]:
    """What kind of arrays the hand-written side is given."""
    library = choose(tuple(LAYOUTS))
    return {
        "library": library,
        "layout": choose(LAYOUTS[library]),
        "index": choose(INDICES),
    }


def example(name: str, choose: Choose) -> Example | Descent:
    """Anything that the class `name` may be asked."""
    seed = choose(range(2**32))
    if name in OPTIMIZERS:
        return _descent(name, choose, seed)
    spec, inputs = {**LAYERS, **LOSSES}[name](choose, np.random.default_rng(seed))
    scalar = name in LOSSES and spec.kwargs.get("reduction") != "none"
    # A kink behind another layer is met at x = ±rounding, on either side of it.
    kinked = name == "Sequential" and {"ReLU", "LeakyReLU"} & spec.names()
    return Example(
        spec,
        inputs,
        dtype=DTYPES[0] if kinked else choose(DTYPES),
        upstream=choose((None, *SCALES) if scalar else SCALES),
        seed=seed,
        training=name not in TWO_MODES or choose((True, False)),
        **_arrays(choose),
    )


def _descent(name: str, choose: Choose, seed: int) -> Descent:
    rng = np.random.default_rng(seed)
    kwargs = OPTIMIZERS[name](choose, {})
    groups = []
    for own in range(choose((1, 2, 3))):
        sizes = [shape(choose)[:3] for _ in range(choose((1, 2, 3)))]
        if name == "Muon":
            sizes = [(choose((3, 1, 2, 5)), choose((2, 1, 3, 6))) for _ in sizes]
        changes = OPTIMIZERS[name](choose, kwargs) if own else {}
        groups.append((changes, [values(choose, rng, size) for size in sizes]))
    return Descent(
        name,
        kwargs,
        tuple(groups),
        steps=choose((1, 2, 3, 5, 10)),
        missing=choose((0.0, 0.3)),
        resumed=choose((None, 1, 2)),
        dtype=choose(DTYPES),
        seed=seed,
        **_arrays(choose),
    )


@st.composite
def examples(draw: Any, name: str) -> Example | Descent:
    """The same for hypothesis, which shrinks what fails towards the first options."""
    return example(name, lambda options: draw(st.sampled_from(options)))


def seeded(seed: int) -> tuple[str, Example | Descent]:
    """The example that belongs to a seed, and its class: they take turns."""
    rng = np.random.default_rng([seed])
    name = NAMES[seed % len(NAMES)]
    return name, example(name, lambda options: options[rng.integers(len(options))])
