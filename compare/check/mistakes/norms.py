"""Normalisation with one thing done wrongly."""

import numpy as np

from compare.check.results import Failure
from compare.testing.reference import Results


class Norm:
    """Batch, layer and group normalisation: x̂ = (x − μ) / √(σ² + ε), y = w x̂ + b."""

    def __init__(
        self,
        f: Failure,
        axes: tuple[int, ...] = (),  # along which μ and σ² are taken, if not as usual
        running: bool | None = None,  # whether those are the running ones
        unbiased: bool = False,  # whether σ² is the unbiased variance
        eps_outside: bool = False,  # whether it is √σ² + ε
    ) -> None:
        self.f, self.x = f, f.x
        self.axes = self.channel_axes = (0, *range(2, f.x.ndim))
        if f.question.name == "GroupNorm":
            self.x = f.x.reshape(len(f.x), f.question.args[0], -1)
            self.axes = (2,)
        elif f.question.name == "LayerNorm":
            own = np.size(f.question.args[0])
            self.axes = tuple(range(f.x.ndim - own, f.x.ndim))
            self.channel_axes = tuple(range(f.x.ndim - own))
        self.axes = axes or self.axes
        self.mean = self.x.mean(axis=self.axes, keepdims=True)
        self.variance = self.x.var(axis=self.axes, keepdims=True)
        n = self.x.size / max(self.mean.size, 1)
        self.unbiased = self.variance * n / max(n - 1, 1)
        tracked = "running_mean" in f.question.buffers
        self.is_constant = tracked and (
            not f.question.training if running is None else running
        )
        mean, variance = self.mean, self.unbiased if unbiased else self.variance
        if self.is_constant:
            mean, variance = (self._of(f"running_{k}", 0.0) for k in ("mean", "var"))
        eps = f.question.kwargs.get("eps", 1e-5)
        self.root = np.sqrt(variance) + eps if eps_outside else np.sqrt(variance + eps)
        self.x_hat = (self.x - mean) / self.root

    def _of(self, name: str, absent: float) -> np.ndarray:
        """A parameter or a running statistic, in a shape that broadcasts to x."""
        values = (self.f.question.state | self.f.question.buffers).get(name)
        if values is None or self.f.question.name == "LayerNorm":
            return np.asarray(absent) if values is None else values
        return values.reshape(1, -1, *(1,) * (self.f.x.ndim - 2))

    def results(self, of_mean: bool = True, of_variance: bool = True) -> Results:
        """All results; the gradients of μ and of σ² may be left out."""
        f, shape = self.f, self.f.x.shape
        weight, x_hat = self._of("weight", 1.0), self.x_hat.reshape(shape)
        g = (f.upstream * weight).reshape(self.x.shape)
        grad = g
        if of_mean and not self.is_constant:
            grad = grad - g.mean(axis=self.axes, keepdims=True)
        if of_variance and not self.is_constant:
            along = (g * self.x_hat).mean(axis=self.axes, keepdims=True)
            grad = grad - self.x_hat * along
        return {
            **self.statistics(),
            "output": x_hat * weight + self._of("bias", 0.0),
            "input gradient": (grad / self.root).reshape(shape),
            "gradient weight": (f.upstream * x_hat).sum(axis=self.channel_axes),
            "gradient bias": f.upstream.sum(axis=self.channel_axes),
        }

    def statistics(self, biased: bool = False, reverse: bool = False) -> Results:
        """The running statistics after a batch."""
        buffers, kwargs = self.f.question.buffers, self.f.question.kwargs
        if not (buffers and self.f.question.training):
            return {}
        m = kwargs.get("momentum", 0.1)
        m = 1 / (int(buffers["num_batches_tracked"]) + 1) if m is None else m
        m = 1 - m if reverse else m
        new = {"mean": self.mean, "var": self.variance if biased else self.unbiased}
        return {
            f"buffer running_{k}": (1 - m) * buffers[f"running_{k}"] + m * a.reshape(-1)
            for k, a in new.items()
        }
