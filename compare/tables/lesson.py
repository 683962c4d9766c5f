"""From a CSV file to a lesson."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from compare.experiment import Experiment, MakeLearner, backprop
from compare.tables.asked import MANY_NAMES, Classes, Numbers
from compare.tables.columns import Target, inputs, target
from compare.tables.rows import Rows
from compare.tables.text import read

FEWEST_ROWS = 20
"""Of less nothing could be held out that tells anything."""
WIDEST = 10_000
"""Hidden layers of more units are refused."""
STEPS, BATCH, RATE = 500, 32, 0.01


def from_csv(path: Path | str, name: str, hidden: Sequence[int] = ()) -> Experiment:
    """The lesson that learns one column of a CSV file from all others.

    Classes are learned with the cross-entropy, numbers with the mean squared error:
    see `compare.tables.columns.target` for which is which. Inputs are standardised,
    and one fifth of the rows, drawn from the seed, is held out.

    Args:
        path: of the file; its first line names the columns.
        name: of the column to be learned.
        hidden: the units of each hidden layer; none for a single Linear.

    Raises:
        OSError: the file cannot be read.
        ValueError: it cannot be learned from; the message says why, and where.
    """
    table = read(Path(path))
    table.require_column(name)
    if len(table.rows) < FEWEST_ROWS:
        raise ValueError(
            f"{path} has {len(table.rows)} rows of data, needed are {FEWEST_ROWS}"
        )
    rows = Rows(*inputs(table, name), target(table, name))
    _require_members(path, rows.target)
    return _lesson(Path(path), rows, checked_units(hidden))


def checked_units(hidden: Sequence[int]) -> tuple[int, ...]:
    """The units of each hidden layer.

    Raises:
        ValueError: a layer has none, or too many.
    """
    if any(not 1 <= n <= WIDEST for n in hidden):
        raise ValueError(
            f"hidden layers must have 1 to {WIDEST} units, got {list(hidden)}"
        )
    return tuple(hidden)


def _require_members(path: Path | str, wanted: Target) -> None:
    """Each class must be in both parts."""
    counts = np.bincount(wanted.values) if wanted.classes else np.array([2])
    if counts.min() < 2:
        lonely = wanted.classes[int(counts.argmin())]
        raise ValueError(
            f"{path}: class {lonely!r} of {wanted.name!r} has only one row; each class "
            f"needs two, one to learn from and one held out"
        )


def _lesson(path: Path, rows: Rows, hidden: tuple[int, ...]) -> Experiment:
    classes = rows.target.classes
    outputs = len(classes) or 1
    sizes = [rows.x.shape[1], *hidden, outputs]
    kind = Classes(rows) if classes else Numbers(rows)
    return Experiment(
        title=f"{path.name}: {rows.target.name} by {'-'.join(map(str, sizes))}",
        course=(),
        heading="",
        data=rows.draw,
        learners={"mlp" if hidden else "perceptron": _net(sizes, kind.loss)},
        steps=STEPS,
        batch_size=min(BATCH, len(rows.x) - rows.held_out),
        metrics=kind.metrics,
        claims={kind.claim: kind.better},
        figures={"answers": kind.figure},
        story=_story(rows, sizes, kind.loss),
    )


def _net(sizes: list[int], loss: str) -> MakeLearner:
    """Linear layers of these sizes with ReLU between them, trained by Adam."""

    def model(nn: Any) -> Any:
        layers = [nn.Linear(sizes[0], sizes[1])]
        for i, o in pairwise(sizes[1:]):
            layers += [nn.ReLU(), nn.Linear(i, o)]
        return nn.Sequential(*layers) if len(layers) > 1 else layers[0]

    return backprop(
        model=model,
        loss=lambda nn: getattr(nn, loss)(),
        optimizer=lambda optim, parameters: optim.Adam(parameters, lr=RATE),
    )


def _story(rows: Rows, sizes: list[int], loss: str) -> str:
    """What was decided, so that it can be doubted."""
    wanted, names = rows.target, rows.target.classes[:MANY_NAMES]
    more = ", …" if len(wanted.classes) > MANY_NAMES else ""
    task = f"classes ({', '.join(names)}{more})" if names else "numbers"
    return (
        f"{wanted.name!r} holds {wanted.why}: {task} are learned with {loss}. "
        f"The inputs are the other columns, standardised; {rows.held_out} of "
        f"{len(rows.x)} rows, drawn from the seed, are held out. The net is "
        f"{'-'.join(map(str, sizes))}, trained by Adam with lr {RATE} on batches of "
        f"{BATCH}."
    )
