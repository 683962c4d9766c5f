"""How long a training step takes: by hand, by autograd, and by others.

All start from the same weights, take the same steps on the same batch, and must come
to the same numbers before any of them is timed.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import handmade
from compare.bench import contestants as by
from compare.bench import others
from compare.bench.agreement import Disagreement, require_agreement
from compare.bench.timing import interleaved
from compare.bench.works import WORKS, Work, work

REFERENCE = "torch_ref"
"""Whom all are compared with."""
XLA_ALONE = "--xla_cpu_multi_thread_eigen=false"
"""Keeps JAX's compiler to one thread for a computation."""


@dataclass(frozen=True)
class Column:
    """A contestant in the table.

    Args:
        title: for people.
        make: the class of the contestant.
        needs: the package without which it cannot take part, or "".
    """

    title: str
    make: type[by.Contestant]
    needs: str = ""


COLUMNS = {
    "numpy": Column("handmade, NumPy", by.OnNumpy),
    "torch": Column("handmade, torch arrays", by.OnTorch),
    "compile": Column("handmade, torch arrays, compiled", by.ByTorch),
    "jax": Column("handmade, JAX arrays, jit", by.ByJax, "jax"),
    "torch_ref": Column("torch_ref, eager", by.TorchRef),
    "torch.compile": Column("torch_ref, torch.compile", by.TorchCompiled),
    "JAX": Column("JAX's own jit(grad)", others.Jax, "jax"),
    "sklearn": Column("scikit-learn MLPClassifier", others.Sklearn, "sklearn"),
    "micrograd": Column("micrograd", others.Micrograd, "micrograd"),
    "floor": Column("bare matrix products, torch", by.Floor),
}
"""Who takes part, by short name."""


@dataclass
class Row:
    """What was measured of one work.

    Args:
        work: which.
        seconds: of one step in each round, by column.
        absent: why a column has no numbers, by column.
    """

    work: Work
    seconds: dict[str, np.ndarray]
    absent: dict[str, str] = field(default_factory=dict)

    def quartiles(self, column: str) -> tuple[float, float, float]:
        """Seconds a step: the median between the first and the third quartile."""
        low, middle, high = np.quantile(self.seconds[column], [0.25, 0.5, 0.75])
        return float(low), float(middle), float(high)

    def speedups(self, column: str, reference: str = REFERENCE) -> np.ndarray:
        """How many times as fast as the reference it was, round by round."""
        return self.seconds[reference] / self.seconds[column]


def bench(
    names: Sequence[str] = (),
    *,
    threads: int = 1,
    dtype: str = "float32",
    rounds: int = 25,
    columns: Mapping[str, Column] | None = None,
) -> Iterator[Row]:
    """Measure works one after the other.

    Args:
        names: of works; all if there are none.
        threads: of every library.
        dtype: what is computed in, "float32" or "float64".
        rounds: how often each has its turn.
        columns: who takes part; the reference must be among them.

    Raises:
        ValueError: there is no such work, or threads, dtype or rounds make no sense.
        Disagreement: two contestants do not compute the same.
    """
    chosen = [work(name) for name in dict.fromkeys(names)] or list(WORKS.values())
    if threads < 1 or rounds < 1:
        raise ValueError(
            f"threads and rounds must be at least 1, got {threads} and {rounds}"
        )
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return _rows(chosen, threads, dtype, rounds, columns or COLUMNS)


def _rows(
    chosen: list[Work],
    threads: int,
    dtype: str,
    rounds: int,
    columns: Mapping[str, Column],
) -> Iterator[Row]:
    for one in chosen:
        with _pinned(threads):
            yield _row(one, dtype, rounds, columns)


def _row(one: Work, dtype: str, rounds: int, columns: Mapping[str, Column]) -> Row:
    """Prepare, compare, and measure all who can do this work."""
    handmade.manual_seed(0)
    start = {n: a.copy() for n, a in one.learner(handmade).parameters().items()}
    start = {name: array.astype(dtype) for name, array in start.items()}
    taking_part: dict[str, by.Contestant] = {}
    absent: dict[str, str] = {}
    for name, column in columns.items():
        try:
            if absent_because := by.missing(column.needs):
                raise by.Unfit(absent_because)
            taking_part[name] = column.make(one, start, dtype)
        except by.Unfit as reason:
            absent[name] = str(reason)
    eps = float(np.finfo(dtype).eps)
    require_agreement(taking_part, REFERENCE, start, eps)
    steps = {name: contestant.step for name, contestant in taking_part.items()}
    return Row(one, interleaved(steps, rounds), absent)


@contextmanager
def _pinned(threads: int) -> Iterator[None]:
    """Hold every library to so many threads."""
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1 and XLA_ALONE not in flags:  # read when JAX computes first
        os.environ["XLA_FLAGS"] = f"{flags} {XLA_ALONE}".strip()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


__all__ = ["COLUMNS", "Column", "Disagreement", "Row", "bench"]
