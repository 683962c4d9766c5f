"""Real handwritten digits by one linear layer and the softmax."""

import math

from compare.experiment import Data, Experiment, Side
from compare.experiments.common import digits, figures, trained


def starts_near_guessing(side: Side) -> tuple[bool, str]:
    """An untrained net gives each of the ten digits a probability of about 1/10."""
    first = side.only.losses[0]
    return abs(first - math.log(10)) < 0.5, f"{first:.3f}, ln 10 = {math.log(10):.3f}"


def lesson(data: Data, accuracy: float, title: str) -> Experiment:
    pixels = data.x.shape[1]
    enough = f"at least {accuracy:.0%} of the test digits are right"
    on_mnist = "Handwritten digits by Linear(784, 10) and cross-entropy"
    return Experiment(
        title=title,
        course=("E2", "E1"),
        teaches=("nn.CrossEntropyLoss", "nn.Softmax"),
        heading="CrossEntropy",
        data=lambda rng: data,
        learners={"softmax": trained(lambda nn: nn.Linear(pixels, 10), lr=0.5)},
        steps=660,
        batch_size=64,
        metrics={"accuracy": digits.accuracy},
        claims={
            enough: digits.at_least(accuracy),
            "the loss starts near ln 10": starts_near_guessing,
        },
        figures={
            "templates": lambda side: figures.templates(
                side.only.parameters["weight"], "Weights of each digit"
            ),
            "confusion": digits.draw_confusion(),
        },
        story="Ten pots, one for each digit; the softmax makes them add to 1, and the "
        "loss is the surprise at the right one. Each row of weights is a picture of "
        "its digit.",
        other_data={"mnist": lambda: lesson(digits.mnist(), 0.88, on_mnist)},
    )


EXPERIMENT = lesson(
    digits.small(), 0.94, title="Handwritten digits by Linear(64, 10) and cross-entropy"
)
