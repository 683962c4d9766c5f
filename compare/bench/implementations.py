"""Who takes part: one class for each way to take the same training step."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, mapped, to_numpy
from compare.bench.workloads import Work
from compare.compile.learner import Compiled

Weights = Mapping[str, np.ndarray]
"""The parameters by name, in torch's layout."""


class Unfit(Exception):
    """This contestant cannot do this work; the message says why, in a few words."""


class Contestant(Protocol):
    """A training step, prepared: weights and batch lie where they are needed."""

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None: ...

    def step(self) -> float:
        """Take one step; returns the loss before it, as a Python number."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters as they now are, by torch's names, in torch's layout."""
        ...


class _Learner:
    """A learner of the contract, through the public API."""

    def __init__(self, learner: Any, give: Any, work: Work, weights: Weights) -> None:
        state = learner.state_dict()
        changed = {"model": {name: give(a) for name, a in weights.items()}}
        learner.load_state_dict({**state, **changed})
        self.learner = learner
        self.x, self.target = map(give, work.batch())

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        return self.learner.step(self.x, self.target)

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters, named and laid out as in torch."""
        found = self.learner.parameters()
        return mapped(found, lambda a: to_numpy(a).copy())


class OnNumpy(_Learner):
    """Handmade on NumPy arrays."""

    array = "numpy"
    device = "cpu"

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        backend = Backend(self.array, self.device, dtype)
        learner = work.learner(handmade).to(backend.handmade(np.zeros(1)))
        super().__init__(learner, backend.handmade, work, weights)


class OnTorch(OnNumpy):
    """Handmade on torch arrays."""

    array = "torch"


class ByTorch(OnTorch):
    """Handmade on torch arrays, the whole step compiled."""

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        super().__init__(work, weights, dtype)
        self.learner = Compiled(self.learner, self.array, gradients=False)


class ByJax(ByTorch):
    """Handmade on JAX arrays, the whole step compiled."""

    array = "jax"


class TorchRef(_Learner):
    """PyTorch: layers, autograd and optimiser as they come."""

    device = "cpu"

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        backend = Backend("torch", self.device, dtype)
        learner = work.learner(torch_ref).to(backend.torch(np.zeros(1)))
        super().__init__(learner, backend.torch, work, weights)


class TorchCompiled(TorchRef):
    """PyTorch, the whole training step under `torch.compile`.

    What it compiled for other works is forgotten first: of the second shape it would
    make a slower step for any shape, and of the fifth none, which it only warns of.
    """

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        super().__init__(work, weights, dtype)
        torch.compiler.reset()
        learner, change = self.learner, _unprofiled(self.learner.optimizer)

        @torch.compile
        def update(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            loss = learner.criterion(learner.model(x), target)
            learner.model.zero_grad()
            loss.backward()
            change()
            return loss.detach()

        self.update = update

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        return self.update(self.x, self.target).item()


def _unprofiled(optimizer: torch.optim.Optimizer) -> Callable[[], Any]:
    """The update of an optimiser, without naming itself to torch's profiler.

    Its `step` and `zero_grad` do, at which torch's compiler warns and is held up.
    """
    step = type(optimizer).step
    return partial(getattr(step, "__wrapped__", step), optimizer)


class Floor:
    """No training: only the matrix products that no step can do without."""

    device = "cpu"

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        how: Any = {"dtype": getattr(torch, dtype), "device": self.device}
        self.products = [
            tuple(torch.ones(s, **how) for s in ((m, k), (k, n), (m, n)))
            for m, k, n in work.products
        ]

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        for left, right, out in self.products:
            torch.mm(left, right, out=out)
        return 0.0

    def weights(self) -> dict[str, np.ndarray]:
        """None."""
        return {}


def missing(package: str) -> str:
    """The words "not installed"; none where it is, or where no package is needed."""
    return "not installed" if package and find_spec(package) is None else ""
