"""What is asked of a net that learned a table: its loss, metrics, claim and figure."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import r2_score, root_mean_squared_error

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Metric
from compare.results import Side
from compare.tables.rows import Rows
from handmade import metrics as handmade_metrics

MANY_NAMES = 12
"""More classes than this are not written beside a figure."""


class Classes:
    """What is asked of a net that tells classes apart."""

    loss = "CrossEntropyLoss"
    claim = "better on held-out rows than always the most frequent class"

    def __init__(self, rows: Rows) -> None:
        self.names = rows.target.classes
        self.metrics: dict[str, Metric] = {
            "accuracy": lambda metrics, output, wanted: metrics.accuracy(
                metrics.argmax(output), wanted
            )
        }

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether more held-out rows are right than by one and the same answer."""
        trial = side.only
        wanted = trial.data.test_set[1]
        most = int(np.bincount(trial.data.target).argmax())
        always = float(np.mean(wanted == most))
        test, train = (trial.metrics[f"accuracy/{part}"] for part in ("test", "train"))
        return test > always, (
            f"accuracy {test:.1%} of {len(wanted)} held out, "
            f"{train:.1%} of {len(trial.data.x)} trained on; "
            f"always {self.names[most]!r}: {always:.1%}"
        )

    def figure(self, side: Side) -> Figure:
        """Which class was taken for which, on the held-out rows."""
        x, wanted = side.only.data.test_set
        answers, count = side.only.predict(x).argmax(axis=-1), len(self.names)
        matrix = handmade_metrics.confusion_matrix(answers, wanted, count)
        figure = plots.confusion(np.asarray(matrix), "the held-out rows")
        if count <= MANY_NAMES:
            (ax,) = figure.axes
            names = [_plain(name) for name in self.names]
            ax.set_xticklabels(names, rotation=30, ha="right")
            ax.set_yticklabels(names)
        return figure


class Numbers:
    """What is asked of a net that learns numbers."""

    loss = "MSELoss"
    claim = "better on held-out rows than always the mean"

    def __init__(self, rows: Rows) -> None:
        self.name, self.scale = rows.target.name, rows.scale
        self.metrics: dict[str, Metric] = {"R2": self._r2, "RMSE": self._rmse}

    @staticmethod
    def _r2(_: Any, output: Any, wanted: Any) -> float:
        return float(r2_score(to_numpy(wanted), to_numpy(output)))

    def _rmse(self, _: Any, output: Any, wanted: Any) -> float:
        """In units of the file."""
        error = root_mean_squared_error(to_numpy(wanted), to_numpy(output))
        return float(error * self.scale.unit)

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether the error is smaller than that of the training part's mean."""
        trial = side.only
        error = trial.metrics["RMSE/test"]
        truth = trial.data.test_set[1] - trial.data.target.mean()
        mean = float(np.sqrt(np.mean(truth**2)) * self.scale.unit)
        test, train = (trial.metrics[f"R2/{part}"] for part in ("test", "train"))
        return error < mean, (
            f"RMSE {error:.4g} of {len(truth)} held out (R² {test:.3f}), "
            f"{trial.metrics['RMSE/train']:.4g} of {len(trial.data.x)} trained on "
            f"(R² {train:.3f}); always the mean: {mean:.4g}"
        )

    def figure(self, side: Side) -> Figure:
        """The answers for the held-out rows against the truth."""
        x, wanted = side.only.data.test_set
        truth, answers = map(self.scale.back, (wanted, side.only.predict(x)))
        figure, (ax,) = plots.canvas()
        ax.plot(truth, answers, "o", color=plots.BLUE, alpha=0.6)
        ax.axline((truth.mean(), truth.mean()), slope=1, color=plots.GREY, ls="--")
        plots.label(ax, "the held-out rows", f"{_plain(self.name)}, true", "answered")
        return figure


def _plain(text: str) -> str:
    """Text that no picture takes for a formula."""
    return text.replace("$", r"\$")
