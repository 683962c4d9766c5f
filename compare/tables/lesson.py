"""From a CSV file to an `Experiment`."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from compare.experiment import Experiment, MakeLearner, backprop
from compare.suggest import suggest
from compare.tables.columns import NUMBER, convert
from compare.tables.examples import Examples
from compare.tables.reading import read
from compare.tables.selection import choose_inputs, make_target, without_missing
from compare.tables.task import MANY_NAMES, Classification, Regression

WIDEST = 10_000
"""Hidden layers of more units are refused."""
STEPS, BATCH, RATE = 500, 32, 0.01


def from_csv(
    csv: Path | str,
    target: str,
    hidden: Sequence[int] = (),
    drop: Sequence[str] = (),
    missing: str = "drop",
) -> Experiment:
    """The lesson that predicts one column of a CSV file from all others.

    Classes are learned with the cross-entropy, numbers with the mean squared error. A
    fifth of the rows, drawn from the seed, is held out.

    Args:
        csv: path of the file, whose first line names the columns.
        target: the column to be predicted.
        hidden: the units of each hidden layer; none for a single Linear.
        drop: columns that are left out; several may be listed in one text.
        missing: "drop" leaves out rows with missing values; "mean" fills them by the
            mean of their column, or by the most frequent category.

    Raises:
        OSError: the file cannot be read.
        ValueError: it cannot be learned from; the message says why, and where.
    """
    if any(not 1 <= units <= WIDEST for units in hidden):
        raise ValueError(
            f"hidden must be whole numbers from 1 to {WIDEST}, "
            f"got {','.join(map(str, hidden))!r}"
        )
    if missing not in ("drop", "mean"):
        raise ValueError(f"missing must be drop or mean, got {missing!r}")
    path = Path(csv)
    fields, separator, encoding = read(path)
    unused = _columns(drop, fields)
    for name in (target, *unused):
        _require_column(path, fields, name)
    if target in unused:
        raise ValueError(f"{target!r} is the target; it cannot be dropped")
    fields = fields.drop(columns=unused)
    values, recognised = convert(path, fields, commas=separator != ",")
    values, chosen = choose_inputs(path, values, target)
    values, lost = without_missing(path, values, target, missing)
    known: Any = fields[target][values.index]
    wanted = make_target(path, values.pop(target), known)
    how = f"The file is {encoding} text, its columns separated by {separator!r}."
    notes = [how, *recognised, *chosen, *lost]
    return _experiment(path, Examples(values, wanted), hidden, notes)


def _columns(drop: Sequence[str], fields: pd.DataFrame) -> list[str]:
    lists = [[text] if text in fields else text.split(",") for text in drop]
    return [name.strip() for names in lists for name in names]


def _require_column(path: Path, fields: pd.DataFrame, name: str) -> None:
    """Refuse a name that no column has; suggests the nearest."""
    if name in fields:
        return
    names = [*fields]
    listed = ", ".join(map(repr, names))
    hint = f"there are {listed}"
    if near := suggest(name, names, most=3):
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    elif all(re.fullmatch(NUMBER["."], known) for known in names):
        hint = f"its first line must name the columns, got {listed}"
    raise ValueError(f"{path} has no column {name!r}; {hint}")


def _experiment(
    path: Path, examples: Examples, hidden: Sequence[int], notes: list[str]
) -> Experiment:
    target = examples.target
    task = Classification(examples) if target.classes else Regression(examples)
    sizes = [examples.width, *hidden, len(target.classes) or 1]
    shown = "-".join(map(str, sizes))
    rows = len(examples.inputs)
    names = ", ".join(target.classes[:MANY_NAMES])
    names += ", …" if len(target.classes) > MANY_NAMES else ""
    story = [
        f"{target.name!r} holds {target.why}: "
        f"{f'classes ({names})' if names else 'numbers'}, learned with {task.loss}.",
        *notes,
        f"Numbers are standardised; {examples.held_out} of {rows} rows, drawn from the "
        f"seed, are held out. The network is {shown}, trained by Adam with lr {RATE} "
        f"on batches of {BATCH}.",
    ]
    return Experiment(
        title=f"{path.name}: {target.name} by {shown}",
        course=(),
        heading="",
        data=examples.draw,
        learners={"mlp" if hidden else "perceptron": _network(sizes, task.loss)},
        steps=STEPS,
        batch_size=min(BATCH, rows - examples.held_out),
        metrics=task.metrics,
        claims={task.check: task.better},
        figures={"answers": task.figure},
        story=" ".join(story),
    )


def _network(sizes: list[int], loss: str) -> MakeLearner:
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
