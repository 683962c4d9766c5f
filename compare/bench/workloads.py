"""The workloads: small and large nets, whose training step is timed."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np

import handmade
import torch_ref
from compare.experiments import names_gpt
from compare.suggest import suggest

Product = tuple[int, int, int]  # (m, k) times (k, n)
Weights = dict[str, np.ndarray]  # by name, in torch's layout


class TrainingStep(NamedTuple):
    """A training step, ready to run: weights and batch lie where it needs them."""

    take: Callable[[], float]  # returns the loss before the step
    weights: Callable[[], Weights]  # the current ones; none where nothing is learned


@dataclass(frozen=True)
class Workload:
    """A net, its loss and a batch; trained by plain SGD."""

    name: str
    title: str
    model: Callable[[Any], Any]  # builds the net, a `Sequential`, from `nn`
    shape: tuple[int, ...]  # of the inputs, (batch, ...)
    classes: int  # for cross-entropy; 0 for squared error of targets (batch, 1)
    layers: tuple[Product, ...]  # the product of each: (rows, inputs, outputs)
    lr: float = 0.1

    def learner(self, library: Any) -> Any:
        """The learner of `handmade` or `torch_ref`."""
        nn, sgd = library.nn, library.optim.SGD
        loss = nn.CrossEntropyLoss() if self.classes else nn.MSELoss()
        return library.training.GradientLearner(
            self.model(nn), loss, lambda parameters: sgd(parameters, lr=self.lr)
        )

    @property
    def products(self) -> list[Product]:
        """Those of a step: forward, gradient of weights, of inputs but the first's."""
        each = [[(m, k, n), (n, m, k), (m, n, k)] for m, k, n in self.layers]
        return [*each[0][:2], *(product for layer in each[1:] for product in layer)]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all matrix products of a step."""
        return sum(map(prod, self.products))

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in [0, 1] and targets, the same in every call."""
        rng = np.random.default_rng(0)
        x = rng.random(self.shape)
        if self.classes:
            return x, rng.integers(0, self.classes, len(x))
        return x, rng.integers(0, 2, (len(x), 1)).astype(float)

    def weights(self, dtype: str) -> Weights:
        """The initial parameters, the same in every call."""
        handmade.manual_seed(0)
        drawn = self.learner(handmade).model.state_dict()
        return {name: array.astype(dtype) for name, array in drawn.items()}


@dataclass(frozen=True)
class NamesGPT(Workload):
    """A GPT that learns first names."""

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and the ones that follow them, the same in every call."""
        data, n = names_gpt.draw(np.random.default_rng(0)), self.shape[0]
        return data.x[:n], data.target[:n]

    @property
    def products(self) -> list[Product]:
        """Of the first layer, too, the gradient of inputs: the embedding's."""
        m, k, n = self.layers[0]
        return [*super().products, (m, n, k)]


def gpt(name: str, e: int, n_layer: int) -> NamesGPT:
    """Blocks of four heads, e wide, and the batch of the lesson names_gpt."""
    n, length, heads = names_gpt.BATCH, names_gpt.LENGTH, 4
    tokens, classes = n * length, len(names_gpt.TOKENS)
    attention = (
        (tokens, e, 3 * e),  # queries, keys and values
        (tokens * heads, e // heads, length),  # each query times all keys
        (tokens * heads, length, e // heads),  # the weights times all values
        (tokens, e, e),
    )
    block = (*attention, (tokens, e, 4 * e), (tokens, 4 * e, e))
    modules = {library.nn: library.gpt for library in (handmade, torch_ref)}
    sizes = {"block_size": 16, "n_embd": e, "n_head": heads, "n_layer": n_layer}
    return NamesGPT(
        name,
        f"GPT, {n_layer} × {e}, {n} names of {length} letters",
        lambda nn: modules[nn].GPT(classes, **sizes),
        shape=(n, length),
        classes=classes,
        layers=(*block * n_layer, (tokens, e, classes)),
        lr=0.01,  # with 0.1, rounding decides a kink of a ReLU in float32
    )


def mlp(name: str, n: int, *sizes: int, activation: str = "ReLU") -> Workload:
    """Linear layers of these sizes with an activation between them, for a batch of n.

    A classifier, or a regression if there is only one output.
    """

    def model(nn: Any) -> Any:
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    title = f"{'-'.join(map(str, sizes))}, batch {n}"
    classes = sizes[-1] if sizes[-1] > 1 else 0
    layers = tuple((n, inputs, outputs) for inputs, outputs in pairwise(sizes))
    return Workload(name, title, model, (n, sizes[0]), classes, layers)


CNN = Workload(
    "cnn",
    "conv 8, pool, conv 16, linear on 8 × 8, batch 64",
    lambda nn: nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    ),
    shape=(64, 1, 8, 8),
    classes=10,
    layers=((64 * 64, 9, 8), (64 * 16, 72, 16), (64, 256, 10)),
)
SMALL = (
    mlp("or", 4, 2, 1),
    mlp("xor", 4, 2, 8, 1, activation="Tanh"),
    mlp("digits", 64, 64, 10),
    mlp("digits-128", 64, 64, 128, 10),
    mlp("784-128", 64, 784, 128, 10),
    mlp("784-512-256", 256, 784, 512, 256, 10),
    CNN,
    gpt("names_gpt", e=16, n_layer=1),
    gpt("names_gpt-64", e=64, n_layer=4),
)
LARGE = mlp("8192-8192", 8192, 8192, 8192, 8192)  # too large for a CPU
WORKLOADS = {
    device: {workload.name: workload for workload in workloads}
    for device, workloads in (("cpu", SMALL), ("cuda", (*SMALL, LARGE)))
}


def find(name: str, device: str = "cpu") -> Workload:
    """The workload of this name; ValueError, with a suggestion, if there is none."""
    known = WORKLOADS[device]
    if name in known:
        return known[name]
    if name == LARGE.name:
        raise ValueError(f"the workload {name!r} needs device cuda")
    close = suggest(name, known, cutoff=0.4)  # low: `or_gate` means `or`
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"no workload {name!r}{hint} (known: {', '.join(known)})")
