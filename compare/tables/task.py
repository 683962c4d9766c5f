"""What is predicted, a class or a number: its loss, metrics, check and figure."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from compare import plots
from compare.backend import to_numpy
from compare.results import Side
from handmade import metrics as handmade_metrics

MANY_NAMES = 12
"""More classes than this are not named one by one."""


def standardizer() -> Pipeline:
    """To mean 0 and deviation 1; divided first, so that no square overflows."""
    return make_pipeline(MaxAbsScaler(), StandardScaler())


class Classification:
    """Predicting the class of a row."""

    loss = "CrossEntropyLoss"
    check = "better on held-out rows than always the most frequent class"

    def __init__(self, values: pd.Series) -> None:
        names, self.target = np.unique(values, return_inverse=True)
        self.names, self.outputs = names.astype(str), len(names)
        more = ", …" if self.outputs > MANY_NAMES else ""
        named = map(str, self.names[:MANY_NAMES])
        self.words = f"classes ({', '.join(map(repr, named))}{more})"
        self.metrics = {"accuracy": self._accuracy}

    def decode(self, output: np.ndarray) -> np.ndarray:
        """The names of the predicted classes."""
        return self.names[output.argmax(axis=-1)]

    def _accuracy(self, metrics: Any, output: Any, wanted: Any) -> float:
        return metrics.accuracy(metrics.argmax(output), wanted)

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether more held-out rows are right than with one and the same answer."""
        known, (_, wanted) = side.only.data.target, side.only.data.test_set
        most_frequent = np.bincount(known).argmax()
        always = float(np.mean(wanted == most_frequent))
        test, train = (side.only.metrics[f"accuracy/{p}"] for p in ("test", "train"))
        return test > always, (
            f"accuracy {test:.1%} of {len(wanted)} held out, {train:.1%} of "
            f"{len(known)} trained on; always {str(self.names[most_frequent])!r}: "
            f"{always:.1%}"
        )

    def figure(self, side: Side) -> Figure:
        """Confusion matrix of the held-out rows."""
        x, wanted = side.only.data.test_set
        answers = side.only.predict(x).argmax(axis=-1)
        matrix = handmade_metrics.confusion_matrix(answers, wanted, self.outputs)
        figure = plots.confusion(np.asarray(matrix), "the held-out rows")
        if self.outputs <= MANY_NAMES:
            names = [_escape(name) for name in self.names]
            figure.axes[0].set_xticklabels(names, rotation=30, ha="right")
            figure.axes[0].set_yticklabels(names)
        return figure


class Regression:
    """Predicting a number."""

    loss, outputs, words = "MSELoss", 1, "numbers"
    check = "better on held-out rows than always the mean"

    def __init__(self, values: pd.Series) -> None:
        self.name, column = str(values.name), values.to_numpy()[:, None]
        self.scaler = standardizer().fit(column)
        self.target = self.scaler.transform(column)
        self.metrics = {"R2": self._r2, "RMSE": self._rmse}

    def decode(self, output: Any) -> np.ndarray:
        """The predicted numbers in units of the file."""
        return self.scaler.inverse_transform(to_numpy(output).astype(float))[:, 0]

    def _r2(self, _: Any, output: Any, wanted: Any) -> float:
        return float(r2_score(to_numpy(wanted), to_numpy(output)))

    def _rmse(self, _: Any, output: Any, wanted: Any) -> float:
        return float(root_mean_squared_error(self.decode(wanted), self.decode(output)))

    def better(self, side: Side) -> tuple[bool, str]:
        """Whether the error is smaller than that of the mean of the training part."""
        known, (_, wanted) = side.only.data.target, side.only.data.test_set
        mean = self._rmse(None, np.full_like(wanted, known.mean()), wanted)
        found = side.only.metrics
        return found["RMSE/test"] < mean, (
            f"RMSE {found['RMSE/test']:.4g}, R² {found['R2/test']:.3f} of "
            f"{len(wanted)} held out; RMSE {found['RMSE/train']:.4g}, R² "
            f"{found['R2/train']:.3f} of {len(known)} trained on; always the mean: "
            f"{mean:.4g}"
        )

    def figure(self, side: Side) -> Figure:
        """Predictions for the held-out rows against the truth."""
        x, wanted = side.only.data.test_set
        truth, answers = self.decode(wanted), self.decode(side.only.predict(x))
        figure, (ax,) = plots.canvas()
        ax.plot(truth, answers, "o", color=plots.BLUE, alpha=0.6)
        ax.axline((truth.mean(), truth.mean()), slope=1, color=plots.GREY, ls="--")
        name = _escape(self.name)
        plots.label(ax, "the held-out rows", f"{name}, true", f"{name}, predicted")
        return figure


def _escape(text: str) -> str:
    """Text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")
