"""The workloads: small and large nets, whose training step is timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np

from compare.experiment import MakeLearner, backprop
from compare.suggest import suggest

LEARNING_RATE = 0.1
Product = tuple[int, int, int]
"""A matrix product: (m, k) times (k, n)."""
Weights = Mapping[str, np.ndarray]
"""Parameters by name, in torch's layout."""


class TrainingStep(NamedTuple):
    """A training step, ready to run: weights and batch lie where it needs them."""

    take: Callable[[], float]
    """Takes the step; returns the loss before it."""
    weights: Callable[[], dict[str, np.ndarray]]
    """Returns the current parameters; none where nothing is learned."""


@dataclass(frozen=True)
class Workload:
    """A net, its loss and a batch; trained by plain SGD."""

    name: str
    title: str
    model: Callable[[Any], Any]
    """Builds the net, a `Sequential`, from a library's `nn`."""
    loss: str
    """The name of the loss in `nn`."""
    shape: tuple[int, ...]
    """Of the inputs, (batch, ...)."""
    classes: int
    """How many; 0 for regression, whose targets are (batch, 1)."""
    products: tuple[Product, ...]
    """The matrix products of one step: forward, gradient of the weights, and gradient
    of the inputs of every layer but the first."""
    lr: float = LEARNING_RATE

    @property
    def learner(self) -> MakeLearner:
        """Builds the learner from `handmade` or `torch_ref`."""
        return backprop(
            model=self.model,
            loss=lambda nn: getattr(nn, self.loss)(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=self.lr),
        )

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all matrix products of a step."""
        return sum(map(prod, self.products))

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in [0, 1] and targets, the same in every call."""
        rng = np.random.default_rng(0)
        x = rng.random(self.shape)
        if self.classes:
            return x, rng.integers(0, self.classes, self.shape[0])
        return x, rng.integers(0, 2, (self.shape[0], 1)).astype(float)


def mlp(
    name: str, n: int, *sizes: int, activation: str = "ReLU", loss: str = ""
) -> Workload:
    """Linear layers of these sizes with an activation between them, for a batch of n.

    The loss is a regression loss of `nn`, or cross-entropy if none is named.
    """

    def model(nn: Any) -> Any:
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    products: list[Product] = []
    for i, o in pairwise(sizes):
        products += [(n, i, o), (o, n, i), (n, o, i)]
    del products[2]  # the first layer needs no gradient of its inputs
    title = f"{'-'.join(map(str, sizes))}, batch {n}"
    loss, classes = (loss, 0) if loss else ("CrossEntropyLoss", sizes[-1])
    return Workload(name, title, model, loss, (n, sizes[0]), classes, tuple(products))


def _cnn(n: int) -> Workload:
    """Two convolutions of 8 × 8 digits, and a linear layer."""
    pixels, pooled = 64 * n, 16 * n
    return Workload(
        "cnn",
        f"conv 8, pool, conv 16, linear on 8 × 8, batch {n}",
        lambda nn: nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(256, 10)),
        ),
        "CrossEntropyLoss",
        (n, 1, 8, 8),
        10,
        (
            *((8, 9, pixels), (8, pixels, 9)),
            *((16, 72, pooled), (16, pooled, 72), (72, 16, pooled)),
            *((n, 256, 10), (10, n, 256), (n, 10, 256)),
        ),
    )


_ALL = (
    mlp("or", 4, 2, 1, loss="MSELoss"),
    mlp("xor", 4, 2, 8, 1, activation="Tanh", loss="MSELoss"),
    mlp("digits", 64, 64, 10),
    mlp("digits-128", 64, 64, 128, 10),
    mlp("784-128", 64, 784, 128, 10),
    mlp("784-512-256", 256, 784, 512, 256, 10),
    _cnn(64),
    mlp("8192-8192", 8192, 8192, 8192, 8192),  # too large for a CPU
)
WORKLOADS = {
    "cpu": {workload.name: workload for workload in _ALL[:-1]},
    "cuda": {workload.name: workload for workload in _ALL},
}
"""By device and name."""


def find(name: str, device: str = "cpu") -> Workload:
    """The workload of this name.

    Raises:
        ValueError: there is none (the message suggests one), or only for CUDA.
    """
    known = WORKLOADS[device]
    if name in known:
        return known[name]
    if name in WORKLOADS["cuda"]:
        raise ValueError(f"the workload {name!r} needs device cuda")
    close = suggest(name, known, cutoff=0.4)  # low: `or_gate` means `or`
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"no workload {name!r}{hint} (known: {', '.join(known)})")
