"""Logic gates: their four rows, and a linear neuron that learns them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compare import plots
from compare.experiment import Data, Draw, DrawData, Side
from compare.experiments.common import Model, trained
from compare.results import Trial

ROWS = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
OR, AND, NAND, XOR = (1, 1, 1, 0), (1, 0, 0, 0), (0, 1, 1, 1), (0, 1, 1, 0)
LINEAR_NEURON = trained(lambda nn: nn.Linear(2, 1), "MSELoss", lr=0.5)


def neuron(activation: str) -> Model:
    """One neuron with two inputs and this activation."""
    return lambda nn: nn.Sequential(nn.Linear(2, 1), getattr(nn, activation)())


def gate(targets: Sequence[int]) -> DrawData:
    """The four rows (1,1), (1,0), (0,1), (0,0) with these targets."""
    data = Data(x=ROWS, target=np.array(targets, dtype=float)[:, None])
    return lambda rng: data


def accuracy(metrics: Any, output: Any, target: Any) -> float:
    """The fraction of rows on the right side of ½."""
    return metrics.accuracy(metrics.threshold(output), metrics.threshold(target))


def outputs(trial: Trial) -> np.ndarray:
    """The output for each of the four rows."""
    return trial.predict(ROWS)[:, 0]


def weights(trial: Trial) -> np.ndarray:
    """All parameters (columns) before the first step and after every step (rows)."""
    arrays = trial.path.arrays().values()
    return np.hstack([a.reshape(len(a), -1) for a in arrays])


def solved(trial: Trial) -> bool:
    """Whether every output is on the right side of ½."""
    return bool(np.all((outputs(trial) > 0.5) == (trial.data.target[:, 0] > 0.5)))


def all_rows_right(side: Side) -> tuple[bool, str]:
    """The claim that every output is on the right side of ½."""
    return solved(side.only), f"outputs {np.round(outputs(side.only), 3).tolist()}"


def fit(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Bias and weights of a linear neuron, and those of least squares."""
    x, p = trial.data.x, trial.parameters
    with_ones = np.hstack([np.ones((len(x), 1)), x])
    best = np.linalg.lstsq(with_ones, trial.data.target[:, 0], rcond=None)[0]
    return np.array([p["bias"][0], *p["weight"][0]]), best


def least_squares(side: Side) -> tuple[bool, str]:
    """The claim that the weights solve the normal equations."""
    got, best = fit(side.only)
    close = np.allclose(got, best, rtol=0, atol=1e-3)
    return close, f"w₀, w₁, w₂ = {np.round(got, 3).tolist()}"


def boundary(title: str) -> dict[str, Draw]:
    """The figure of the line, or curve, on which the output is ½."""
    return {"boundary": lambda side: plots.decision_boundary(side.only, title)}
