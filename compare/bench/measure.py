"""Measure workloads; nothing is timed before all implementations agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from rich.table import Column, Table

from compare.backend import TF32_EPS
from compare.bench.baselines import Unsupported
from compare.bench.implementations import IMPLEMENTATIONS, REFERENCE, Implementation
from compare.bench.memory import peak_memory
from compare.bench.timing import Options, interleaved
from compare.bench.workloads import WORKLOADS, TrainingStep, Weights, Workload, find
from compare.tolerance import rounding_tolerance
from compare.verdict import classify

CHECKED_STEPS = 3


@dataclass
class Row:
    """The measurement of one workload, by implementation."""

    workload: Workload
    seconds: dict[str, np.ndarray]  # per step, in each round
    absent: dict[str, str] = field(default_factory=dict)  # why not measured
    peaks: dict[str, int] = field(default_factory=dict)  # bytes held during a step

    def quartiles(self, name: str) -> tuple[float, float, float]:
        """First quartile, median and third quartile of the seconds per step."""
        low, median, high = np.quantile(self.seconds[name], [0.25, 0.5, 0.75]).tolist()
        return low, median, high

    def speedups(self, name: str) -> np.ndarray:
        """Seconds of the reference / seconds of this implementation, in each round."""
        return self.seconds[REFERENCE] / self.seconds[name]

    def cells(self, name: str) -> tuple[str, str, str, str]:
        """Median and quartiles in µs, the median speed-up, and the peak in kB."""
        low, median, high = (
            f"{1e6 * s:.0f}" if s >= 1e-4 else f"{1e6 * s:.3g}"
            for s in self.quartiles(name)
        )
        speedup = f"{np.median(self.speedups(name)):.2f}"
        peak = f"{self.peaks[name] / 1e3:,.0f}" if name in self.peaks else "–"
        return median, f"{low} – {high}", speedup, peak


class Disagreement(RuntimeError):
    """Two implementations do not compute the same; the message names the tensor."""


def bench(
    names: Sequence[str],
    options: Options,
    implementations: Mapping[str, Implementation] | None = None,
) -> Iterator[Row]:
    """Measure one workload after the other; all if no names are given."""
    device = options.device
    chosen = [find(name, device) for name in dict.fromkeys(names or WORKLOADS[device])]
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
    device = options.device
    with options.applied():
        for name, implementation in implementations.items():
            try:
                steps[name] = implementation.prepare(workload, options.dtype)
            except ModuleNotFoundError:
                absent[name] = "not installed"
            except Unsupported as reason:
                absent[name] = str(reason)
        _require_agreement(steps, workload.weights(options.dtype), options)
        timed = {name: step.take for name, step in steps.items()}
        seconds = interleaved(timed, options.rounds, options.start_clock())
        peaks = {
            name: peak_memory(partial(one.prepare, workload, options.dtype), device)
            for name, one in implementations.items()
            if name in steps and not one.compiled and steps[name].weights()
        }
    return Row(workload, seconds, absent, peaks)


def _require_agreement(
    steps: Mapping[str, TrainingStep], start: Weights, options: Options
) -> None:
    """Take a few steps with each; compare losses and weights with the reference.

    The tolerance of a weight is relative to how far it has moved, not to its size: so
    a gradient that is wrong by a factor is noticed, however large the weights are.
    """
    results: dict[str, Weights] = {}
    for name, step in steps.items():
        losses = np.array([step.take() for _ in range(CHECKED_STEPS)])
        if weights := step.weights():  # matrix products alone have none
            results[name] = {"the loss": losses, **weights}
    length = max(max(len(a), a.size // len(a)) for a in start.values())
    eps, depth = float(np.finfo(options.dtype).eps), len(start)
    tolerance = CHECKED_STEPS * rounding_tolerance(eps, length, depth)
    if options.tf32:  # rounds factors only, so the length of a sum does not count
        tolerance += CHECKED_STEPS * rounding_tolerance(TF32_EPS, 1, depth)
    for tensor, want in results[REFERENCE].items():
        before = start.get(tensor, 0.0)
        moved = np.subtract(want, before, dtype=float)
        rounding = CHECKED_STEPS * eps * np.abs(want).max()
        scale = np.abs(moved).max() + rounding / tolerance
        for name, result in results.items():
            got = np.subtract(result[tensor], before, dtype=float)
            verdict = classify(got, moved, tolerance=tolerance, eps=eps, scale=scale)
            if not (verdict.agrees and np.isfinite(got).all()):
                where = f"the change of {tensor}" if tensor in start else tensor
                raise Disagreement(
                    f"{name} disagrees with {REFERENCE} after {CHECKED_STEPS} steps in "
                    f"{where}: {verdict.words}; nothing was timed"
                )


def table(row: Row, implementations: Mapping[str, Implementation]) -> Table:
    """Every implementation, its time, its speed-up over PyTorch, and its memory."""
    heads = "step, µs", "quartiles", "speed-up", "peak, kB"
    columns = (Column(head, justify="right") for head in heads)
    shown = Table("", *columns, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    shown.add_row(f"{row.workload.name}:")
    for name, implementation in implementations.items():
        if name in row.absent:
            shown.add_row(f"  {implementation.title}: {row.absent[name]}")
        else:
            shown.add_row(f"  {implementation.title}", *row.cells(name))
    return shown
