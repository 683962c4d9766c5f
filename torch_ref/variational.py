"""The variational autoencoder: autograd, and the divergence by torch.distributions."""

from collections.abc import Callable, Iterable

from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn import BCEWithLogitsLoss, Module, Parameter
from torch.optim import Optimizer

from torch_ref._checks import at_least, finite_number
from torch_ref.nn import GaussianSample
from torch_ref.training import GradientLearner, evaluated


class VariationalAutoencoder(GradientLearner):
    """Minimise the negative ELBO: reconstruction loss + β KL(N(μ, σ²) ‖ N(0, 1)).

    The reconstruction loss is the binary cross-entropy; both are summed over the
    elements of an example and averaged over the examples.

    Args:
        encoder: from x (n, …) to (μ, log σ²) side by side, (n, 2k).
        decoder: from z (n, k) to the logits of x.
        optimizer: makes the optimizer from the parameters of both.
        beta: β, at least 0; the weight of the divergence.
    """

    def __init__(
        self,
        encoder: Module,
        decoder: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        beta: float = 1.0,
    ) -> None:
        owner = "VariationalAutoencoder"
        self.beta = at_least(owner, "beta", finite_number(owner, "beta", beta), 0)
        self.codes = _EncodeSampleDecode(encoder, decoder)
        super().__init__(self.codes, BCEWithLogitsLoss(reduction="sum"), optimizer)

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train on one batch; return the loss before the update.

        Raises:
            ValueError: there is no example, or a target lies outside [0, 1].
        """
        _check_batch(x, target)
        code = self.codes.encoder(x)
        mean, log_variance = code.chunk(2, dim=-1)
        posterior = Normal(mean, (0.5 * log_variance).exp(), validate_args=False)
        prior = Normal(0.0, 1.0, validate_args=False)
        logits = self.codes.decoder(self.codes.sample(code))
        divergence = kl_divergence(posterior, prior).sum()
        penalty = self.beta * divergence if self.beta else 0.0  # 0 · ∞ would be NaN
        loss = (self.criterion(logits, target) + penalty) / len(x)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: Tensor) -> Tensor:
        """Return the reconstruction of `x` from μ (no sampling), in [0, 1]."""
        return super().predict(x).sigmoid()

    def encode(self, x: Tensor) -> Tensor:
        """Return (μ, log σ²) of `x` side by side, (n, 2k)."""
        return evaluated(self.codes.encoder, x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the decoder's output for z (n, k), in [0, 1]."""
        return evaluated(self.codes.decoder, z).sigmoid()


class _EncodeSampleDecode(Module):
    def __init__(self, encoder: Module, decoder: Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.sample = GaussianSample()
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.decoder(self.sample(self.encoder(x)))


def _check_batch(x: Tensor, target: Tensor) -> None:
    owner = "VariationalAutoencoder"
    if x.dim() < 2 or len(x) == 0:
        raise ValueError(
            f"{owner}: x must be (n, …) with at least one example, "
            f"got shape {tuple(x.shape)}"
        )
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError(f"{owner}: every element of target must lie in [0, 1]")


__all__ = ["VariationalAutoencoder"]
