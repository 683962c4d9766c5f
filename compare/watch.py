"""What to look at when training goes wrong (`run --watch`), the same on both sides.

Norms of weights and gradients, how far a step moves the weights, and dead ReLUs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.backend import to_numpy

Watched = dict[str, dict[str, float]]
"""Numbers such as "gradient_norm", by the name of a parameter or layer."""


class Watch:
    """Watches the training of a learner, from the weights that it has now.

    Args:
        learner: of either library.
        relu: the library's class ReLU.
    """

    def __init__(self, learner: Any, relu: type) -> None:
        self.learner = learner
        self.weights = _copied(learner.parameters())
        self.gradients: dict[str, np.ndarray] = {}
        self._active: dict[str, dict[tuple[int, ...], np.ndarray]] = {}
        """Which units of each layer are active, by the shape of an example's output."""
        for name, layer in _named_layers(getattr(learner, "model", None)):
            if isinstance(layer, relu):
                self._look_at_outputs(name, layer)

    def step(self) -> Watched:
        """What the step just taken shows; nothing of a learner without gradients.

        Norms are Euclidean; "update_ratio" is that of the change of a weight to the
        weight before, and "dead_relu" the share of a layer's units whose output was 0
        for every example. A unit is one number of an example's output.
        """
        before, self.weights = self.weights, _copied(self.learner.parameters())
        self.gradients = _copied(self.learner.gradients())
        found: Watched = {}
        for name, gradient in self.gradients.items():
            weight, size = self.weights[name], norm(before[name])
            found[name] = {"gradient_norm": norm(gradient), "weight_norm": norm(weight)}
            if size > 0:
                found[name]["update_ratio"] = norm(weight - before[name]) / size
        for name, active in self._active.items():
            units = np.concatenate([a.ravel() for a in active.values()])
            found[name] = {"dead_relu": float(1 - units.mean())}
        self._active.clear()
        return found

    def _look_at_outputs(self, name: str, layer: Any) -> None:
        """Note in every forward pass of training which units are active."""
        forward = layer.forward

        def noting(x: Any) -> Any:
            y = forward(x)
            if layer.training:
                active = (to_numpy(y) != 0).any(axis=0)
                known = self._active.setdefault(name, {})
                known[active.shape] = active | known.get(active.shape, False)
            return y

        layer.forward = noting


def norm(a: np.ndarray) -> float:
    """√Σa², without overflow of the squares."""
    largest = float(np.abs(a).max(initial=0))
    if not 0 < largest < np.inf:
        return largest
    return largest * float(np.linalg.norm(a / largest))


def _named_layers(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every module inside another one with its dotted name, in both libraries."""
    for name, child in module.named_children() if module is not None else ():
        yield f"{prefix}{name}", child
        yield from _named_layers(child, f"{prefix}{name}.")


def _copied(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in arrays.items()}
