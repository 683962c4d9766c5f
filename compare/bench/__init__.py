"""How long a training step takes: by hand, by autograd, and by others.

All start from the same weights, take the same steps on the same batch, and must come
to the same numbers before any of them is timed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

import handmade
from compare.bench import contestants as by
from compare.bench import on_cuda, others
from compare.bench.agreement import Disagreement, require_agreement
from compare.bench.options import How, held
from compare.bench.timing import interleaved
from compare.bench.workloads import CUDA_WORKS, WORKS, Work, work

REFERENCE = "torch_ref"
"""Whom all are compared with."""


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
    "torch": Column("handmade, torch", by.OnTorch),
    "compile": Column("handmade, torch compiled", by.ByTorch),
    "jax": Column("handmade, JAX jit", by.ByJax, "jax"),
    "torch_ref": Column("torch_ref, eager", by.TorchRef),
    "torch.compile": Column("torch_ref, torch.compile", by.TorchCompiled),
    "JAX": Column("JAX, jit(grad)", others.Jax, "jax"),
    "sklearn": Column("scikit-learn", others.Sklearn, "sklearn"),
    "micrograd": Column("micrograd", others.Micrograd, "micrograd"),
    "floor": Column("matrix products alone", by.Floor),
}
"""Who takes part, by short name."""
CUDA_COLUMNS = {
    "torch": Column("handmade, eager", on_cuda.OnCuda),
    "graph": Column("handmade, CUDA graph", on_cuda.ByGraph),
    "torch_ref": Column("torch_ref, eager", on_cuda.TorchRef),
    "floor": Column("matrix products alone", on_cuda.Floor),
}
"""The same on a CUDA device."""


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
    how: How | None = None,
    columns: Mapping[str, Column] | None = None,
) -> Iterator[Row]:
    """Measure works one after the other.

    Args:
        names: of works; all if there are none.
        how: in what, with how many threads, and so on.
        columns: who takes part; the reference must be among them.

    Raises:
        ValueError: there is no such work.
        Disagreement: two contestants do not compute the same.
    """
    how = how or How()
    known = CUDA_WORKS if how.device == "cuda" else WORKS
    chosen = [work(name, known) for name in dict.fromkeys(names)]
    return _rows(chosen or [*known.values()], how, columns or columns_on(how.device))


def columns_on(device: str) -> Mapping[str, Column]:
    """Who takes part on "cpu" or "cuda"."""
    return CUDA_COLUMNS if device == "cuda" else COLUMNS


def _rows(
    chosen: Sequence[Work], how: How, columns: Mapping[str, Column]
) -> Iterator[Row]:
    for one in chosen:
        with held(how):
            yield measured(one, how, columns)


def measured(one: Work, how: How, columns: Mapping[str, Column]) -> Row:
    """Prepare, compare, and measure all who can do this work."""
    handmade.manual_seed(0)
    start = {n: a.copy() for n, a in one.learner(handmade).parameters().items()}
    start = {name: array.astype(how.dtype) for name, array in start.items()}
    taking_part: dict[str, by.Contestant] = {}
    absent: dict[str, str] = {}
    for name, column in columns.items():
        try:
            if absent_because := by.missing(column.needs):
                raise by.Unfit(absent_because)
            taking_part[name] = column.make(one, start, how.dtype)
        except by.Unfit as reason:
            absent[name] = str(reason)
    require_agreement(taking_part, REFERENCE, start, how.eps, how.coarse)
    steps = {name: contestant.step for name, contestant in taking_part.items()}
    return Row(one, interleaved(steps, how.rounds, how.started()), absent)


__all__ = [
    "COLUMNS",
    "CUDA_COLUMNS",
    "Column",
    "Disagreement",
    "How",
    "Row",
    "bench",
    "columns_on",
    "measured",
]
