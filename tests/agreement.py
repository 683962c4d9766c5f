"""Compares both implementations on a random example of tests/strategies/.

In float64 they may differ by 1e-12 of the largest expected number or, where a sum may
cancel, of its largest term. In float32 the hand-written side may be a few times as far
from float64 as torch's own float32.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from oracles import finite_differences
from strategies.losses import LOSSES, MARGINS
from strategies.spec import Descent, Example

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.testing.case import Layer, resolved
from compare.testing.reference import (
    Results,
    autograds,
    built,
    found,
    torchs,
    with_state,
)

FLOAT64_TOLERANCE = 1e-12
FLOAT32_EPS = float(np.finfo(np.float32).eps)


LINEAR = (
    *("Linear", "QuantizedLinear", "Embedding"),
    *("Conv1d", "Conv2d", "AvgPool1d", "AvgPool2d"),
)
"""Sums of products: larger where every factor is positive."""


class Mismatch(AssertionError):
    """Both implementations differ, or a law is broken."""


def check(example: Example | Descent) -> None:
    """Raise Mismatch unless every law holds for the example."""
    if isinstance(example, Descent):
        check_optimizer(example)
        return
    check_layer(example)
    if example.name in LOSSES:
        check_gradient_belongs_to_value(example)


def check_layer(example: Example) -> None:
    """Value and gradients are torch's; dtype and shape are kept, inputs unchanged."""
    example = stated(example)
    exact = torchs(example)
    theirs = exact if example.dtype == "float64" else torchs(example, example.dtype)
    got = handmades(example)
    if got.keys() != exact.keys():
        raise Mismatch(f"{sorted(got)} is not {sorted(exact)}")
    upstream = example.grad_output(exact["output"])
    floors = cancellation(example, largest(1.0 if upstream is None else upstream))
    for name, want in exact.items():
        size = largest(want) + floors.get(name, 0.0)
        compare(name, got[name], want, size, largest(theirs[name] - want))


def stated(example: Example) -> Example:
    """The example with parameters and buffers, the same ones each time."""
    return with_state(example, np.random.default_rng([example.seed, 2]))


def compare(
    name: str, got: np.ndarray, want: np.ndarray, size: float, theirs: float
) -> None:
    """Raise Mismatch unless `got` is `want` in `got`'s precision."""
    if got.shape != want.shape:
        raise Mismatch(f"{name} has shape {got.shape}, torch's has {want.shape}")
    tolerance = FLOAT64_TOLERANCE * size
    if got.dtype == np.float32:
        tolerance = 4 * theirs + 8 * FLOAT32_EPS * size
    if got.dtype.kind == "f":
        # Torch may flush to 0 what is smaller: its sigmoid does from −710 on.
        tolerance += float(np.finfo(got.dtype).tiny)
    if not largest(got - want) <= tolerance:
        raise Mismatch(
            f"{name} is {largest(got - want):.3g} from torch's, allowed are "
            f"{tolerance:.3g}:\n{got}\n{want}"
        )


def largest(values: Any) -> float:
    """The max-norm, which for no values is 0."""
    return float(np.max(np.abs(values), initial=0.0))


def handmades(example: Example) -> Results:
    """The hand-written class's answer, on arrays of the example's kind."""
    give = Giver(example)
    got = found(
        getattr(handmade.nn, example.name), example, give, lambda a: kept(a, example)
    )
    give.check_untouched()
    return got


def kept(value: Any, example: Example | Descent) -> np.ndarray:
    """The array as NumPy's; Mismatch unless its library and dtype were kept."""
    if isinstance(value, torch.Tensor) != (example.library == "torch"):
        raise Mismatch(f"a {type(value)} came of arrays of {example.library}")
    array = to_numpy(value)
    if array.dtype.kind == "f" and array.dtype != example.dtype:
        raise Mismatch(f"{array.dtype} came of {example.dtype}")
    return array


class Giver:
    """Turns NumPy arrays into the example's kind, and remembers what they held."""

    def __init__(self, example: Example | Descent) -> None:
        self.example = example
        self.given: list[tuple[Any, np.ndarray]] = []

    def __call__(self, values: np.ndarray) -> Any:
        """The same values in the example's library, dtype and layout."""
        name = self.example.dtype
        if values.dtype.kind != "f":
            small = largest(values) < 256 and bool(np.all(values >= 0))
            name = self.example.index if small else "int64"
        layout = self.example.layout if values.ndim else "contiguous"
        array: Any = LAID_OUT[layout](values.astype(name))
        if self.example.library == "torch":
            array = torch.from_numpy(array)
        self.given.append((array, to_numpy(array).copy()))
        return array

    def check_untouched(self) -> None:
        """Raise Mismatch if any array is not what it was."""
        for now, before in self.given:
            if not np.array_equal(to_numpy(now), before):
                raise Mismatch(f"an array was written to: {before} became {now}")


LAID_OUT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": lambda a: a.copy(),
    "strided": lambda a: np.repeat(a[..., None], 2, axis=-1)[..., 1],
    "transposed": lambda a: a.copy(order="F"),
    "window": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
    "reversed": lambda a: np.flip(np.flip(a).copy()),
}


def cancellation(example: Example, upstream: float) -> dict[str, float]:
    """The largest terms of the sums behind each result, which may cancel.

    For example, σ(x) − y is a difference of numbers around 1, however small it is.
    """
    name, x = example.name, example.inputs[0]
    if name in ("Sequential", "Residual", *LINEAR):
        return {k: largest(v) for k, v in majorised(example).items()}
    if name in ("GELU", "SiLU", "Softplus", "PReLU"):
        return _one_activation(name, x, upstream)
    if name == "WeightedSum":
        return _summed(example, upstream)
    if name == "SmoothnessPenalty":  # differences of numbers below 6
        return {"output": 100, "gradient weight": 10 * upstream}
    if name in LOSSES:
        value, slope = _one_loss(example)
        upstream /= divisor(example)
        return {"output": value * _share(example), "input gradient": slope * upstream}
    if "Norm" in name:
        return _norm_cancellation(example, upstream)
    terms = {"Sigmoid": 1, "Tanh": 1, "Softmax": 1, "LogSoftmax": max(x.shape or [1])}
    # As many windows as have places in a kernel may have the same maximum.
    terms |= {"MaxPool1d": 4, "MaxPool2d": 16}
    return {"input gradient": terms.get(name, 0) * upstream}


def _norm_cancellation(example: Example, upstream: float) -> dict[str, float]:
    """Of x − μ, whose rounding x̂ inherits; and of the gradient less its means."""
    x, options = example.inputs[0], example.kwargs
    state = example.state | example.buffers
    default = np.finfo(example.dtype).eps if example.name == "RMSNorm" else 1e-5
    deviation = np.sqrt(_least_variance(example, state) + options.get("eps", default))
    offset = largest(x) + largest(state.get("running_mean", 0.0))
    x_hat, weight = 1 + offset / deviation, largest(state.get("weight", 1.0))
    return {
        "output": weight * x_hat + largest(state.get("bias", 0.0)),
        "input gradient": upstream * weight * x_hat / deviation,
        "gradient weight": upstream * x.size * x_hat,
        "gradient bias": upstream * x.size,
        "buffer running_mean": offset,
        "buffer running_var": largest(x) ** 2 / max(x.size, 1),
    }


def _least_variance(example: Example, state: dict[str, np.ndarray]) -> float:
    """The smallest that a normalisation divides by."""
    x, first = example.inputs[0], example.args[0]
    if not x.size:
        return 1.0
    if "running_var" in state and not example.training:
        return float(state["running_var"].min())
    rows = {
        "LayerNorm": lambda: x.reshape(-1, np.prod(first, dtype=int)),
        "RMSNorm": lambda: x.reshape(-1, np.prod(first, dtype=int)),
        "GroupNorm": lambda: x.reshape(len(x) * first, -1),
    }.get(example.name, lambda: np.moveaxis(x, 1, 0).reshape(first, -1))()
    if example.name == "RMSNorm":
        return float(np.square(rows).mean(axis=1).min())
    return float(rows.var(axis=1).min())


def _one_activation(name: str, x: np.ndarray, upstream: float) -> dict[str, float]:
    """Torch's Φ is 1 + erf, its slope a sum of Φ and x Φ′, which is below 1."""
    if name == "PReLU":
        return {"gradient weight": x.size * largest(x) * upstream}
    return {"output": largest(x) * (name == "GELU"), "input gradient": upstream}


def _summed(example: Example, upstream: float) -> dict[str, float]:
    """What a weighted sum adds up: all of its losses' results, and their floors."""
    total: dict[str, float] = {}
    for number, (factor, loss) in enumerate(example.args[0]):
        parts = {"name": loss.name, "args": loss.args, "kwargs": loss.kwargs}
        alone = stated(replace(example, **parts, state={}, buffers={}))
        floors = cancellation(alone, upstream)
        for name, value in torchs(alone).items():
            floors[name] = floors.get(name, 0) + largest(value)
        for name, size in floors.items():
            place = name.replace("gradient ", f"gradient {number}.")
            place = place if name.startswith("gradient") else name
            total[place] = total.get(place, 0) + abs(factor) * size
    return total


class Majorant(Example):
    """The same numbers without their signs."""

    def grad_output(self, output: Any) -> np.ndarray | None:
        upstream = super().grad_output(output)
        return None if upstream is None else abs(upstream)


def majorised(example: Example) -> Results:
    """The same net with all numbers made positive, so that nothing cancels."""
    positive: dict[str, Any] = {
        "state": {name: abs(array) for name, array in example.state.items()},
        "inputs": tuple(map(abs, example.inputs)),
    }
    layer = _majorant(Layer(example.name, example.args, example.kwargs))
    question = Majorant(**{**vars(example), **positive})
    backend = Backend("torch")
    plain = replace(question, args=(), kwargs={})
    module = built(lambda: layer, plain, backend.to_torch, torch_ref.nn)
    return autograds(module, question, backend)


class Larger(torch.nn.Module):
    """x + 1 for positive x: above every squashing activation, nowhere less steep."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def _majorant(layer: Layer) -> torch.nn.Module:
    """A net of the same parameters whose activations are `Larger`."""
    if layer.name in ("Sequential", "Residual"):
        make = getattr(torch_ref.nn, layer.name)
        return make(*(_majorant(inner) for inner in layer.args))
    kept = layer.name in (*LINEAR, "Flatten")
    return resolved(layer, torch_ref.nn) if kept else Larger()


def _one_loss(example: Example) -> tuple[float, float]:
    """What one element's loss, and its slope, may be a difference of."""
    x, weight = example.inputs[0], _one_weight(example)
    kwargs = example.kwargs
    p = kwargs.get("p", 1)
    value, slope = {
        "BCEWithLogitsLoss": (1 + largest(x), 1),
        "CrossEntropyLoss": (_classes(x), _classes(x)),
        "ExpectedCostLoss": (_classes(x), 2 * largest(kwargs.get("cost", 2))),
        "GaussianKLLoss": (1 + 2 * max(map(largest, example.inputs)), 1),
        "KLDivLoss": (1 + 4 * largest(x), 1),
        "MultiMarginLoss": ((2 + 2 * largest(x)) ** p, p * (2 + 2 * largest(x)) ** p),
        "NLLLoss": (largest(x), 0),
    }.get(example.name, (0, 0))
    return weight * value, weight * slope


def _one_weight(example: Example) -> float:
    kwargs = example.kwargs
    return largest(kwargs.get("weight", 1)) * (1 + largest(kwargs.get("pos_weight", 0)))


def _classes(x: np.ndarray) -> int:
    return x.shape[min(1, x.ndim - 1)] if x.ndim else 1


def divisor(example: Example) -> float:
    """What the loss divides by: 1, the elements, or the weights of what counts."""
    target, kwargs = example.inputs[1], example.kwargs
    if kwargs.get("reduction", "mean") == "batchmean":
        return float(len(target)) if target.ndim else 1.0
    if kwargs.get("reduction", "mean") != "mean":
        return 1.0
    if target.dtype.kind == "f":
        return _count(example)
    counted = target[target != kwargs.get("ignore_index", -100)]
    weight = kwargs.get("weight")
    if example.name == "MultiMarginLoss":  # its mean is not a weighted one
        weight = None
    return float(counted.size if weight is None else weight[counted].sum())


def _count(example: Example) -> float:
    """How many losses there are before they are reduced."""
    x, target = example.inputs
    if example.name == "GaussianKLLoss":
        return target.size / target.shape[-1]
    shares = example.name == "CrossEntropyLoss" and target.dtype.kind == "f"
    return target.size / (_classes(x) if shares else 1)


def _share(example: Example) -> float:
    """How often one element's loss goes into the value."""
    apart = example.kwargs.get("reduction") == "none"
    return 1.0 if apart else _count(example) / divisor(example)


def check_gradient_belongs_to_value(example: Example) -> None:
    """The gradient of a loss is the slope of its own value, whatever torch's is.

    Central differences at up to eight elements, away from kinks, where the slope is a
    convention.
    """
    x, *others = example.inputs
    make = getattr(handmade.nn, example.name)
    criterion = built(make, stated(example), lambda a: a)
    upstream = example.grad_output(criterion(x, *others))
    gradient = criterion.backward(*([] if upstream is None else [upstream]))
    sizes = STEPS[example.name](*example.inputs)
    step, extra, slope = (np.reshape(a, -1) for a in (*sizes, gradient))
    at = np.flatnonzero(step)[:8]
    steps = step[at]
    heights = [0.0]
    if example.name == "WeightedSum":  # whose losses may cancel to nothing
        heights[0] = _summed(example, 1)["output"]
        heights[0] *= largest(1.0 if upstream is None else upstream)

    def value(moves: np.ndarray) -> float:
        moved = x.reshape(-1).copy()
        moved[at] += moves * steps
        loss = criterion(moved.reshape(x.shape), *others)
        weighted = loss if upstream is None else loss * upstream
        heights.append(float(np.sum(np.abs(weighted))))  # the sum itself may cancel
        return float(np.sum(weighted))

    slopes = finite_differences(value, np.zeros(len(at)), h=1.0)
    weight = _one_weight(example) * largest(1.0 if upstream is None else upstream)
    size = largest(gradient) + extra[at] * weight / divisor(example)
    noise = 4 * x.size * np.finfo(np.float64).eps * largest(heights)
    off = abs(slope[at] * steps - slopes)
    if not np.all(off <= 1e-5 * size * steps + noise):
        raise Mismatch(
            f"input gradient {slope[at]} does not belong to the value, "
            f"whose slope is {slopes / steps}"
        )


def _flat(step: float, size: float) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return lambda x, target: (np.full(x.shape, step), np.full(x.shape, size))


def _beside_the_tie(x: np.ndarray, target: np.ndarray) -> Any:
    apart, scale = abs(x - target), abs(x) + abs(target)
    return np.where(apart > 1e-4 * scale, 1e-3 * apart, 0), 0 * x


def _across_the_tie(x: np.ndarray, target: np.ndarray) -> Any:
    scale = abs(x) + abs(target)
    return 1e-3 * scale, 1e-9 * scale  # x ± step is rounded: no slope of exactly 0


def _beside_the_tip(x: np.ndarray, target: np.ndarray) -> Any:
    step, extra = _beside_the_tie(x, target)
    return 3e-3 * step, extra  # the slope bends where squared goes over to straight


def _beside_the_margin(x: np.ndarray, target: np.ndarray) -> Any:
    room = np.min([abs(x - m) for m in MARGINS], axis=0)
    return np.where(room > 1e-4 * (1 + abs(x)), 1e-3 * room, 0), 0 * x


def _beside_all_margins(x: np.ndarray, target: np.ndarray) -> Any:
    """How near any class of the row is to a margin from the right one."""
    axis = x.ndim - 1
    right = np.take_along_axis(x, np.expand_dims(target, axis), axis)
    apart = [abs(m - right + x) for m in MARGINS]
    others = np.arange(x.shape[-1]) != np.expand_dims(target, axis)
    room = np.min(np.where(others, apart, np.inf), axis=(0, -1))
    scale = 1 + np.max(abs(x), axis=-1)
    step = np.where((room > 1e-4 * scale) & (room < np.inf), 1e-3 * room, 0)
    step = np.where(step > 0, np.minimum(step, 1e-3 * scale), 0)
    return np.broadcast_to(np.expand_dims(step, -1), x.shape), 0 * x


def _in_a_sum(x: np.ndarray, target: np.ndarray) -> Any:
    if target.dtype.kind == "f":
        return _beside_the_tip(x, target)
    return _flat(1e-3, 20)(x, target)


def _of_curves(x: np.ndarray, target: np.ndarray) -> Any:
    """The slope by s bends as eᵈ does, d being the difference of the log-variances."""
    change = np.split(x - target, 2, axis=-1)[1]
    return _flat(1e-3, float(np.exp(np.max(change, initial=0.0))))(x, target)


def _inside(x: np.ndarray, target: np.ndarray) -> Any:
    room = np.minimum(x, 1 - x)
    return 1e-3 * room, 1 / np.maximum(room, 1e-9)


STEPS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "BCELoss": _inside,
    "BCEWithLogitsLoss": _flat(1e-3, 1),
    "CrossEntropyLoss": _flat(1e-3, 5),
    "ExpectedCostLoss": _flat(1e-3, 5),
    "GaussianKLLoss": _of_curves,
    "HingeEmbeddingLoss": _beside_the_margin,
    "HuberLoss": _beside_the_tip,
    "KLDivLoss": lambda x, target: (1e-3 * abs(x), 0 * x),
    "L1Loss": _beside_the_tie,
    "MSELoss": _across_the_tie,
    "MultiMarginLoss": _beside_all_margins,
    "NLLLoss": lambda x, target: (1e-3 * abs(x), 0 * x),
    "SmoothL1Loss": _beside_the_tip,
    "WeightedSum": _in_a_sum,
}
"""By loss: how far to step for each element (0: not at all), and the size of what its
slope is a difference of."""


def check_optimizer(example: Descent) -> None:
    """Every step leads to torch's parameters and leaves the gradients unchanged.

    Between the steps the gradients are overwritten: no state may share their memory.
    """
    give = Giver(example)
    exact = Training(example, torch_ref, Backend("torch").to_torch)
    theirs, ours = exact, Training(example, handmade, give)
    if example.dtype == "float32":
        theirs = Training(
            example, torch_ref, Backend("torch", "cpu", "float32").to_torch
        )
    size = [largest(a) for a in exact.values()]
    gap = [0.0] * len(size)
    for step in range(example.steps):
        if step == example.resumed:
            ours.resume()
        for training in {exact, theirs, ours}:
            training.step(step)
        give.check_untouched()
        ours.overwrite_gradients()
        for i, (got, want) in enumerate(zip(ours.data(), exact.values(), strict=True)):
            size[i] = max(size[i], largest(want))
            gap[i] = max(gap[i], largest(theirs.values()[i] - want))
            got = kept(got, example)
            # Rounding may add up from step to step.
            compare(f"parameter {i}", got, want, (step + 1) * size[i], gap[i])


class Training:
    """The parameters and the optimizer of one implementation."""

    def __init__(
        self, example: Descent, package: Any, give: Callable[..., Any]
    ) -> None:
        self.example, self.give = example, give
        groups = [
            {**own, "params": [package.nn.Parameter(give(a)) for a in arrays]}
            for own, arrays in example.groups
        ]
        self.params = [p for group in groups for p in group["params"]]
        params = groups if len(groups) > 1 else self.params
        self.optimizer = getattr(package.optim, example.name)(params, **example.kwargs)

    def step(self, number: int) -> None:
        """One step with the gradients of that number."""
        self.optimizer.zero_grad()
        gradients = self.example.gradients(number)
        for parameter, gradient in zip(self.params, gradients, strict=True):
            parameter.grad = None if gradient is None else self.give(gradient)
        self.optimizer.step()

    def resume(self) -> None:
        """Replace the optimizer by a new one with its state."""
        groups = [{"params": g["params"]} for g in self.optimizer.param_groups]
        fresh = type(self.optimizer)(groups)
        fresh.load_state_dict(self.optimizer.state_dict())
        self.optimizer = fresh

    def overwrite_gradients(self) -> None:
        """As a caller may who keeps one gradient array."""
        for parameter in self.params:
            if parameter.grad is not None:
                parameter.grad[...] = np.nan
        self.give.given.clear()

    def data(self) -> list[Any]:
        """The parameters in their own library."""
        return [p.data for p in self.params]

    def values(self) -> list[np.ndarray]:
        """The parameters as NumPy arrays."""
        return [to_numpy(a) for a in self.data()]
