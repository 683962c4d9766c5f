"""Real handwritten digits by one linear layer and the softmax."""

import math

from compare import figures
from compare.experiment import Experiment, backprop
from compare.experiments import _digits
from compare.trained import Side


def starts_near_guessing(side: Side) -> tuple[bool, str]:
    """An untrained net puts about a tenth into each of the ten pots: loss ln 10."""
    first = side.only.losses[0]
    return abs(first - math.log(10)) < 0.5, f"{first:.3f}, ln 10 = {math.log(10):.3f}"


EXPERIMENT = Experiment(
    title="Handwritten digits by Linear(64, 10) and cross-entropy",
    course=("E2", "E1"),
    heading="CrossEntropy",
    data=lambda rng: _digits.digits(),
    learners={
        "softmax": backprop(
            model=lambda nn: nn.Linear(64, 10),
            loss=lambda nn: nn.CrossEntropyLoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.5),
        )
    },
    steps=660,
    batch_size=64,
    metrics={"accuracy": _digits.accuracy},
    claims={
        "at least 94 % of the test digits are right": _digits.at_least(0.94),
        "the loss starts near ln 10": starts_near_guessing,
    },
    figures={
        "templates": lambda side: figures.templates(
            side.only.parameters["weight"], "what each digit's weights look for"
        ),
        "confusion": lambda side: figures.confusion(
            _digits.confusion(side), "digits of the test set"
        ),
    },
    story="Ten pots, one for each digit; the softmax makes them add to 1, and the loss "
    "is the surprise at the right one. Each row of weights is a picture of its digit.",
)
