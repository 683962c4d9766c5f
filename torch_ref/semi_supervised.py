"""Learning from few labels and many examples; the target −1 means "no label"."""

import copy
from collections.abc import Callable, Iterable
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torch_ref._checks import fraction, whole
from torch_ref.training import GradientLearner, ModelLearner

UNLABELLED = -1
"""The target of an example without a label."""
MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class PseudoLabels(GradientLearner):
    """Pseudo-labelling: confident predictions of a teacher replace missing labels.

    Args:
        model: the classifier; gives logits (n, c).
        optimizer: makes the optimizer from the model's parameters.
        sure: the probability above which the teacher's answer is a label, in [0, 1).
        every: the model is copied to the teacher after this many steps, at least 1;
            before the first copy the missing labels stay missing.
    """

    stateful = ("model", "optimizer", "teacher", "steps")

    def __init__(
        self,
        model: nn.Module,
        optimizer: MakeOptimizer,
        *,
        sure: float = 0.9,
        every: int = 50,
    ) -> None:
        super().__init__(model, nn.CrossEntropyLoss(ignore_index=UNLABELLED), optimizer)
        self.sure = fraction("PseudoLabels", "sure", sure)
        self.every = whole("PseudoLabels", "every", every, 1)
        self.teacher = copy.deepcopy(model)
        self.steps = 0

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train on one batch; return the loss before the update.

        Raises:
            ValueError: no example has a label.
        """
        _check_labelled("PseudoLabels", target)
        loss = super().step(x, self.labels(x, target))
        self.steps += 1
        if self.steps % self.every == 0:
            self.teacher.load_state_dict(self.model.state_dict())
        return loss

    @torch.no_grad()
    def labels(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the target with the teacher's confident answers filled in, (n,)."""
        if self.steps < self.every:
            return target
        best, answers = self.teacher.eval()(x).softmax(dim=1).max(dim=1)
        return torch.where((target == UNLABELLED) & (best > self.sure), answers, target)


class Autoencoder(nn.Module):
    """An encoder with two heads: a decoder (reconstruction) and a classifier.

    Args:
        encoder: from the inputs to the code.
        decoder: from the code back to the inputs.
        head: from the code to the logits.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.head(self.encoder(x))

    def reproduced(self, x: Tensor) -> Tensor:
        """Return the reconstruction of x, in the shape of x."""
        return self.decoder(self.encoder(x))


class Pretrained(ModelLearner):
    """Pretrain an autoencoder on all examples, then train a classifier on the labelled.

    Args:
        model: encoder, decoder and head.
        optimizer: makes an optimizer from parameters; each phase gets its own.
        pretrain: the number of steps of the first phase, at least 0.
    """

    stateful = ("model", "optimizers", "steps")

    def __init__(
        self, model: Autoencoder, optimizer: MakeOptimizer, *, pretrain: int
    ) -> None:
        super().__init__(model)
        self.autoencoder = model
        self.optimizers = [
            optimizer(chain(model.encoder.parameters(), part.parameters()))
            for part in (model.decoder, model.head)
        ]
        self.pretrain = whole("Pretrained", "pretrain", pretrain, 0)
        self.steps = 0

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train on one batch in the current phase; return the loss before the update.

        Raises:
            ValueError: in the second phase: no example has a label.
        """
        if self.steps < self.pretrain:
            optimizer = self.optimizers[0]
            loss = nn.functional.mse_loss(self.autoencoder.reproduced(x), x)
        else:
            _check_labelled("Pretrained", target)
            optimizer = self.optimizers[1]
            loss = nn.functional.cross_entropy(
                self.model(x), target, ignore_index=UNLABELLED
            )
        self.model.zero_grad()
        loss.backward()
        optimizer.step()
        self.steps += 1
        return loss.item()

    def parameters(self) -> dict[str, Tensor]:
        """Return every parameter of encoder, decoder and head by name."""
        return {name: p.detach() for name, p in self.model.named_parameters()}


def _check_labelled(owner: str, target: Tensor) -> None:
    if not (target != UNLABELLED).any():
        raise ValueError(
            f"{owner}: at least one example must have a label other than {UNLABELLED}"
        )


__all__ = ["UNLABELLED", "Autoencoder", "Pretrained", "PseudoLabels"]
