"""Reward smooth curves: a second error on the weights themselves."""

from functools import partial
from typing import Any

import numpy as np

from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures


def learner(strength: float) -> MakeLearner:
    """A linear layer whose error is cross-entropy + strength · roughness."""

    def make(library: Any) -> Any:
        nn, model = library.nn, library.nn.Linear(64, 10)
        penalty = nn.SmoothnessPenalty(model.weight, (8, 8))
        loss = nn.WeightedSum([(1.0, nn.CrossEntropyLoss()), (strength, penalty)])
        sgd = partial(library.optim.SGD, lr=0.5)
        return library.training.GradientLearner(model, loss, sgd)

    return make


def roughness(side: Side, name: str) -> float:
    """The mean squared difference of neighbouring pixels of the templates."""
    pictures = side[name].parameters["weight"].reshape(-1, 8, 8)
    return float(np.mean([np.mean(np.diff(pictures, axis=i) ** 2) for i in (1, 2)]))


def smoother(side: Side) -> tuple[bool, str]:
    rough, smooth = roughness(side, "plain"), roughness(side, "smooth")
    return smooth < 0.6 * rough, f"roughness {rough:.3f} → {smooth:.3f}"


def draw(name: str, side: Side) -> figures.Figure:
    title = f"Weights of each digit, {name}"
    return figures.templates(side[name].parameters["weight"], title)


EXPERIMENT = Experiment(
    title="A custom error on the weights: smooth templates",
    course=("E3",),
    teaches=("nn.SmoothnessPenalty",),
    heading="Custom Errors",
    data=digits.draw,
    learners={"plain": learner(0.0), "smooth": learner(1.0)},
    steps=400,
    batch_size=64,
    metrics={"accuracy": digits.accuracy},
    claims={
        "the templates become smoother": smoother,
        "it costs at most 3 points of accuracy": digits.keeps_accuracy("smooth", 3),
    },
    figures={name: partial(draw, name) for name in ("plain", "smooth")},
    story="better_error = error + a · custom_error. The second error does not look at "
    "the output at all, only at how much neighbouring weights differ; the optimizer "
    "lowers both.",
)
