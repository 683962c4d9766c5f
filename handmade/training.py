"""The training loop, and the protocol of learners."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

from handmade._array import Array
from handmade._learner import ModelLearner, require_criterion
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from handmade.optim.optimizer import Optimizer


class Learner(Protocol):
    """Anything that learns from batches, with or without a gradient."""

    def step(self, x: Array, target: Array) -> float:
        """Learn once from a batch; returns the loss before the change."""
        ...

    def predict(self, x: Array) -> Array:
        """The output for `x`, without learning."""
        ...

    def parameters(self) -> dict[str, Array]:
        """What a step changes, by name: weights, and running statistics."""
        ...

    def gradients(self) -> dict[str, Array]:
        """The direction of the last step, by parameter name; empty if there is none."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, by name."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; arrays are copied."""
        ...

    def to(self, other: Array) -> Self:
        """Move to the library, dtype and device of the array `other`."""
        ...


class GradientLearner(ModelLearner):
    """Gradient descent: a model, a loss and an optimizer.

    Args:
        model: what is trained.
        criterion: the loss.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes a schedule from the optimizer; it is stepped after every batch,
            `ReduceLROnPlateau` with the loss.
        clip: changes the gradients of the model's parameters before each update.
    """

    stateful = ("model", "optimizer", "scheduler")

    def __init__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
    ) -> None:
        super().__init__(model)
        require_criterion(type(self).__name__, criterion)
        self.criterion = criterion
        self.optimizer = optimizer(model.parameters())
        self.scheduler = None if scheduler is None else scheduler(self.optimizer)
        self.clip = clip

    def step(self, x: Array, target: Array) -> float:
        """Forward, backward, update; returns the loss before the update."""
        loss = self._update(x, target)
        if self.scheduler is not None:
            self._schedule(loss)
        return float(loss)

    def _update(self, x: Array, target: Array) -> Array:
        """The part of a step that only computes with arrays, and so can be compiled."""
        output = self.model(x)
        loss = self.criterion(output, target)
        self.optimizer.zero_grad()
        self._backward()
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        return loss

    def _backward(self, grad_output: float | None = None) -> None:
        """Accumulate ∂L/∂θ, times `grad_output`; ∂L/∂x of the data is not needed."""
        self.model.needs_input_grad = False
        try:
            self.model.backward(self.criterion.backward(grad_output))
        finally:
            self.model.needs_input_grad = True

    def _schedule(self, loss: Array) -> None:
        """Set the learning rates of the next batch."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss)
        elif self.scheduler is not None:
            self.scheduler.step()


def fit(learner: Learner, batches: Iterable[tuple[Array, Array]]) -> list[float]:
    """Train `learner` on each batch once; returns the loss of every step."""
    return [learner.step(x, target) for x, target in batches]


__all__ = ["GradientLearner", "Learner", "fit"]
