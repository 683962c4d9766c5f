"""The training loop, and the contract of everything that can be trained."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

from handmade._array import Array, is_count
from handmade._modes import evaluated
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from handmade.optim.optimizer import Optimizer


class Learner(Protocol):
    """Anything that gets better by seeing examples, with or without a gradient."""

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
        """Take over what `state_dict` returned, arrays copied."""
        ...

    def to(self, other: Array) -> Self:
        """Move to the library, dtype and device of the array `other`."""
        ...


class GradientLearner:
    """A model, a loss and an optimiser: the usual way to learn.

    Args:
        model: what is trained.
        criterion: the loss.
        optimizer: makes the optimiser from the model's parameters.
        scheduler: makes a schedule from the optimiser; it is stepped after every batch,
            `ReduceLROnPlateau` with the loss.
        clip: changes the gradients of the model's parameters before each update.
    """

    def __init__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
    ) -> None:
        self.model = model
        self.criterion = criterion
        # Looked up once: a deep model is asked for its names in every step.
        self._named = dict(model.named_parameters())
        self._has_buffers = any(True for _ in model.named_buffers())
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
        """All of a step that is array in, array out, and so can be compiled."""
        output = self.model(x)
        loss = self.criterion(output, target)
        self.optimizer.zero_grad()
        self._backward()
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        return loss

    def _backward(self) -> None:
        """The gradient of the loss by every parameter; nobody needs the one by x."""
        self.model.needs_input_grad = False
        try:
            self.model.backward(self.criterion.backward())
        finally:
            self.model.needs_input_grad = True

    def _schedule(self, loss: Array) -> None:
        """Set the learning rates of the next batch."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss)
        elif self.scheduler is not None:
            self.scheduler.step()

    def predict(self, x: Array) -> Array:
        """The model's output in evaluation mode; every module's own mode comes back."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Array]:
        """The data of every parameter and every floating buffer by name."""
        found = {name: p.data for name, p in self._named.items()}
        if self._has_buffers:
            buffers = self.model.named_buffers()
            found |= {name: a for name, a in buffers if not is_count(a)}
        return found

    def gradients(self) -> dict[str, Array]:
        """The gradient of every parameter that the last step reached."""
        named = self._named.items()
        return {name: p.grad for name, p in named if p.grad is not None}

    def state_dict(self) -> dict[str, Any]:
        """The states of model, optimiser and, if there is one, schedule."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.scheduler is not None:
            state["scheduler"] = self.scheduler.state_dict()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: only one of the two has a schedule.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"GradientLearner.load_state_dict: expected the states of {[*own]}, "
                f"got those of {[*state_dict]}"
            )
        self.model.load_state_dict(state_dict["model"])
        self.optimizer.load_state_dict(state_dict["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state_dict["scheduler"])

    def to(self, other: Array) -> Self:
        """Move model, loss and optimiser to library, dtype and device of `other`."""
        self.model.to(other)
        self.criterion.to(other)
        # Loading copies every buffer to where its parameter now lies.
        self.optimizer.load_state_dict(self.optimizer.state_dict())
        return self


def fit(learner: Learner, batches: Iterable[tuple[Array, Array]]) -> list[float]:
    """Let `learner` take one step a batch; returns the loss at every step."""
    return [learner.step(x, target) for x, target in batches]


__all__ = ["GradientLearner", "Learner", "fit"]
