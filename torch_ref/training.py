"""The same training loop with autograd: it differs from handmade's in one line."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, Self

from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from handmade.training import Learner, fit
from torch_ref._modes import evaluated


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
        criterion: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
    ) -> None:
        self.model = model
        self.criterion = criterion
        self._named = dict(model.named_parameters())
        self._has_buffers = any(True for _ in model.named_buffers())
        self.optimizer = optimizer(model.parameters())
        self.scheduler = None if scheduler is None else scheduler(self.optimizer)
        self.clip = clip

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward, backward, update; returns the loss before the update."""
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

    def predict(self, x: Tensor) -> Tensor:
        """The model's output in evaluation mode; every module's own mode comes back."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Tensor]:
        """The data of every parameter and every floating buffer by name."""
        found = {name: p.detach() for name, p in self._named.items()}
        if self._has_buffers:
            buffers = self.model.named_buffers()
            found |= {name: a for name, a in buffers if a.is_floating_point()}
        return found

    def gradients(self) -> dict[str, Tensor]:
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
        # Torch would go on with the given momentum buffers and lists themselves.
        self.optimizer.load_state_dict(copy.deepcopy(state_dict["optimizer"]))
        if self.scheduler is not None:
            self.scheduler.load_state_dict(copy.deepcopy(state_dict["scheduler"]))

    def to(self, other: Tensor) -> Self:
        """Move model, loss and optimiser to the dtype and device of `other`."""
        self.model.to(other)
        self.criterion.to(other)
        # Loading casts every buffer to where its parameter now lies.
        self.optimizer.load_state_dict(self.optimizer.state_dict())
        return self


__all__ = ["GradientLearner", "Learner", "fit"]
