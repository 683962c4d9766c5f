"""From a CSV file to an `Experiment`."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from compare.defaults import require_units
from compare.experiment import Experiment, backprop
from compare.results import Side
from compare.tables.table import Table

STEPS, BATCH, RATE = 500, 32, 0.01


def from_csv(
    csv: Path | str,
    target: str,
    hidden: Sequence[int] = (),
    drop: Sequence[str] = (),
    missing: str = "drop",
    predict: Path | str | None = None,
    lr: float = RATE,
    batch_size: int | None = None,
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
        predict: path of a CSV file with the same inputs; what both sides predict for
            its rows is written to predictions.csv.
        lr: of Adam.
        batch_size: rows in a step; None takes 32, or all if there are fewer.

    Raises:
        OSError: a file cannot be read.
        ValueError: it cannot be learned from; the message says why, and where.
    """
    require_units(hidden)
    if missing not in ("drop", "mean"):
        raise ValueError(f"missing must be drop or mean, got {missing!r}")
    table = Table(Path(csv), target, drop, missing)
    files = {}
    if predict is not None:
        new = _predictions(Path(predict), table, target, missing)
        files["predictions.csv"] = new
    task, rows = table.task, len(table.inputs)
    sizes = [table.width, *hidden, task.outputs]
    shown = "-".join(map(str, sizes))
    batch_size = batch_size or min(BATCH, rows - table.held_out)
    story = [
        f"{target!r} is learned as {task.words} with {task.loss}.",
        *table.notes,
        f"Numbers are standardised; {table.held_out} of {rows} rows, drawn from the "
        f"seed, are held out.",
        f"The network is {shown}, trained by Adam with lr {lr:g} on batches of "
        f"{batch_size}.",
    ]
    learner = backprop(
        model=lambda nn: nn.Sequential(*_layers(nn, sizes)),
        loss=lambda nn: getattr(nn, task.loss)(),
        optimizer=lambda optim, parameters: optim.Adam(parameters, lr=lr),
    )
    return Experiment(
        title=f"{Path(csv).name}: {target!r} ({shown})",
        course=(),
        heading="",
        data=table.draw,
        learners={"mlp" if hidden else "perceptron": learner},
        steps=STEPS,
        batch_size=batch_size,
        metrics=task.metrics,
        claims={task.check: task.better},
        figures={"answers": task.figure},
        files=files,
        story="\n".join(story),
    )


def _layers(nn: Any, sizes: Sequence[int]) -> list[Any]:
    """Linear layers of these sizes with ReLU between them."""
    pairs = [(nn.Linear(i, o), nn.ReLU()) for i, o in pairwise(sizes)]
    return [layer for pair in pairs for layer in pair][:-1]


def _predictions(
    path: Path, table: Table, target: str, missing: str
) -> Callable[..., str]:
    """The rows of a file, and what each side predicts where their inputs are known."""
    fields, inputs = table.read_inputs(path)
    known = inputs.notna().all(axis=1) | (missing == "mean")

    def write(*sides: Side) -> str:
        answers = fields.copy()
        for side in sides:
            trial: Any = side.only
            output = trial.predict(trial.data.encoder.transform(inputs))
            predicted = pd.Series(table.task.decode(output), inputs.index)
            answers[f"{target} ({side.library})"] = predicted.where(known)
        return answers.to_csv(index=False)

    return write
