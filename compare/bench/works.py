"""What is measured: one training step of each of these nets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from compare.experiment import MakeLearner, backprop
from compare.suggest import suggest

LR = 0.1
"""The learning rate of plain gradient descent, unless a work has its own."""
NEAR = 0.4
"""How alike a wrong name must be to the one that is suggested: or_gate, and or."""
Product = tuple[int, int, int]
"""A matrix product: (m, k) times (k, n)."""


@dataclass(frozen=True)
class Work:
    """A net, its loss and a batch.

    Args:
        name: what it is asked for by.
        title: the same, for people.
        model: from a library's `nn` to the net, a `Sequential`.
        loss: the name of the loss in `nn`.
        shape: of the batch's inputs, examples first.
        classes: how many there are, or 0 where the target is a number.
        products: the matrix products that no step can do without.
        lr: the learning rate.
    """

    name: str
    title: str
    model: Callable[[Any], Any]
    loss: str
    shape: tuple[int, ...]
    classes: int
    products: tuple[Product, ...]
    lr: float = LR

    @property
    def learner(self) -> MakeLearner:
        """Makes the learner from a library."""
        return backprop(
            model=self.model,
            loss=lambda nn: getattr(nn, self.loss)(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=self.lr),
        )

    @property
    def multiply_adds(self) -> int:
        """How many multiplications and additions the matrix products take."""
        return sum(map(prod, self.products))

    @property
    def mean_product(self) -> float:
        """Multiply-adds of a matrix product, on average."""
        return self.multiply_adds / len(self.products)

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in [0, 1] and targets: the same ones whenever they are asked for."""
        rng = np.random.default_rng(0)
        x = rng.random(self.shape)
        if self.classes:
            return x, rng.integers(0, self.classes, self.shape[0])
        return x, rng.integers(0, 2, (self.shape[0], 1)).astype(float)


def _linear(sizes: tuple[int, ...], n: int) -> list[Product]:
    """Of a chain of linear layers: forward, by the weights, and by all inputs but x."""
    found: list[Product] = []
    for place, (i, o) in enumerate(pairwise(sizes)):
        found += [(n, i, o), (o, n, i)] + [(n, o, i)] * (place > 0)
    return found


def mlp(
    name: str,
    n: int,
    *sizes: int,
    activation: str = "ReLU",
    loss: str = "",
    lr: float = LR,
    orthogonal: bool = False,
) -> Work:
    """Linear layers with an activation between them.

    Args:
        name: of the work.
        n: examples in the batch.
        sizes: of the layers, the input's first.
        activation: the name in `nn`.
        loss: the name in `nn` of one for numbers; "" for cross entropy on classes.
        lr: the learning rate.
        orthogonal: whether the weights begin so that they change no length, and the
            biases at 0: what goes through very many layers then does not vanish.
    """

    def model(nn: Any) -> Any:
        layers: list[Any] = []
        for i, o in pairwise(sizes):
            layers += [nn.Linear(i, o), getattr(nn, activation)()]
            if orthogonal:
                nn.init.orthogonal_(layers[-2].weight)
                nn.init.zeros_(layers[-2].bias)
        return nn.Sequential(*layers[:-1])

    return Work(
        name,
        f"{'-'.join(map(str, sizes))}, batch {n}",
        model,
        loss or "CrossEntropyLoss",
        (n, sizes[0]),
        0 if loss else sizes[-1],
        tuple(_linear(sizes, n)),
        lr,
    )


def _cnn(n: int) -> Work:
    """Two convolutions of 8 × 8 digits, and a linear layer."""
    pixels, quarter = 64 * n, 16 * n
    return Work(
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
            *((16, 72, quarter), (16, quarter, 72), (72, 16, quarter)),
            *((n, 256, 10), (10, n, 256), (n, 10, 256)),
        ),
    )


WORKS = {
    work.name: work
    for work in (
        mlp("or", 4, 2, 1, loss="MSELoss"),
        mlp("xor", 4, 2, 8, 1, activation="Tanh", loss="MSELoss"),
        mlp("digits", 64, 64, 10),
        mlp("digits-128", 64, 64, 128, 10),
        mlp("784-128", 64, 784, 128, 10),
        mlp("784-512-256", 256, 784, 512, 256, 10),
        _cnn(64),
    )
}
"""All works by name, the smallest first."""


LARGE = mlp("8192-8192", 8192, 8192, 8192, 8192)
CUDA_WORKS = {**WORKS, LARGE.name: LARGE}
"""And one that keeps a device busy."""


def work(name: str, known: Mapping[str, Work] = WORKS) -> Work:
    """The work of this name.

    Raises:
        ValueError: there is none, and the message suggests the nearest; or only for
            another device.
    """
    if name not in known and name in CUDA_WORKS:
        raise ValueError(f"the work {name!r} needs device cuda")
    if name not in known:
        near = suggest(name, known, cutoff=NEAR)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"there is no work {name!r} to bench{hint} (known: {', '.join(known)})"
        )
    return known[name]
