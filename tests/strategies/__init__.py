"""Random examples of every layer, loss and optimizer, for hypothesis and for fuzz.py.

Each class has a function of `choose`, which picks one of several options: shapes,
constructor arguments, scales, layouts. Hypothesis shrinks these choices. The numbers
come from a random generator with a chosen seed.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from compare.testing.case import Layer
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
"""Classes that differ between training and evaluation mode."""


def _arrays(choose: Choose) -> dict[str, Any]:
    """The kind of arrays on the hand-written side."""
    library = choose(tuple(LAYOUTS))
    return {
        "library": library,
        "layout": choose(LAYOUTS[library]),
        "index": choose(INDICES),
    }


def example(name: str, choose: Choose) -> Example | Descent:
    """A random example of a class."""
    seed = choose(range(2**32))
    if name in OPTIMIZERS:
        return _descent(name, choose, seed)
    layer, inputs = {**LAYERS, **LOSSES}[name](choose, np.random.default_rng(seed))
    scalar = name in LOSSES and layer.kwargs.get("reduction") != "none"
    # A kink behind another layer is met at x = ±rounding, on either side of it.
    kinked = name == "Sequential" and bool({"ReLU", "LeakyReLU"} & _names(layer))
    return Example(
        name,
        layer.args,
        layer.kwargs,
        inputs=inputs,
        dtype=DTYPES[0] if kinked else choose(DTYPES),
        upstream=choose((None, *SCALES) if scalar else SCALES),
        seed=seed,
        training=name not in TWO_MODES or choose((True, False)),
        **_arrays(choose),
    )


def _names(layer: Layer) -> set[str]:
    """The class of a layer, and those of the layers in it."""
    inner = [_names(a) for a in layer.args if isinstance(a, Layer)]
    return {layer.name}.union(*inner)


def _descent(name: str, choose: Choose, seed: int) -> Descent:
    rng = np.random.default_rng(seed)
    kwargs = OPTIMIZERS[name](choose, {})
    groups = []
    for own in range(choose((1, 2, 3))):
        sizes = [shape(choose)[:3] for _ in range(choose((1, 2, 3)))]
        if name == "Muon":
            sizes = [(choose((3, 1, 2, 5)), choose((2, 1, 3, 6))) for _ in sizes]
        changes = OPTIMIZERS[name](choose, kwargs) if own else {}
        changes.pop("initial_accumulator_value", None)  # the same for all groups
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
    """The same for hypothesis, which shrinks towards the first options."""
    return example(name, lambda options: draw(st.sampled_from(options)))


def seeded(seed: int) -> tuple[str, Example | Descent]:
    """The class and the example of a seed; the classes take turns."""
    rng = np.random.default_rng([seed])
    name = NAMES[seed % len(NAMES)]
    return name, example(name, lambda options: options[rng.integers(len(options))])
