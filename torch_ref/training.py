"""The same training loop with autograd: it differs from handmade's in one line."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, Self

from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import Optimizer

from handmade.training import Learner, fit


class GradientLearner:
    """A model, a loss and an optimiser: the usual way to learn.

    Args:
        model: what is trained.
        criterion: the loss.
        optimizer: makes the optimiser from the model's parameters.
    """

    def __init__(
        self,
        model: Module,
        criterion: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.optimizer = optimizer(model.parameters())

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward, backward, update; returns the loss before the update."""
        output = self.model(x)
        loss = self.criterion(output, target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: Tensor) -> Tensor:
        """The model's output in evaluation mode."""
        self.model.eval()
        output = self.model(x).detach()
        self.model.train()
        return output

    def parameters(self) -> dict[str, Tensor]:
        """The data of every parameter and every floating buffer by name."""
        buffers = {n: a for n, a in self.model.named_buffers() if a.is_floating_point()}
        return {n: p.detach() for n, p in self.model.named_parameters()} | buffers

    def gradients(self) -> dict[str, Tensor]:
        """The gradient of every parameter that the last step reached."""
        return {
            name: p.grad
            for name, p in self.model.named_parameters()
            if p.grad is not None
        }

    def state_dict(self) -> dict[str, Any]:
        """The states of model and optimiser."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied."""
        self.model.load_state_dict(state_dict["model"])
        # Torch would go on with the given momentum buffers themselves.
        self.optimizer.load_state_dict(copy.deepcopy(state_dict["optimizer"]))

    def to(self, other: Tensor) -> Self:
        """Move model, loss and optimiser to the dtype and device of `other`."""
        self.model.to(other)
        self.criterion.to(other)
        # Loading casts every buffer to where its parameter now lies.
        self.optimizer.load_state_dict(self.optimizer.state_dict())
        return self


__all__ = ["GradientLearner", "Learner", "fit"]
