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
SIMILARITY = 0.4
"""How similar a wrong name must be to the suggested one: `or_gate` and `or` are."""
Product = tuple[int, int, int]
"""A matrix product: (m, k) times (k, n)."""
Weights = Mapping[str, np.ndarray]
"""Parameters by name, in torch's layout."""


class TrainingStep(NamedTuple):
    """A training step, ready to run: weights and batch lie where it needs them.

    Args:
        take: takes the step; returns the loss before it.
        weights: returns the current parameters; none where nothing is learned.
    """

    take: Callable[[], float]
    weights: Callable[[], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Workload:
    """A net, its loss and a batch.

    Args:
        name: what the command line calls it.
        title: its layers and the batch size.
        model: builds the net, a `Sequential`, from a library's `nn`.
        loss: the name of the loss in `nn`.
        shape: of the inputs, (batch, ...).
        classes: how many; 0 for regression, whose targets are (batch, 1).
        products: the matrix products of one step: forward, gradient of the weights,
            and gradient of the inputs of every layer but the first.
        lr: the learning rate of plain SGD.
    """

    name: str
    title: str
    model: Callable[[Any], Any]
    loss: str
    shape: tuple[int, ...]
    classes: int
    products: tuple[Product, ...]
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
    """Linear layers with an activation between them.

    Args:
        name: of the workload.
        n: batch size.
        sizes: of the layers, the input first.
        activation: its name in `nn`.
        loss: the name of a regression loss in `nn`; "" for cross-entropy on classes.
    """

    def model(nn: Any) -> Any:
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    return Workload(
        name,
        f"{'-'.join(map(str, sizes))}, batch {n}",
        model,
        loss or "CrossEntropyLoss",
        (n, sizes[0]),
        0 if loss else sizes[-1],
        tuple(_products(sizes, n)),
    )


def _products(sizes: tuple[int, ...], n: int) -> list[Product]:
    found: list[Product] = []
    for layer, (i, o) in enumerate(pairwise(sizes)):
        found += [(n, i, o), (o, n, i)] + [(n, o, i)] * (layer > 0)
    return found


def _cnn(n: int) -> Workload:
    """Two convolutions of 8 × 8 digits, and a linear layer."""
    pixels, pooled = 64 * n, 16 * n
    return Workload(
        "cnn",
        f"conv 8, pool, conv 16, linear on 8 × 8, batch {n}",
        lambda nn: nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 10),
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
    mlp("8192-8192", 8192, 8192, 8192, 8192),
)
WORKLOADS = {
    "cpu": {workload.name: workload for workload in _ALL[:-1]},
    "cuda": {workload.name: workload for workload in _ALL},
}
"""By device and name; the last one is too large for a CPU."""


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
    close = suggest(name, known, cutoff=SIMILARITY)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"no workload {name!r}{hint} (known: {', '.join(known)})")
