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
    """The measurement of one workload.

    Args:
        workload: the net.
        seconds: per step, in each round, by implementation.
        absent: by implementation, why it was not measured.
    """

    workload: Workload
    seconds: dict[str, np.ndarray]
    absent: dict[str, str] = field(default_factory=dict)

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
    """Measure one workload after the other.

    Args:
        names: of workloads; all if empty.
        options: threads, dtype, device and so on.
        implementations: what to measure; the reference must be among them.

    Raises:
        ValueError: there is no such workload.
        Disagreement: two implementations do not compute the same.
    """
    options = options or Options()
    device = options.device
    chosen = [find(name, device) for name in dict.fromkeys(names)]
    chosen = chosen or [*WORKLOADS[device].values()]
    implementations = implementations or IMPLEMENTATIONS[device]
    return (measure(workload, options, implementations) for workload in chosen)


def measure(
    workload: Workload, options: Options, implementations: Mapping[str, Implementation]
) -> Row:
    """Prepare all implementations that can do this workload, compare, and time them.

    Raises:
        Disagreement: two implementations do not compute the same.
    """
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
        require_agreement(steps, start, options)
        timed = {name: one.take for name, one in steps.items()}
        seconds = interleaved(timed, options.rounds, options.start_clock())
    return Row(workload, seconds, absent)


def initial_weights(workload: Workload, dtype: str) -> dict[str, np.ndarray]:
    """The parameters, drawn from seed 0."""
    handmade.manual_seed(0)
    drawn = workload.learner(handmade).parameters()
    return {name: array.astype(dtype) for name, array in drawn.items()}


def require_agreement(
    steps: Mapping[str, TrainingStep], start: Weights, options: Options
) -> None:
    """Take a few steps with each; compare losses and weights with the reference.

    The tolerance of a weight is relative to how far it has moved, not to its size: so
    a gradient that is wrong by a factor is noticed, however large the weights are.

    Raises:
        Disagreement: one differs by more than rounding explains.
    """
    losses = {
        name: np.array([one.take() for _ in range(CHECKED_STEPS)])
        for name, one in steps.items()
    }
    expected = steps[REFERENCE].weights()
    length = max(max(len(a), a.size // len(a)) for a in start.values())
    eps, depth = float(np.finfo(options.dtype).eps), len(start)
    tolerance = rounding_tolerance(eps, length, depth)
    if options.tf32:  # rounds factors only, so the length of a sum does not count
        tolerance += rounding_tolerance(TF32_EPS, 1, depth)
    for name, one in steps.items():
        if not (found := one.weights()):
            continue  # matrix products alone
        allowed = CHECKED_STEPS * tolerance * np.abs(losses[REFERENCE]).max()
        _require(name, "the loss", losses[name], losses[REFERENCE], allowed)
        for tensor, want in expected.items():
            moved = difference(want, start[tensor]).max_abs
            allowed = CHECKED_STEPS * (tolerance * moved + eps * np.abs(want).max())
            _require(name, tensor, found[tensor], want, allowed)


def _require(
    name: str, tensor: str, got: np.ndarray, want: np.ndarray, allowed: float
) -> None:
    found = difference(got, want)
    if found.finite and found.max_abs <= allowed:
        return
    if got.shape != want.shape:
        words = f"{tensor} has shape {got.shape}, expected {want.shape}"
    else:
        index = largest_at(got, want)
        at = f"{tensor} at {list(index)}"
        words = f"{at} is {got[index]:.9g}, expected {want[index]:.9g}"
    raise Disagreement(
        f"{name} disagrees after {CHECKED_STEPS} steps: {words}; nothing was timed"
    )
