"""The variational autoencoder with autograd and torch.distributions."""

from collections.abc import Callable, Iterable

from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn import BCEWithLogitsLoss, Module, Parameter
from torch.optim import Optimizer

from handmade._numbers import at_least, finite_number
from torch_ref._modes import evaluated
from torch_ref.nn import GaussianSample
from torch_ref.training import GradientLearner


class VariationalAutoencoder(GradientLearner):
    """Reconstruction and β times the divergence from N(0, 1), a mean over examples."""

    def __init__(
        self,
        encoder: Module,
        decoder: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        beta: float = 1.0,
    ) -> None:
        owner = "VariationalAutoencoder"
        self.beta = at_least(owner, "beta", finite_number(owner, "beta", beta), 0)
        self.codes = _ThroughCodes(encoder, decoder)
        super().__init__(self.codes, BCEWithLogitsLoss(reduction="sum"), optimizer)

    def step(self, x: Tensor, target: Tensor) -> float:
        """Learn once from a batch; returns the loss before the change.

        Raises:
            ValueError: there is no example, or the target is no brightness in [0, 1].
        """
        _examples(x, target)
        code = self.codes.encoder(x)
        mean, log_variance = code.chunk(2, dim=-1)
        curves = Normal(mean, (0.5 * log_variance).exp(), validate_args=False)
        logits = self.codes.decoder(self.codes.sample(code))
        far = kl_divergence(curves, Normal(0.0, 1.0, validate_args=False)).sum()
        dear = self.beta * far if self.beta else 0.0  # 0 · ∞ would be NaN
        loss = (self.criterion(logits, target) + dear) / len(x)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: Tensor) -> Tensor:
        """The reconstruction of `x`, in [0, 1], from μ alone."""
        return super().predict(x).sigmoid()

    def encode(self, x: Tensor) -> Tensor:
        """The code of `x`: means and log-variances."""
        return evaluated(self.codes.encoder, x)

    def decode(self, z: Tensor) -> Tensor:
        """What the decoder writes for `z`, in [0, 1]."""
        return evaluated(self.codes.decoder, z).sigmoid()


class _ThroughCodes(Module):
    """From x to logits, by way of a code that is drawn."""

    def __init__(self, encoder: Module, decoder: Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.sample = GaussianSample()
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        return self.decoder(self.sample(self.encoder(x)))


def _examples(x: Tensor, target: Tensor) -> None:
    owner = "VariationalAutoencoder"
    if x.dim() < 2 or len(x) == 0:
        raise ValueError(
            f"{owner}: x must be (n, …) with at least one example, "
            f"got shape {tuple(x.shape)}"
        )
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError(f"{owner}: every element of target must lie in [0, 1]")


__all__ = ["VariationalAutoencoder"]
