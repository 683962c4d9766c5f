"""What a network that learns a table is asked: its loss, metrics, check and figure."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import r2_score, root_mean_squared_error

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Metric
from compare.results import Side
from compare.tables.examples import Examples
from handmade import metrics as handmade_metrics

MANY_NAMES = 12
"""More classes than this are not written beside a figure."""


class Classification:
    """Predicting classes."""

    loss = "CrossEntropyLoss"
    check = "better on held-out rows than always the most frequent class"

    def __init__(self, examples: Examples) -> None:
        self.names = examples.target.classes
        self.metrics: dict[str, Metric] = {
            "accuracy": lambda metrics, output, wanted: metrics.accuracy(
                metrics.argmax(output), wanted
            )
        }

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether more held-out rows are right than with one and the same answer."""
        trial = side.only
        wanted = trial.data.test_set[1]
        most_frequent = int(np.bincount(trial.data.target).argmax())
        always = float(np.mean(wanted == most_frequent))
        test, train = (trial.metrics[f"accuracy/{part}"] for part in ("test", "train"))
        return test > always, (
            f"accuracy {test:.1%} of {len(wanted)} held out, "
            f"{train:.1%} of {len(trial.data.x)} trained on; "
            f"always {self.names[most_frequent]!r}: {always:.1%}"
        )

    def figure(self, side: Side) -> Figure:
        """Confusion matrix of the held-out rows."""
        x, wanted = side.only.data.test_set
        answers, count = side.only.predict(x).argmax(axis=-1), len(self.names)
        matrix = handmade_metrics.confusion_matrix(answers, wanted, count)
        figure = plots.confusion(np.asarray(matrix), "the held-out rows")
        if count <= MANY_NAMES:
            (ax,) = figure.axes
            names = [_escape(name) for name in self.names]
            ax.set_xticklabels(names, rotation=30, ha="right")
            ax.set_yticklabels(names)
        return figure


class Regression:
    """Predicting numbers."""

    loss = "MSELoss"
    check = "better on held-out rows than always the mean"

    def __init__(self, examples: Examples) -> None:
        self.name, self.scale = examples.target.name, examples.scale
        self.metrics: dict[str, Metric] = {"R2": self._r2, "RMSE": self._rmse}

    def _r2(self, _: Any, output: Any, wanted: Any) -> float:
        return float(r2_score(to_numpy(wanted), to_numpy(output)))

    def _rmse(self, _: Any, output: Any, wanted: Any) -> float:
        """In units of the file."""
        answers, truth = self._in_units(output), self._in_units(wanted)
        return float(root_mean_squared_error(truth, answers))

    def _in_units(self, standardized: Any) -> np.ndarray:
        return self.scale.inverse_transform(to_numpy(standardized).astype(float))

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether the error is smaller than that of the mean of the training part."""
        trial = side.only
        truth, known = trial.data.test_set[1], trial.data.target
        mean = self._rmse(None, np.full_like(truth, known.mean()), truth)
        error = trial.metrics["RMSE/test"]
        test, train = (trial.metrics[f"R2/{part}"] for part in ("test", "train"))
        return error < mean, (
            f"RMSE {error:.4g} of {len(truth)} held out (R² {test:.3f}), "
            f"{trial.metrics['RMSE/train']:.4g} of {len(known)} trained on "
            f"(R² {train:.3f}); always the mean: {mean:.4g}"
        )

    def figure(self, side: Side) -> Figure:
        """Predictions for the held-out rows against the truth."""
        x, wanted = side.only.data.test_set
        truth, answers = map(self._in_units, (wanted, side.only.predict(x)))
        figure, (ax,) = plots.canvas()
        ax.plot(truth, answers, "o", color=plots.BLUE, alpha=0.6)
        ax.axline((truth.mean(), truth.mean()), slope=1, color=plots.GREY, ls="--")
        name = _escape(self.name)
        plots.label(ax, "the held-out rows", f"{name}, true", f"{name}, predicted")
        return figure


def _escape(text: str) -> str:
    """Text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")
