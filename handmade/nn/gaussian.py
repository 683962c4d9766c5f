"""Gaussian distributions, given by mean μ and log-variance s = log σ²."""

from handmade._array import (
    Array,
    array_namespace,
    check,
    check_alike,
    check_grad,
    device,
)
from handmade._random import normal
from handmade.nn._reduction import Loss
from handmade.nn.module import Module


class GaussianSample(Module):
    """Draws from Gaussians, differentiable in μ and s (reparameterisation trick).

    Forward:
        z = μ + σ ε with σ = exp(½ s), each ε drawn from N(0, 1); in evaluation mode
        z = μ

    Backward:
        ∂L/∂μ = ∂L/∂z
        ∂L/∂s = ∂L/∂z · ½ σ ε with the ε of the forward pass; 0 in evaluation mode

    Shape:
        x (…, 2k): first the k means μ, then the k log-variances s; z (…, k).

    Stability:
        σ is infinite, as it must be, for s above 1418 (176 in float32).

    Torch:
        None; `torch_ref.nn.GaussianSample` is written forward-only and draws the same
        ε after the same `manual_seed`.

    Source:
        Kingma and Welling, Auto-Encoding Variational Bayes (2013): the
        reparameterisation.
    """

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        mean, log_variance = _halves("GaussianSample", "x", x)
        if not self.training:
            self.saved = xp.zeros_like(mean)
            return mean
        drawn = normal(0.0, 1.0, tuple(mean.shape))
        noise = xp.asarray(drawn, dtype=x.dtype, device=device(x))
        self.saved = xp.exp(0.5 * log_variance) * noise
        return mean + self.saved

    def backward(self, grad_output: Array) -> Array:
        deviation = self.saved
        xp = check_grad(self, grad_output, deviation)
        return xp.concat([grad_output, grad_output * (0.5 * deviation)], axis=-1)


class GaussianKLLoss(Loss):
    """Kullback–Leibler divergence KL(N(μ, σ²) ‖ N(μ₀, σ₀²)) of Gaussians, in nats.

    Forward:
        Lₙ = ½ Σ (eᵈ − 1 − d + (μ − μ₀)² / σ₀²) with d = s − s₀, summed over the
        Gaussians of an example; averaged over the examples

    Backward:
        ∂Lₙ/∂μ = (μ − μ₀) / σ₀²
        ∂Lₙ/∂s = ½ (eᵈ − 1)

    Shape:
        x (…, 2k): first the k means μ, then the k log-variances s; y, with μ₀ and s₀,
        alike: zeros are the standard normal N(0, 1). One Lₙ for each row, (…).

    Stability:
        eᵈ − 1 is computed as one function, so that nothing cancels where the Gaussians
        are nearly equal. eᵈ is infinite for d above 709 (88 in float32), 1/σ₀² for s₀
        below their negatives.

    Torch:
        None; `torch_ref.nn.GaussianKLLoss` is the forward pass, for autograd.
        `torch.distributions.kl_divergence` of two `Normal`s gives the same for each.
        `torch.nn.KLDivLoss` compares probabilities.
    """

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        mean, log_variance = _halves("GaussianKLLoss", "input", input)
        mean_0, log_variance_0 = _halves("GaussianKLLoss", "target", target)
        precision, change = xp.exp(-log_variance_0), log_variance - log_variance_0
        offset, excess = mean - mean_0, xp.expm1(change)
        losses = 0.5 * xp.sum(excess - change + offset * offset * precision, axis=-1)
        self.saved = offset * precision, excess
        return self._reduced(xp, losses)

    def backward(self, grad_output: Array | None = None) -> Array:
        slope, excess = self.saved
        xp = array_namespace(self, slope=slope)
        grad_losses = self._grad_losses(grad_output)
        if getattr(grad_losses, "ndim", 0):
            grad_losses = xp.expand_dims(grad_losses, axis=-1)
        return grad_losses * xp.concat([slope, 0.5 * excess], axis=-1)


def _halves(owner: str, name: str, x: Array) -> tuple[Array, Array]:
    """The means and the log-variances, which lie side by side in the last dimension."""
    width = x.shape[-1] if x.ndim else 0
    if width < 2 or width % 2:
        raise ValueError(
            f"{owner}: {name} must be (…, 2k), k means and then k log-variances, "
            f"got shape {tuple(x.shape)}"
        )
    return x[..., : width // 2], x[..., width // 2 :]
