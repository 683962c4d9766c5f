"""Wrong results that take more than a formula, for the tables of mistakes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

import handmade
from compare.check.results import Failure, close
from compare.check.slopes import is_own_gradient
from compare.testing.reference import Question, Results, built, torchs
from handmade.quantize import quantize as quantize  # for formulas

EPS = (*(10.0**-n for n in range(1, 17)), 2.0**-23, 2.0**-52, 1e-20, 1e-100)
"""What people add to keep away from 0."""


@dataclass(frozen=True)
class _Upstream(Question):
    """The same test case with this upstream gradient."""

    given: Any = None

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        return self.given


def softmax_of(x: np.ndarray, axis: int = 1) -> np.ndarray:
    """The softmax along an axis."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """σ(x)."""
    return np.exp(-np.logaddexp(0, -x))


def _factor(weight: np.ndarray | None) -> np.ndarray | float:
    return 1.0 if weight is None else weight


def flipped(kernel: np.ndarray) -> np.ndarray:
    """A kernel from its last number to its first, in every direction."""
    return np.flip(kernel, tuple(range(2, kernel.ndim))).copy()


def tied(x: np.ndarray) -> np.ndarray:
    """Where a number occurs more than once in x."""
    values, where, count = np.unique(x, return_inverse=True, return_counts=True)
    return (count > 1)[where.reshape(x.shape)] if values.size else x == x


def subsets(numbers: Iterable[int]) -> list[tuple[int, ...]]:
    """Every choice of one or more of these."""
    every = [*numbers]
    return [c for n in range(len(every)) for c in combinations(every, n + 1)]


class Variants(Failure):
    """A failed test case, and what formulas may call in it."""

    def again(self, **changes: Any) -> Results:
        """Torch's results in a test case with these changes."""
        return torchs(replace(self.question, **changes))

    def torch(self, **options: Any) -> Results:
        """Torch's results with other options."""
        return self.again(kwargs={**self.question.kwargs, **options})

    def without(self, *options: str) -> Results:
        """Torch's results with the defaults of options that were given."""
        others = {k: v for k, v in self.question.kwargs.items() if k not in options}
        return (
            self.again(kwargs=others) if len(others) < len(self.question.kwargs) else {}
        )

    def times(self, factor: float) -> Results:
        """Torch's results times a factor."""
        return {name: factor * want for name, want in self.want.items()}

    def scaled(self, factor: float) -> Results:
        """The same, unless the value of a loss alone is wrong."""
        return {} if factor == 1 or self.only_value else self.times(factor)

    def right_but_where(self, places: np.ndarray) -> Results:
        """Torch's results, and at these places the file's."""
        return {
            name: np.where(places, self.got[name], self.want[name])
            for name in self.wrong
            if self.got[name].shape == self.want[name].shape == places.shape
        }

    def with_upstream(self, g: np.ndarray, **changes: Any) -> Results:
        """Torch's gradients for another upstream gradient."""
        question = replace(self.question, **changes)
        found = torchs(_Upstream(**vars(question), given=g))
        return {name: a for name, a in found.items() if name != "output"}

    def gradients(self) -> dict[str, np.ndarray]:
        """The file's gradients that are wrong, by name."""
        return {name: self.got[name] for name in self.wrong if "gradient" in name}

    def not_summed(self) -> Results:
        """The file's results that need only be summed over the examples to be right."""
        examples = (
            {len(self.x), int(np.prod(self.x.shape[:-1]))} if self.x.ndim else {1}
        )
        return {
            name: self.got[name]
            for name in self.wrong
            if self.got[name].ndim == self.want[name].ndim + 1
            and len(self.got[name]) in examples
            and close(self.got[name].sum(axis=0), self.want[name], 1e-9)
        }

    def of_another_shape(self) -> Results:
        """The gradients of parameters that are right but for dimensions of length 1."""
        return {
            name: a
            for name, a in self.gradients().items()
            if name != "input gradient"
            and a.shape != self.want[name].shape
            and a.squeeze().shape == self.want[name].squeeze().shape
            and close(a.reshape(self.want[name].shape), self.want[name], 1e-9)
        }

    # -- losses ---

    def examples(self) -> float:
        """How many examples a loss is given: rows, or everything but the classes."""
        x, target = self.question.inputs
        if target.shape != x.shape:
            return float(target.size)
        if self.question.name == "CrossEntropyLoss":
            return float(x.size / x.shape[min(1, x.ndim - 1)])
        return float(len(x))

    def divisor(self) -> float:
        """What the mean of a loss divides by; 1 if it takes none."""
        question = self.question
        if question.name == "SmoothnessPenalty":
            h, w = question.args[1]
            images = question.state["weight"].size / (h * w)
            return images * (h * (w - 1) + (h - 1) * w)
        averages = question.kwargs.get("reduction", "mean").endswith("mean")
        if not averages or question.name == "WeightedSum":
            return 1.0
        return float(self.torch(reduction="sum")["output"] / self.want["output"])

    def only_a_constant_differs(self) -> bool:
        """Whether a loss's value is wrong, and its gradient right and its own."""
        far = self.only_value and not close(
            self.got["output"], self.want["output"], 1e-5
        )
        return far and bool(is_own_gradient(self))

    def gradient_of_something_else(self) -> bool:
        """Whether of a loss and its gradient one is wrong and they differ."""
        if not self.is_loss or ("output" in self.wrong and not self.only_value):
            return False
        if self.only_value and close(self.got["output"], self.want["output"], 1e-5):
            return False  # a measured slope would not show it
        return is_own_gradient(self) is False

    def differences(self, wrapped: bool = False) -> list[np.ndarray]:
        """Those of neighbouring pixels, down and across, of a smoothness penalty."""
        images = self.question.state["weight"].reshape(-1, *self.question.args[1])
        if wrapped:
            return [np.roll(images, -1, axis) - images for axis in (1, 2)]
        return [np.diff(images, axis=axis) for axis in (1, 2)]

    def reduced(self, terms: np.ndarray) -> np.ndarray:
        """The value of a loss with these terms, reduced as it is asked for."""
        return terms if self.want["output"].ndim else terms.sum() / self.divisor()

    def share(self) -> np.ndarray:
        """The factor of each term's gradient: ∂L/∂y, or 1/N of a mean."""
        own = self.upstream / self.divisor() if self.is_loss else self.upstream
        return own[..., None] if 0 < own.ndim < self.x.ndim else own

    def probabilities(self) -> np.ndarray:
        """What a classification loss takes for probabilities."""
        if self.question.name == "BCELoss":
            return self.x
        if self.question.name == "BCEWithLogitsLoss":
            return sigmoid(self.x)
        return softmax_of(self.x, axis=min(1, self.x.ndim - 1))

    def one_hot(self) -> np.ndarray:
        """Where the right class is."""
        return np.arange(self.x.shape[1]) == self.question.inputs[1][:, None]

    def all_with_all(self) -> np.ndarray:
        """The loss of every prediction with every target."""
        x, target = (a.ravel() for a in self.question.inputs)
        pairs = np.repeat(x, target.size), np.tile(target, x.size)
        return self.again(inputs=pairs)["output"]

    def tip(self) -> float:
        """Where the squared part of SmoothL1Loss and HuberLoss ends."""
        return self.question.kwargs.get("beta", self.question.kwargs.get("delta", 1.0))

    def bce(
        self, p: np.ndarray, q: np.ndarray, ones: Any = 1.0, zeros: Any = 1.0
    ) -> Results:
        """−t log p − (1 − t) log q, q being 1 − p, with factors before the terms."""
        target, given = self.question.inputs[1], self.question.kwargs
        ones = ones * target * _factor(given.get("pos_weight"))
        zeros = zeros * (1 - target)
        logs = np.maximum(
            np.log([p, q]), -100 if self.question.name == "BCELoss" else -np.inf
        )
        weight = _factor(given.get("weight"))
        terms = -weight * (ones * logs[0] + zeros * logs[1])
        own = self.probabilities()
        inside = 1.0 if self.question.name == "BCELoss" else own * (1 - own)
        gradient = self.share() * weight * (zeros / q - ones / p) * inside
        return {"output": self.reduced(terms), "input gradient": gradient}

    def cross_entropy(self, p: np.ndarray) -> Results:
        """Cross-entropy of these probabilities, with the gradient p − y."""
        truth = self.of_truth()
        rest = (self.want["input gradient"] - truth) / self.probabilities() * p
        return {**self.likelihood(np.log(p)), "input gradient": truth + rest}

    def of_truth(self) -> np.ndarray:
        """The target's part in the gradient: −y, times 1/N or ∂L/∂y."""
        return self.likelihood(self.x)["input gradient"]

    def likelihood(self, logs: np.ndarray) -> Results:
        """Cross-entropy −Σ target · logs, whatever the logs are."""
        target, axis = self.question.inputs[1], min(1, self.x.ndim - 1)
        kwargs = {
            k: v for k, v in self.question.kwargs.items() if k != "label_smoothing"
        }
        if target.shape != self.x.shape:
            return self.again(name="NLLLoss", kwargs=kwargs, inputs=(logs, target))
        weight = kwargs.get("weight", np.ones(self.x.shape[axis]))
        target = target * weight.reshape(-1, *(1,) * (self.x.ndim - 2))
        value = self.reduced(-(target * logs).sum(axis=axis))
        return {"output": value, "input gradient": -self.share() * target}

    # -- activations ---

    def at_kinks(self) -> np.ndarray:
        """Where the input is at a kink of an activation or a loss."""
        kwargs = self.question.kwargs
        if self.question.name == "L1Loss":
            return self.x == self.question.inputs[1]
        kinks = {name: [0.0] for name in ("ReLU", "LeakyReLU", "Step", "PReLU", "ELU")}
        kinks |= {
            "ReLU6": [0.0, 6.0],
            "HingeEmbeddingLoss": [kwargs.get("margin", 1.0)],
        }
        kinks["Hardtanh"] = [kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0)]
        return np.isin(self.x, kinks.get(self.question.name, []))

    def softmax_backward(self, y: np.ndarray, axis: int) -> np.ndarray:
        """The gradient of Softmax or LogSoftmax, summed along an axis."""
        if self.question.name == "LogSoftmax":
            return self.upstream - np.exp(y) * self.upstream.sum(
                axis=axis, keepdims=True
            )
        return y * (self.upstream - (self.upstream * y).sum(axis=axis, keepdims=True))

    def softmax(self, axis: Any, eps: float = 0.0) -> Results:
        """Softmax with the sums, plus ε, along another axis than `dim`."""
        dim = self.question.kwargs.get("dim", -1)
        powers = np.exp(self.x - self.x.max(axis=dim, keepdims=True))
        y = powers / (powers.sum(axis=axis, keepdims=True) + eps)
        y = np.log(y) if self.question.name == "LogSoftmax" else y
        return {"output": y, "input gradient": self.softmax_backward(y, axis)}

    def slope(self, at: np.ndarray) -> np.ndarray:
        """The derivative of an activation at other inputs."""
        found = self.again(inputs=(at,))["input gradient"]
        return np.divide(
            found, self.upstream, where=self.upstream != 0, out=np.zeros_like(found)
        )

    # -- layers ---

    def overlap_overwritten(self) -> Iterator[np.ndarray]:
        """Each window's gradient written over that of those before it, or behind it."""
        if self.wrong != ("input gradient",):
            return
        by_window = []
        for window in np.ndindex(self.upstream.shape[-self.dimensions() :]):
            kept = np.zeros_like(self.upstream)
            kept[(..., *window)] = self.upstream[(..., *window)]
            by_window.append(self.with_upstream(kept)["input gradient"])
        for ordered in (by_window, by_window[::-1]):
            written = np.zeros_like(self.x)
            for gradient in ordered:
                written = np.where(gradient != 0, gradient, written)
            yield written

    def channel_axis(self) -> int:
        """The dimension of the output channels: in a convolution not the last one."""
        behind = self.dimensions() if "Conv" in self.question.name else 0
        return self.want["output"].ndim - 1 - behind

    def dimensions(self) -> int:
        """Along how many dimensions windows are moved."""
        return int(self.question.name[-2])

    def window_size(self) -> float:
        """How many numbers are in a window."""
        size = self.question.kwargs["kernel_size"]
        return float(np.prod(size) if np.ndim(size) else size ** self.dimensions())

    def padded(self) -> np.ndarray:
        """The input, with zeros around it."""
        padding = np.broadcast_to(self.question.kwargs["padding"], self.dimensions())
        rest = [(0, 0)] * (self.x.ndim - len(padding))
        return np.pad(self.x, rest + [(p, p) for p in padding])

    def padding_left(self) -> np.ndarray:
        """The first rows and columns of the padded input's gradient, or all of it."""
        kwargs = {**self.question.kwargs, "padding": 0}
        x = self.padded()
        found = self.with_upstream(self.upstream, inputs=(x,), kwargs=kwargs)
        return found["input gradient"][
            tuple(map(slice, self.got["input gradient"].shape))
        ]

    def at_stride_1(self) -> Results:
        """The gradients of windows that lie side by side instead of `stride` apart."""
        kwargs = {**self.question.kwargs, "stride": 1}
        side_by_side = np.zeros(self.again(kwargs=kwargs)["output"].shape)
        side_by_side[tuple(map(slice, self.upstream.shape))] = self.upstream
        return self.with_upstream(side_by_side, kwargs=kwargs)

    def of_other_pooling(self) -> Results:
        """Torch's results with the mean for the maximum, or the other way round."""
        names = {"Max": "Avg", "Avg": "Max"}
        return self.again(name=names[self.question.name[:3]] + self.question.name[3:])

    def first_windows_only(self) -> Iterator[Results]:
        """The gradients if a loop over examples, channels or windows ends too early."""
        axes = range(self.upstream.ndim)
        for first, last in ((i, j) for i in axes for j in axes if i <= j):
            kept = np.zeros_like(self.upstream)
            at = (slice(None),) * first + (0,) * (last - first + 1)
            kept[at] = self.upstream[at]
            yield self.with_upstream(kept)

    def wrongly_reshaped(self) -> np.ndarray:
        """A pooling whose windows hold numbers that lie far apart."""
        k, n = self.question.kwargs["kernel_size"], self.x.ndim - self.dimensions()
        split = [part for size in self.x.shape[n:] for part in (k, size // k)]
        windows, axes = (
            self.x.reshape(*self.x.shape[:n], *split),
            range(n, n + len(split), 2),
        )
        pooled = np.max if "Max" in self.question.name else np.mean
        return pooled(windows, axis=tuple(axes))

    def around_each_layer(self) -> Results:
        """The gradients of a Residual that adds what comes back at every layer."""
        module = built(handmade.nn.Residual, self.question, np.asarray)
        module(self.x)
        grad = self.upstream
        for layer in reversed([*module]):
            grad = grad + layer.backward(grad)
        gradients = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
        return {"input gradient": grad, **gradients}

    def top(self) -> int:
        """The largest level of a quantised weight."""
        bits = self.question.kwargs["bits"]
        return 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1

    def linear(self, weight: np.ndarray) -> Results:
        """A linear layer with this weight."""
        bias = self.question.state.get("bias", 0.0)
        return {
            "output": self.x @ weight.T + bias,
            "input gradient": self.upstream @ weight,
        }

    # -- running statistics ---

    def momentum_of(self) -> float:
        """What the running statistics take of a batch's own."""
        counted = int(self.question.buffers.get("num_batches_tracked", 0))
        momentum = self.question.kwargs.get("momentum", 0.1)
        return 1 / (counted + 1) if momentum is None else momentum

    def running_variance(self, of: Any) -> Results:
        """The running variance, if it takes this function of the unbiased one."""
        name, m = "buffer running_var", self.momentum_of()
        kept = (1 - m) * self.question.buffers["running_var"]
        return {**self.want, name: kept + m * of((self.want[name] - kept) / m)}
