"""The training loop with autograd, and what every learner has in common."""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


class Learner(Protocol):
    """Anything that learns from batches, with or without a gradient."""

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train on one batch; return the loss before the update."""
        ...

    def predict(self, x: Tensor) -> Tensor:
        """Return the output for `x` without training."""
        ...

    def parameters(self) -> dict[str, Tensor]:
        """Return what a step changes, by name: weights and running statistics."""
        ...

    def gradients(self) -> dict[str, Tensor]:
        """Return the last step's gradients by parameter name; empty if none."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on, by name."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; tensors are copied."""
        ...

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        ...


class ModelLearner:
    """Base class of the learners that train one module: all of `Learner` but `step`.

    `stateful` names the attributes that make up the state: modules, optimizers,
    schedulers, lists of these, or plain numbers. An attribute that is None is skipped.
    """

    stateful: ClassVar[tuple[str, ...]] = ("model",)

    def __init__(self, model: Module) -> None:
        self.model = model
        # Looked up once: the names of a deep model are needed in every step.
        self._named = dict(model.named_parameters())
        self._has_buffers = any(True for _ in model.named_buffers())

    def predict(self, x: Tensor) -> Tensor:
        """Return the model's output in evaluation mode, without autograd."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Tensor]:
        """Return every parameter and every floating-point buffer by name."""
        found = {name: p.detach() for name, p in self._named.items()}
        if self._has_buffers:
            buffers = self.model.named_buffers()
            found |= {name: b for name, b in buffers if b.is_floating_point()}
        return found

    def gradients(self) -> dict[str, Tensor]:
        """Return the gradient of every parameter that the last step reached."""
        named = self._named.items()
        return {name: p.grad for name, p in named if p.grad is not None}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of everything that `stateful` names."""
        parts = ((name, getattr(self, name)) for name in self.stateful)
        return {name: _state(part) for name, part in parts if part is not None}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; tensors are copied.

        Raises:
            KeyError: the names differ, as in the state of another kind of learner.
            ValueError: a list has another length.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"{type(self).__name__}.load_state_dict: expected {[*own]}, "
                f"got {[*state_dict]}"
            )
        for name in own:
            part = getattr(self, name)
            if isinstance(part, int | float):
                setattr(self, name, type(part)(state_dict[name]))
            else:
                _load(part, state_dict[name])

    def to(self, other: Tensor) -> Self:
        """Move modules and optimizers to the dtype and device of `other`."""
        parts = list(_flat(vars(self).values()))
        for part in parts:
            if isinstance(part, Module):
                part.to(other)
        for part in parts:
            if isinstance(part, Optimizer):
                # Loading casts every buffer to the dtype and device of its parameter.
                part.load_state_dict(part.state_dict())
        return self


class GradientLearner(ModelLearner):
    """Gradient descent: a model, a loss and an optimizer.

    Args:
        model: the module to train.
        criterion: the loss.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes the learning-rate schedule from the optimizer; it steps after
            every batch, `ReduceLROnPlateau` with the loss.
        clip: changes the gradients of the model's parameters before each update.
    """

    stateful = ("model", "optimizer", "scheduler")

    def __init__(
        self,
        model: Module,
        criterion: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
    ) -> None:
        super().__init__(model)
        self.criterion = criterion
        self.optimizer = optimizer(model.parameters())
        self.scheduler = None if scheduler is None else scheduler(self.optimizer)
        self.clip = clip

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward, backward, update; return the loss before the update."""
        output = self.model(x)
        loss = self.criterion(output, target)
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        self._schedule(loss)
        return loss.item()

    def _schedule(self, loss: Tensor) -> None:
        """Set the learning rates of the next batch."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss.detach())
        elif self.scheduler is not None:
            self.scheduler.step()


def fit(learner: Learner, batches: Iterable[tuple[Tensor, Tensor]]) -> list[float]:
    """Train `learner` on each batch once; return the loss of every step."""
    return [learner.step(x, target) for x, target in batches]


def evaluated(module: Module, x: Tensor) -> Tensor:
    """Return the output in evaluation mode, then restore each submodule's mode."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            return module(x)
    finally:
        for inner, training in modes:
            inner.training = training


def _state(part: Any) -> Any:
    if isinstance(part, list):
        return [_state(inner) for inner in part]
    return part.state_dict() if hasattr(part, "state_dict") else part


def _load(part: Any, state: Any) -> None:
    if isinstance(part, list):
        for inner, inner_state in zip(part, state, strict=True):
            _load(inner, inner_state)
    elif isinstance(part, Module):
        part.load_state_dict(state)
    else:  # an optimizer or scheduler would keep the given tensors and lists themselves
        part.load_state_dict(copy.deepcopy(state))


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part if isinstance(part, list) else [part]


__all__ = ["GradientLearner", "Learner", "fit"]
