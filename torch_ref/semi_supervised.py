"""Few labels, many examples, with autograd: the target −1 says "no label"."""

import copy
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from handmade._numbers import share, whole
from torch_ref._modes import evaluated
from torch_ref.training import GradientLearner

UNLABELLED = -1
MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class PseudoLabels(GradientLearner):
    """Learns from its own answers where it is sure of them."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: MakeOptimizer,
        *,
        sure: float = 0.9,
        every: int = 50,
    ) -> None:
        super().__init__(model, nn.CrossEntropyLoss(ignore_index=UNLABELLED), optimizer)
        self.sure = share("PseudoLabels", "sure", sure)
        self.every = whole("PseudoLabels", "every", every, 1)
        self.teacher = copy.deepcopy(model)
        self.steps = 0

    def step(self, x: Tensor, target: Tensor) -> float:
        """Learn once from labels and answers; returns the loss before the change."""
        _some_labels("PseudoLabels", target)
        loss = super().step(x, self.labels(x, target))
        self.steps += 1
        if self.steps % self.every == 0:
            self.teacher.load_state_dict(self.model.state_dict())
        return loss

    @torch.no_grad()
    def labels(self, x: Tensor, target: Tensor) -> Tensor:
        """The target, filled up with the teacher's answers where it is sure."""
        if self.steps < self.every:
            return target
        best, answers = self.teacher.eval()(x).softmax(dim=1).max(dim=1)
        return torch.where((target == UNLABELLED) & (best > self.sure), answers, target)

    def state_dict(self) -> dict[str, Any]:
        """The states of model, optimiser and teacher, and how many steps were taken."""
        own = {"teacher": self.teacher.state_dict(), "steps": self.steps}
        return super().state_dict() | own

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied."""
        super().load_state_dict(state_dict)
        self.teacher.load_state_dict(state_dict["teacher"])
        self.steps = int(state_dict["steps"])

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        self.teacher.to(other)
        return super().to(other)


class Autoencoder(nn.Module):
    """An encoder, a decoder that undoes it, and a head that reads its code."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        return self.head(self.encoder(x))

    def reproduced(self, x: Tensor) -> Tensor:
        """The inputs as far as the code remembers them."""
        return self.decoder(self.encoder(x))


class Pretrained:
    """Learns to compress all examples first, and then to tell the labelled ones apart.

    Args:
        model: encoder, decoder and head.
        optimizer: makes an optimiser from parameters; each phase gets its own.
        pretrain: how many steps the first phase takes, at least 0.
    """

    def __init__(
        self, model: Autoencoder, optimizer: MakeOptimizer, *, pretrain: int
    ) -> None:
        self.model = model
        self.optimizers = [
            optimizer(chain(model.encoder.parameters(), part.parameters()))
            for part in (model.decoder, model.head)
        ]
        self.pretrain = whole("Pretrained", "pretrain", pretrain, 0)
        self.steps = 0

    def step(self, x: Tensor, target: Tensor) -> float:
        """Learn once, as the phase asks; returns the loss before the change.

        Raises:
            ValueError: in the second phase: no example has a label.
        """
        if self.steps < self.pretrain:
            optimizer = self.optimizers[0]
            loss = nn.functional.mse_loss(self.model.reproduced(x), x)
        else:
            _some_labels("Pretrained", target)
            optimizer = self.optimizers[1]
            loss = nn.functional.cross_entropy(
                self.model(x), target, ignore_index=UNLABELLED
            )
        self.model.zero_grad()
        loss.backward()
        optimizer.step()
        self.steps += 1
        return loss.item()

    def predict(self, x: Tensor) -> Tensor:
        """The logits in evaluation mode."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Tensor]:
        """The data of every parameter of encoder, decoder and head."""
        return {name: p.detach() for name, p in self.model.named_parameters()}

    def gradients(self) -> dict[str, Tensor]:
        """The gradient of every parameter that the last step reached."""
        named = self.model.named_parameters()
        return {name: p.grad for name, p in named if p.grad is not None}

    def state_dict(self) -> dict[str, Any]:
        """The states of model and both optimisers, and how many steps were taken."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "steps": self.steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"Pretrained.load_state_dict: expected {[*own]}, got {[*state_dict]}"
            )
        self.model.load_state_dict(state_dict["model"])
        saved = copy.deepcopy(state_dict["optimizers"])
        for optimizer, state in zip(self.optimizers, saved, strict=True):
            optimizer.load_state_dict(state)
        self.steps = int(state_dict["steps"])

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        self.model.to(other)
        for optimizer in self.optimizers:
            optimizer.load_state_dict(optimizer.state_dict())
        return self


def _some_labels(owner: str, target: Tensor) -> None:
    if not (target != UNLABELLED).any():
        raise ValueError(
            f"{owner}: at least one example must have a label other than {UNLABELLED}"
        )


__all__ = ["UNLABELLED", "Autoencoder", "Pretrained", "PseudoLabels"]
