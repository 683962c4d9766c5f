"""Measure workloads; nothing is timed before all implementations agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np

import handmade
from compare.backend import TF32_EPS
from compare.bench.baselines import Unsupported
from compare.bench.implementations import IMPLEMENTATIONS, Implementation
from compare.bench.options import Options, applied
from compare.bench.timing import interleaved
from compare.bench.workloads import WORKLOADS, TrainingStep, Weights, Workload, find
from compare.tolerance import difference, largest_at, rounding_tolerance

REFERENCE = "torch_ref"
"""The implementation that all others are compared with."""
CHECKED_STEPS = 3


class Disagreement(RuntimeError):
    """Two implementations do not compute the same; the message names the tensor."""


@dataclass
class Row:
    """The measurement of one workload, by implementation."""

    workload: Workload
    seconds: dict[str, np.ndarray]
    """Per step, in each round."""
    absent: dict[str, str] = field(default_factory=dict)
    """Why an implementation was not measured."""

    def quartiles(self, name: str) -> tuple[float, float, float]:
        """First quartile, median and third quartile of the seconds per step."""
        low, median, high = np.quantile(self.seconds[name], [0.25, 0.5, 0.75])
        return float(low), float(median), float(high)

    def speedups(self, name: str) -> np.ndarray:
        """Seconds of the reference / seconds of this implementation, in each round."""
        return self.seconds[REFERENCE] / self.seconds[name]


def bench(
    names: Sequence[str] = (),
    options: Options | None = None,
    implementations: Mapping[str, Implementation] | None = None,
) -> Iterator[Row]:
    """Measure one workload after the other; all if no names are given.

    Raises:
        ValueError: there is no such workload.
        Disagreement: two implementations do not compute the same.
    """
    options = options or Options()
    device = options.device
    chosen = [find(name, device) for name in dict.fromkeys(names or WORKLOADS[device])]
    implementations = implementations or IMPLEMENTATIONS[device]
    return (measure(workload, options, implementations) for workload in chosen)


def measure(
    workload: Workload, options: Options, implementations: Mapping[str, Implementation]
) -> Row:
    """Prepare all implementations that can do this workload, compare, and time them."""
    steps: dict[str, TrainingStep] = {}
    absent: dict[str, str] = {}
    with applied(options):
        start = initial_weights(workload, options.dtype)
        for name, implementation in implementations.items():
            package = implementation.package
            if package and find_spec(package) is None:
                absent[name] = "not installed"
                continue
            try:
                steps[name] = implementation.prepare(workload, start, options.dtype)
            except Unsupported as reason:
                absent[name] = str(reason)
        _require_agreement(steps, start, options)
        timed = {name: one.take for name, one in steps.items()}
        seconds = interleaved(timed, options.rounds, options.start_clock())
    return Row(workload, seconds, absent)


def initial_weights(workload: Workload, dtype: str) -> dict[str, np.ndarray]:
    """The parameters, drawn from seed 0."""
    handmade.manual_seed(0)
    drawn = workload.learner(handmade).parameters()
    return {name: array.astype(dtype) for name, array in drawn.items()}


def _require_agreement(
    steps: Mapping[str, TrainingStep], start: Weights, options: Options
) -> None:
    """Take a few steps with each; compare losses and weights with the reference.

    The tolerance of a weight is relative to how far it has moved, not to its size: so
    a gradient that is wrong by a factor is noticed, however large the weights are.
    """
    losses = {
        name: np.array([one.take() for _ in range(CHECKED_STEPS)])
        for name, one in steps.items()
    }
    length = max(max(len(a), a.size // len(a)) for a in start.values())
    eps, depth = float(np.finfo(options.dtype).eps), len(start)
    tolerance = rounding_tolerance(eps, length, depth)
    if options.tf32:  # rounds factors only, so the length of a sum does not count
        tolerance += rounding_tolerance(TF32_EPS, 1, depth)
    expected = {"the loss": losses[REFERENCE], **steps[REFERENCE].weights()}
    allowed = {"the loss": tolerance * np.abs(losses[REFERENCE]).max()}
    for tensor, initial in start.items():
        moved = difference(expected[tensor], initial).max_abs
        rounded = eps * np.abs(expected[tensor]).max()
        allowed[tensor] = tolerance * moved + rounded
    for name, one in steps.items():
        if weights := one.weights():  # matrix products alone have none
            found = {"the loss": losses[name], **weights}
            for tensor, want in expected.items():
                limit = CHECKED_STEPS * allowed[tensor]
                _require(name, tensor, found[tensor], want, limit)


def _require(
    name: str, tensor: str, got: np.ndarray, want: np.ndarray, allowed: float
) -> None:
    found = difference(got, want)
    if found.finite and found.max_abs <= allowed:
        return
    words = f"{tensor} has shape {got.shape}, expected {want.shape}"
    if got.shape == want.shape:
        at = largest_at(got, want)
        words = f"{tensor} at {list(at)} is {got[at]:.9g}, expected {want[at]:.9g}"
    raise Disagreement(
        f"{name} disagrees after {CHECKED_STEPS} steps: {words}; nothing was timed"
    )
