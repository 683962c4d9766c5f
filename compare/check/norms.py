"""What a normalisation answers when one thing in it is done wrongly."""

import math
from collections.abc import Iterator

import numpy as np

from compare.testing.reference import Question, Results

UNBIASED = "N/(N−1)"
EPS_OUTSIDE = "eps outside the root"
CONSTANT = "statistics as constants"
OF_MEAN = "gradient of the mean forgotten"
OF_VARIANCE = "gradient of the variance forgotten"
IN_TRAINING = "running statistics in training"
IN_EVALUATION = "batch statistics in evaluation"
RUNNING = "biased running variance"
REVERSED = "momentum reversed"
MISTAKES = (
    UNBIASED,
    EPS_OUTSIDE,
    CONSTANT,
    OF_MEAN,
    OF_VARIANCE,
    IN_TRAINING,
    IN_EVALUATION,
    RUNNING,
    REVERSED,
)


def mistaken(
    question: Question, upstream: np.ndarray | None
) -> Iterator[tuple[str, Results]]:
    """Each mistake by its name, and what comes of it."""
    if "Norm" not in question.name or upstream is None or not upstream.size:
        return
    for name in MISTAKES:
        yield name, _Norm(question, name).results(upstream)
    if question.name != "GroupNorm":
        for axis in range(upstream.ndim):
            yield "wrong axis", _Norm(question, "", (axis,)).results(upstream)


class _Norm:
    """The formulas of `handmade.nn` but for one mistake, or along other axes."""

    def __init__(
        self, question: Question, mistake: str, axes: tuple[int, ...] | None = None
    ) -> None:
        self.question, self.mistake = question, mistake
        self.x = question.inputs[0]
        self.axes = axes or self._axes()
        self.z = self._rows(self.x)
        self.n = math.prod(self.z.shape[axis] for axis in self.axes)
        self.mean = self.z.mean(axis=self.axes, keepdims=True)
        self.variance = self.z.var(axis=self.axes, keepdims=True)
        self.unbiased = self.variance * self.n / max(self.n - 1, 1)
        tracked = "running_mean" in question.buffers
        self.constant = tracked and (
            mistake == IN_TRAINING if question.training else mistake != IN_EVALUATION
        )

    def results(self, upstream: np.ndarray) -> Results:
        """All results by name."""
        mean, deviation = self._statistics()
        hats = (self.z - mean) / deviation
        x_hat = hats.reshape(self.x.shape)
        weight, bias = self._placed("weight", 1.0), self._placed("bias", 0.0)
        grad = self._gradient(self._rows(upstream * weight), hats) / deviation
        shape = np.shape(self.question.state.get("weight", 0.0))
        return {
            "output": x_hat * weight + bias,
            "input gradient": grad.reshape(self.x.shape),
            "gradient weight": self._over_the_rest(upstream * x_hat, shape),
            **self._tracked(),
        }

    def _axes(self) -> tuple[int, ...]:
        if self.question.name == "GroupNorm":
            return (2,)
        if self.question.name == "LayerNorm":
            own = np.size(self.question.args[0])
            return tuple(range(self.x.ndim - own, self.x.ndim))
        return (0, *range(2, self.x.ndim))

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """`values` with each group of a GroupNorm along the last dimension."""
        if self.question.name != "GroupNorm":
            return values
        return values.reshape(len(values), self.question.args[0], -1)

    def _statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """What is taken for the mean and for the deviation."""
        mean, variance = self.mean, self.variance
        if self.constant:
            mean, variance = (
                self._placed(f"running_{k}", 0.0) for k in ("mean", "var")
            )
        elif self.mistake == UNBIASED:
            variance = self.unbiased
        eps = self.question.kwargs.get("eps", 1e-5)
        if self.mistake == EPS_OUTSIDE:
            return mean, np.sqrt(variance) + eps
        return mean, np.sqrt(variance + eps)

    def _gradient(self, g: np.ndarray, hats: np.ndarray) -> np.ndarray:
        """∂L/∂x, but for the division by the deviation."""
        if self.constant or self.mistake == CONSTANT:
            return g
        of_mean = g.mean(axis=self.axes, keepdims=True)
        of_variance = hats * (g * hats).mean(axis=self.axes, keepdims=True)
        without = {OF_MEAN: of_mean, OF_VARIANCE: of_variance}
        return g - of_mean - of_variance + without.get(self.mistake, 0.0)

    def _tracked(self) -> Results:
        """The running statistics after a batch."""
        question, buffers = self.question, self.question.buffers
        if not (buffers and question.training) or np.size(self.mean) != self.x.shape[1]:
            return {}
        m = question.kwargs.get("momentum", 0.1)
        m = 1 / (int(buffers["num_batches_tracked"]) + 1) if m is None else m
        m = 1 - m if self.mistake == REVERSED else m
        variance = self.variance if self.mistake == RUNNING else self.unbiased
        return {
            f"buffer running_{name}": (1 - m) * buffers[f"running_{name}"]
            + m * statistic.reshape(-1)
            for name, statistic in (("mean", self.mean), ("var", variance))
        }

    def _placed(self, name: str, absent: float) -> np.ndarray:
        """A parameter or a running statistic, so that it broadcasts to x."""
        values = (self.question.state | self.question.buffers).get(name)
        if values is None:
            return np.asarray(absent)
        if self.question.name == "LayerNorm":
            return values
        return values.reshape(1, -1, *(1,) * (self.x.ndim - 2))

    def _over_the_rest(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The sum along all dimensions that the weight does not have."""
        if self.question.name == "LayerNorm":
            return values.sum(axis=tuple(range(values.ndim - len(shape))))
        return values.sum(axis=(0, *range(2, values.ndim)))
