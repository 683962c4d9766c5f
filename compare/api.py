"""From the options of `python -m compare run`, or of `compare.run`, to a run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from compare import registry
from compare.backend import Backend
from compare.experiment import Experiment
from compare.registry import Lesson
from compare.run_config import RunConfig

TORCH_FROM = 50_000_000
"""Multiply-adds per matrix product from which torch tensors are used.

A call of NumPy takes less than half the time of a call of torch, which decides for
small matrices only. `python -m benchmarks.scaling` shows where torch catches up: on an
Intel Xeon (AMX, two cores; NumPy 2.4.6, torch 2.13.0) at 21 million (width) and 83
million (batch) in float32, at 12 million (batch) or never (width) in float64, and never
in deep narrow nets. Where they are close, NumPy is used.
"""


def prepare(
    lessons: Sequence[str | Experiment], *, csv: Path | str | None, **options: Any
) -> tuple[list[Lesson], RunConfig]:
    """Find the lessons and refuse what cannot be run, before anything is written.

    The options are those of `Backend`, `RunConfig` and, in place of lessons, of a
    table: see `compare.tables.lesson.from_csv`. Where `array` is "auto", NumPy is taken
    where that can be; `choose_array` decides when it has seen the lesson.

    Raises:
        OSError: a file cannot be read.
        ValueError: there is no such lesson, or it cannot be run like this.
    """
    words = {name: str(options.pop(name)) for name in ("array", "device", "dtype")}
    switches = {name: options.pop(name) for name in ("compile", "graph", "tf32")}
    if words["array"] == "auto":
        on_torch = switches["compile"] or switches["graph"] or words["device"] == "cuda"
        words["array"] = "torch" if on_torch else "numpy"
    table = {name: options.pop(name) for name in ("target", "drop", "predict")}
    missing, logdir = str(options.pop("missing")), Path(options.pop("logdir"))
    hidden = _units(options.pop("hidden"))
    options["hidden"] = None if csv is not None else hidden or None
    config = RunConfig(Backend(**words, **switches), logdir=logdir, **options)
    if csv is not None:
        if lessons:
            raise ValueError(f"--csv is a lesson of its own; leave out {lessons[0]!r}")
        table |= {"hidden": hidden, "missing": missing}
        table |= {"lr": config.lr, "batch_size": config.batch_size}
        found = [_table(csv, **table)]
    elif any(table.values()):
        raise ValueError("--target, --drop and --predict are options of --csv FILE")
    else:
        found = [
            Lesson("own", "", one)
            if isinstance(one, Experiment)
            else registry.find(one)
            for one in lessons
        ]
    for lesson in found:
        registry.require_data(lesson, config.data)
        config.steps_of(lesson.experiment)
        if config.hidden:
            lesson.experiment.wide(config.hidden)
    return found, config


def _table(
    csv: Path | str,
    target: str,
    hidden: Sequence[int],
    drop: Sequence[str] | None,
    missing: str,
    predict: Path | str | None,
    **changed: float | None,
) -> Lesson:
    if not target:
        raise ValueError(f"target must name the column of {csv} to predict, got ''")
    own = {"hidden": hidden, "drop": list(drop or ()), "missing": missing}
    own |= {name: value for name, value in changed.items() if value is not None}
    new = predict and str(Path(predict).resolve())
    return registry.table(csv, target, **own, predict=new)


def _units(hidden: str | Sequence[int]) -> list[int]:
    """The units of each hidden layer."""
    layers = hidden.split(",") if isinstance(hidden, str) and hidden else hidden
    try:
        return [int(layer) for layer in layers]
    except ValueError:
        raise ValueError(
            f"hidden must be whole numbers separated by commas, such as 32,16, "
            f"got {hidden!r}"
        ) from None


def choose_array(experiment: Experiment, config: RunConfig) -> tuple[RunConfig, str]:
    """The config with the array library that suits the lesson, and the reason."""
    array, reason = _choice(experiment, config)
    return replace(config, backend=replace(config.backend, array=array)), reason


def _choice(experiment: Experiment, config: RunConfig) -> tuple[str, str]:
    backend = config.backend
    if backend.device == "cuda" or backend.compile or backend.graph:
        return "torch", "torch tensors (NumPy has neither CUDA nor a compiler)"
    experiment = config.adapted(experiment)  # its data may not be on this machine
    try:
        size = mean_product(experiment, config.seed)
    except Exception:  # an error in the lesson itself, which its run reports
        return "numpy", "NumPy arrays (model size unknown)"
    if size < TORCH_FROM:
        return "numpy", "NumPy arrays (small model)"
    words = f"{size / 1e6:,.0f} million multiply-adds per matrix product"
    return "torch", f"torch tensors (large model: {words})"


def mean_product(experiment: Experiment, seed: int = 0) -> float:
    """Multiply-adds of the forward product of a weight, on average over all learners.

    An upper bound: batch size times entries; for a convolution also times pixels,
    without regard to stride and pooling. 0 where no parameter is a matrix.
    """
    sizes: list[int] = []
    draw = cache(lambda data: data(np.random.default_rng([seed, 1])))
    for name, make in experiment.learners.items():
        x = draw(experiment.data_of(name)).x  # learners may share their data
        handmade.manual_seed(seed)
        for weight in make(handmade).parameters().values():
            if weight.ndim >= 2:
                pixels = np.prod(x.shape[2:], dtype=int) if weight.ndim > 2 else 1
                sizes.append((experiment.batch_size or len(x)) * weight.size * pixels)
    return float(np.mean(sizes)) if sizes else 0.0
