"""The variational autoencoder."""

from collections.abc import Callable, Iterable

from handmade._array import Array, array_namespace, check
from handmade._learner import evaluated
from handmade._numbers import at_least, finite_number
from handmade.nn.activation import Sigmoid
from handmade.nn.gaussian import GaussianKLLoss, GaussianSample
from handmade.nn.loss_entropy import BCEWithLogitsLoss
from handmade.nn.module import Module, Parameter, require_module
from handmade.optim.optimizer import Optimizer
from handmade.training import GradientLearner


class VariationalAutoencoder(GradientLearner):
    """Variational autoencoder: reconstruction loss + β · KL(code ‖ standard normal).

    Forward:
        (μ, log σ²) = encoder(x), z = μ + σ ε, x̂ = decoder(z)
        L = (Σ BCE(x̂, y) + β Σ KL(N(μ, σ²) ‖ N(0, 1))) / N over the N examples; with
        β = 1 it bounds −log p(y) from above: the negative ELBO, in nats

    Backward:
        ∂L/∂x̂ = (sigmoid(x̂) − y) / N goes back through the decoder and through
        z = μ + σ ε into μ and log σ²; there β/N · [μ, ½ (σ² − 1)] is added, and the
        sum goes back through the encoder.

    Args:
        encoder: from x to (n, 2k): k means and k log-variances.
        decoder: from z (n, k) to the logits of y.
        optimizer: makes the optimizer from the parameters of both.
        beta: β ≥ 0, the weight of the KL divergence; 0 leaves the codes free.

    Torch:
        None; `torch_ref.variational.VariationalAutoencoder` leaves the gradient to
        autograd and the divergence to `torch.distributions`.

    Source:
        Kingma and Welling, Auto-Encoding Variational Bayes (2013); β: Higgins et al.,
        β-VAE (2017).
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
        self.codes = _ThroughCodes(encoder, decoder)
        self.divergence = GaussianKLLoss(reduction="sum")
        super().__init__(self.codes, BCEWithLogitsLoss(reduction="sum"), optimizer)

    def step(self, x: Array, target: Array) -> float:
        """Learn once from a batch; returns the loss before the change.

        Args:
            x: what the encoder reads, at least one example.
            target: what the decoder is to write, each number in [0, 1]; usually x.
        """
        n = _examples(x, target)
        logits, code = self.codes(x), self.codes.saved
        loss, grad_code = self.criterion(logits, target), 0.0
        if self.beta:  # 0 · ∞ would be NaN
            xp = array_namespace("VariationalAutoencoder", code=code)
            loss = loss + self.beta * self.divergence(code, xp.zeros_like(code))
            grad_code = self.divergence.backward(self.beta / n)
        self.optimizer.zero_grad()
        self.codes.backward(self.criterion.backward(1 / n), grad_code)
        self.optimizer.step()
        return float(loss) / n

    def predict(self, x: Array) -> Array:
        """The reconstruction of `x`, in [0, 1], from μ alone: nothing is drawn."""
        return Sigmoid()(super().predict(x))

    def encode(self, x: Array) -> Array:
        """The code of `x`: k means and k log-variances for each example (n, 2k)."""
        return evaluated(self.codes.encoder, x)

    def decode(self, z: Array) -> Array:
        """The decoder's output for `z` (n, k), in [0, 1]."""
        return Sigmoid()(evaluated(self.codes.decoder, z))


class _ThroughCodes(Module):
    """From x to logits; keeps the code, whose own gradient joins on the way back."""

    def __init__(self, encoder: Module, decoder: Module) -> None:
        require_module("VariationalAutoencoder", "encoder", encoder)
        require_module("VariationalAutoencoder", "decoder", decoder)
        self.encoder = encoder
        self.sample = GaussianSample()
        self.decoder = decoder

    def forward(self, x: Array) -> Array:
        self.saved = self.encoder(x)
        return self.decoder(self.sample(self.saved))

    def backward(self, grad_output: Array, grad_code: Array = 0.0) -> Array:
        through = self.sample.backward(self.decoder.backward(grad_output))
        return self.encoder.backward(through + grad_code)


def _examples(x: Array, target: Array) -> int:
    """How many examples there are, once the target can be a brightness."""
    owner = "VariationalAutoencoder"
    xp = check(owner, x=x, target=target)
    if x.ndim < 2 or x.shape[0] == 0:
        raise ValueError(
            f"{owner}: x must be (n, …) with at least one example, "
            f"got shape {tuple(x.shape)}"
        )
    if not bool(xp.all((target >= 0) & (target <= 1))):  # False for NaN, too
        raise ValueError(f"{owner}: every element of target must lie in [0, 1]")
    return x.shape[0]


__all__ = ["VariationalAutoencoder"]
