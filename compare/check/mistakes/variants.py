"""Wrong results that take more than a formula, for the tables of mistakes."""

from collections.abc import Callable, Iterable, Iterator
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

    def __getattr__(self, name: str) -> Any:
        """The name, arguments and arrays of the test case."""
        return getattr(self.question, name)

    def again(self, **changes: Any) -> Results:
        """Torch's results in a test case with these changes."""
        return torchs(replace(self.question, **changes))

    def torch(self, **options: Any) -> Results:
        """Torch's results with other options."""
        return self.again(kwargs={**self.kwargs, **options})

    def without(self, *options: str) -> Results:
        """Torch's results with the defaults of options that were given."""
        others = {k: v for k, v in self.kwargs.items() if k not in options}
        return {} if others.keys() == self.kwargs.keys() else self.again(kwargs=others)

    def times(self, factor: float) -> Results:
        """Torch's results times a factor."""
        return {name: factor * want for name, want in self.want.items()}

    def scaled(self, factor: float) -> Results:
        """The same, unless the value of a loss alone is wrong."""
        return {} if factor == 1 or self.only_value else self.times(factor)

    def right_but_where(self, places: np.ndarray) -> Results:
        """Torch's results, and at these places the file's."""
        found = self._those(lambda a, want: a.shape == want.shape == places.shape)
        return {n: np.where(places, a, self.want[n]) for n, a in found.items()}

    def _those(self, are_so: Callable[[np.ndarray, np.ndarray], bool]) -> Results:
        """The file's wrong results of which this holds, given torch's."""
        pairs = {name: (self.got[name], self.want[name]) for name in self.wrong}
        return {name: pair[0] for name, pair in pairs.items() if are_so(*pair)}

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
        shape = self.x.shape
        examples = {*shape[:1], int(np.prod(shape[:-1]))} if shape else {1}

        def are_so(a: np.ndarray, want: np.ndarray) -> bool:
            is_longer = a.ndim == want.ndim + 1 and len(a) in examples
            return is_longer and close(a.sum(axis=0), want, 1e-9)

        return self._those(are_so)

    def of_another_shape(self) -> Results:
        """The gradients of parameters that are right but for dimensions of length 1."""

        def are_so(a: np.ndarray, want: np.ndarray) -> bool:
            is_alike = (
                a.shape != want.shape and a.squeeze().shape == want.squeeze().shape
            )
            return is_alike and close(a.reshape(want.shape), want, 1e-9)

        named = self._those(are_so).items()
        return {n: a for n, a in named if n not in ("input gradient", "output")}

    # -- losses ---

    def examples(self) -> float:
        """How many examples a loss is given: rows, or everything but the classes."""
        x, target = self.inputs
        if target.shape != x.shape:
            return float(target.size)
        if self.name == "CrossEntropyLoss":
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
        is_near = close(self.got["output"], self.want["output"], 1e-5)
        return self.only_value and not is_near and bool(is_own_gradient(self))

    def gradient_of_something_else(self) -> bool:
        """Whether of a loss and its gradient one is wrong and they differ."""
        if not self.is_loss or ("output" in self.wrong and not self.only_value):
            return False
        if self.only_value and close(self.got["output"], self.want["output"], 1e-5):
            return False  # a measured slope would not show it
        return is_own_gradient(self) is False

    def differences(self, wrapped: bool = False) -> list[np.ndarray]:
        """Those of neighbouring pixels, down and across, of a smoothness penalty."""
        images = self.state["weight"].reshape(-1, *self.args[1])
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
        if self.name in ("BCELoss", "CrossEntropyOfProbabilities"):
            return self.x
        if self.name == "BCEWithLogitsLoss":
            return sigmoid(self.x)
        return softmax_of(self.x, axis=min(1, self.x.ndim - 1))

    def one_hot(self) -> np.ndarray:
        """Where the right class is."""
        return np.arange(self.x.shape[1]) == self.inputs[1][:, None]

    def all_with_all(self) -> np.ndarray:
        """The loss of every prediction with every target."""
        x, target = (a.ravel() for a in self.inputs)
        pairs = np.repeat(x, target.size), np.tile(target, x.size)
        return self.again(inputs=pairs)["output"]

    def tip(self) -> float:
        """Where the squared part of SmoothL1Loss and HuberLoss ends."""
        return self.kwargs.get("beta", self.kwargs.get("delta", 1.0))

    def bce(
        self, p: np.ndarray, q: np.ndarray, ones: Any = 1.0, zeros: Any = 1.0
    ) -> Results:
        """−t log p − (1 − t) log q, q being 1 − p, with factors before the terms."""
        target, own = self.inputs[1], self.probabilities()
        is_of_logits = self.name != "BCELoss"
        weight, inside = (
            self.kwargs.get("weight", 1.0),
            (own * (1 - own)) ** is_of_logits,
        )
        ones, zeros = (
            ones * target * self.kwargs.get("pos_weight", 1.0),
            zeros * (1 - target),
        )
        logs = np.log([p, q]) if is_of_logits else np.maximum(np.log([p, q]), -100)
        terms = -weight * (ones * logs[0] + zeros * logs[1])
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
        target, axis = self.inputs[1], min(1, self.x.ndim - 1)
        kwargs = {k: v for k, v in self.kwargs.items() if k != "label_smoothing"}
        if target.shape != self.x.shape:
            return self.again(name="NLLLoss", kwargs=kwargs, inputs=(logs, target))
        weight = kwargs.get("weight", np.ones(self.x.shape[axis]))
        target = target * weight.reshape(-1, *(1,) * (self.x.ndim - 2))
        value = self.reduced(-(target * logs).sum(axis=axis))
        return {"output": value, "input gradient": -self.share() * target}

    # -- activations ---

    def at_kinks(self) -> np.ndarray:
        """Where the input is at a kink of an activation or a loss."""
        if self.name == "L1Loss":
            return self.x == self.inputs[1]
        option = self.kwargs.get
        kinks = {name: [0.0] for name in ("ReLU", "LeakyReLU", "Step", "PReLU", "ELU")}
        kinks |= {"ReLU6": [0.0, 6.0], "HingeEmbeddingLoss": [option("margin", 1.0)]}
        kinks["Hardtanh"] = [option("min_val", -1.0), option("max_val", 1.0)]
        return np.isin(self.x, kinks.get(self.name, []))

    def softmax_backward(self, y: np.ndarray, axis: int) -> np.ndarray:
        """The gradient of Softmax or LogSoftmax, summed along an axis."""
        g = self.upstream
        if self.name == "LogSoftmax":
            return g - np.exp(y) * g.sum(axis=axis, keepdims=True)
        return y * (g - (g * y).sum(axis=axis, keepdims=True))

    def softmax(self, axis: Any, eps: float = 0.0) -> Results:
        """Softmax with the sums, plus ε, along another axis than `dim`."""
        dim = self.kwargs.get("dim", -1)
        powers = np.exp(self.x - self.x.max(axis=dim, keepdims=True))
        y = powers / (powers.sum(axis=axis, keepdims=True) + eps)
        y = np.log(y) if self.name == "LogSoftmax" else y
        return {"output": y, "input gradient": self.softmax_backward(y, axis)}

    def slope(self, at: np.ndarray) -> np.ndarray:
        """The derivative of an activation at other inputs."""
        found, g = self.again(inputs=(at,))["input gradient"], self.upstream
        return np.divide(found, g, where=g != 0, out=np.zeros_like(found))

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
        behind = self.dimensions() if "Conv" in self.name else 0
        return self.want["output"].ndim - 1 - behind

    def dimensions(self) -> int:
        """Along how many dimensions windows are moved."""
        return int(self.name[-2])

    def window_size(self) -> float:
        """How many numbers are in a window."""
        size = self.kwargs["kernel_size"]
        return float(np.prod(size) if np.ndim(size) else size ** self.dimensions())

    def padded(self) -> np.ndarray:
        """The input, with zeros around it."""
        padding = np.broadcast_to(self.kwargs["padding"], self.dimensions())
        rest = [(0, 0)] * (self.x.ndim - len(padding))
        return np.pad(self.x, rest + [(p, p) for p in padding])

    def padding_left(self) -> np.ndarray:
        """The first rows and columns of the padded input's gradient, or all of it."""
        kwargs = {**self.kwargs, "padding": 0}
        x = self.padded()
        found = self.with_upstream(self.upstream, inputs=(x,), kwargs=kwargs)
        shape = self.got["input gradient"].shape
        return found["input gradient"][tuple(map(slice, shape))]

    def at_stride_1(self) -> Results:
        """The gradients of windows that lie side by side instead of `stride` apart."""
        kwargs = {**self.kwargs, "stride": 1}
        side_by_side = np.zeros(self.again(kwargs=kwargs)["output"].shape)
        side_by_side[tuple(map(slice, self.upstream.shape))] = self.upstream
        return self.with_upstream(side_by_side, kwargs=kwargs)

    def of_other_pooling(self) -> Results:
        """Torch's results with the mean for the maximum, or the other way round."""
        names = {"Max": "Avg", "Avg": "Max"}
        return self.again(name=names[self.name[:3]] + self.name[3:])

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
        k, n = self.kwargs["kernel_size"], self.x.ndim - self.dimensions()
        split = [part for size in self.x.shape[n:] for part in (k, size // k)]
        windows = self.x.reshape(*self.x.shape[:n], *split)
        pooled = np.max if "Max" in self.name else np.mean
        return pooled(windows, axis=tuple(range(n, n + len(split), 2)))

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
        bits = self.kwargs["bits"]
        return 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1

    def linear(self, weight: np.ndarray) -> Results:
        """A linear layer with this weight."""
        y = self.x @ weight.T + self.state.get("bias", 0.0)
        return {"output": y, "input gradient": self.upstream @ weight}

    # -- running statistics ---

    def momentum_of(self) -> float:
        """What the running statistics take of a batch's own."""
        counted = int(self.buffers.get("num_batches_tracked", 0))
        momentum = self.kwargs.get("momentum", 0.1)
        return 1 / (counted + 1) if momentum is None else momentum

    def running_variance(self, of: Any) -> Results:
        """The running variance, if it takes this function of the unbiased one."""
        name, m = "buffer running_var", self.momentum_of()
        kept = (1 - m) * self.buffers["running_var"]
        return {**self.want, name: kept + m * of((self.want[name] - kept) / m)}
