"""Semi-supervised learning; the target −1 means "no label"."""

import copy
from collections.abc import Callable, Iterable

from handmade._array import Array, array_namespace
from handmade._learner import ModelLearner
from handmade._numbers import share, whole
from handmade.nn.activation import Softmax
from handmade.nn.loss import MSELoss
from handmade.nn.loss_entropy import CrossEntropyLoss
from handmade.nn.module import Module, Parameter, require_module
from handmade.optim.optimizer import Optimizer
from handmade.training import GradientLearner

UNLABELLED = -1
"""The target of an unlabelled example."""
MakeOptimizer = Callable[[Iterable[Parameter]], Optimizer]


class PseudoLabels(GradientLearner):
    """Self-training with pseudo-labels: confident predictions serve as targets.

    Forward:
        ỹ = y where there is a label
        ỹ = argmax p where there is none and max p > sure, p = softmax of the teacher
        the loss is the mean cross-entropy of the examples that have a ỹ

    Backward:
        The cross-entropy's, with ỹ held fixed: nothing goes back into the teacher.

    The teacher is the net itself as it was at the last multiple of `every` steps;
    before the first there is none, and only the labels count.

    Args:
        model: gives the logits (n, c).
        optimizer: makes the optimizer from the model's parameters.
        sure: the least probability of a pseudo-label, from 0 to below 1.
        every: after how many steps the teacher is replaced by the net.

    Torch:
        None; `torch_ref.semi_supervised.PseudoLabels` is the same loop with autograd.

    Source:
        D.-H. Lee, "Pseudo-label: the simple and efficient semi-supervised learning
        method for deep neural networks" (2013).
    """

    stateful = ("model", "optimizer", "teacher", "steps")

    def __init__(
        self,
        model: Module,
        optimizer: MakeOptimizer,
        *,
        sure: float = 0.9,
        every: int = 50,
    ) -> None:
        super().__init__(model, CrossEntropyLoss(ignore_index=UNLABELLED), optimizer)
        self.sure = share("PseudoLabels", "sure", sure)
        self.every = whole("PseudoLabels", "every", every, 1)
        self.teacher = copy.deepcopy(model)
        self.steps = 0

    def step(self, x: Array, target: Array) -> float:
        """Learn once from labels and answers; returns the loss before the change.

        Raises:
            ValueError: no example has a label, or one is out of range.
        """
        _some_labels("PseudoLabels", target)
        loss = super().step(x, self.labels(x, target))
        self.steps += 1
        if self.steps % self.every == 0:
            self.teacher.load_state_dict(self.model.state_dict())
        return loss

    def labels(self, x: Array, target: Array) -> Array:
        """The target, completed by the teacher's confident predictions."""
        if self.steps < self.every:
            return target
        self.teacher.eval()
        shares = Softmax(dim=1)(self.teacher(x))
        xp = array_namespace("PseudoLabels", shares=shares, target=target)
        answers = xp.astype(xp.argmax(shares, axis=1), target.dtype)
        filled = (target == UNLABELLED) & (xp.max(shares, axis=1) > self.sure)
        return xp.where(filled, answers, target)


class Autoencoder(Module):
    """An encoder, a decoder and a classification head.

    Forward:
        the head's answer to the encoder's code of x

    Backward:
        The head's, then the encoder's.

    Args:
        encoder: n inputs → fewer units, the code.
        decoder: the code → n outputs.
        head: the code → logits.
    """

    def __init__(self, encoder: Module, decoder: Module, head: Module) -> None:
        parts = {"encoder": encoder, "decoder": decoder, "head": head}
        for name, part in parts.items():
            require_module("Autoencoder", name, part)
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def forward(self, x: Array) -> Array:
        """The logits."""
        return self.head(self.encoder(x))

    def backward(self, grad_output: Array) -> Array:
        """The head's backward pass, then the encoder's."""
        return self.encoder.backward(self.head.backward(grad_output))

    def reproduced(self, x: Array) -> Array:
        """The reconstruction of the inputs."""
        return self.decoder(self.encoder(x))


class Pretrained(ModelLearner):
    """Pre-trains an autoencoder on all examples, then a classifier on labelled ones.

    Forward:
        in the first `pretrain` steps  1/(N n) Σ (x̂ − x)², x̂ = decoder(encoder(x))
        afterwards  the mean cross-entropy of head(encoder(x)), labelled examples only

    Backward:
        The loss's, then the decoder's or the head's, then the encoder's, which goes on
        learning in the second phase.

    Args:
        model: encoder, decoder and head.
        optimizer: makes an optimizer from parameters; each phase gets its own.
        pretrain: how many steps the first phase takes, at least 0.
    """

    stateful = ("model", "optimizers", "steps")
    model: Autoencoder

    def __init__(
        self, model: Autoencoder, optimizer: MakeOptimizer, *, pretrain: int
    ) -> None:
        super().__init__(model)
        self.criteria = MSELoss(), CrossEntropyLoss(ignore_index=UNLABELLED)
        self.optimizers = tuple(
            optimizer([*model.encoder.parameters(), *part.parameters()])
            for part in (model.decoder, model.head)
        )
        self.pretrain = whole("Pretrained", "pretrain", pretrain, 0)
        self.steps = 0

    def step(self, x: Array, target: Array) -> float:
        """Learn once, as the phase asks; returns the loss before the change.

        Args:
            x: the examples (n, …).
            target: their classes (n,), or −1 where there is none. The first phase does
                not look at it: every example may be without a label.

        Raises:
            ValueError: in the second phase: no example has a label, or one is out of
                range.
        """
        phase = int(self.steps >= self.pretrain)
        if phase == 1:
            _some_labels("Pretrained", target)
        part = (self.model.decoder, self.model.head)[phase]
        criterion = self.criteria[phase]
        loss = criterion(part(self.model.encoder(x)), (x, target)[phase])
        self.model.zero_grad()
        self.model.encoder.backward(part.backward(criterion.backward()))
        self.optimizers[phase].step()
        self.steps += 1
        return float(loss)


def _some_labels(owner: str, target: Array) -> None:
    """Refuse a batch without labels; the loss itself refuses those out of range."""
    xp = array_namespace(owner, target=target)
    if not bool(xp.any(target != UNLABELLED)):
        raise ValueError(
            f"{owner}: at least one example must have a label other than {UNLABELLED}"
        )


__all__ = ["UNLABELLED", "Autoencoder", "Pretrained", "PseudoLabels"]
