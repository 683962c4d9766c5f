"""Real handwritten digits with one hidden layer, backpropagated by hand."""

from typing import Any

from compare.experiment import Experiment, backprop
from compare.experiments.common import digits

MNIST_TITLE = "Handwritten digits by 784-128-10 with ReLU"


def net(nn: Any, pixels: int = 64) -> Any:
    """One hidden layer of 128 ReLUs between the pixels and the ten digits."""
    return nn.Sequential(nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, 10))


def sgd(optim: Any, parameters: Any) -> Any:
    """Stochastic gradient descent with momentum."""
    return optim.SGD(parameters, lr=0.1, momentum=0.9)


def lesson(pictures: digits.Pictures, title: str) -> Experiment:
    return Experiment(
        title=title,
        course=("F1", "F2", "E2"),
        heading="Back Propagation",
        data=pictures.draw,
        learners={
            "mlp": backprop(
                model=lambda nn: net(nn, pictures.side**2),
                loss=lambda nn: nn.CrossEntropyLoss(),
                optimizer=sgd,
            )
        },
        steps=660,
        batch_size=64,
        metrics={"accuracy": digits.accuracy},
        claims={"at least 96 % of the test digits are right": digits.at_least(0.96)},
        figures={"confusion": digits.draw_confusion()},
        story="The chain rule in three layers: forward from the pixels to the loss, "
        "and backward from the loss to every weight.",
        other_data={"mnist": lambda: lesson(digits.mnist(), MNIST_TITLE)},
    )


EXPERIMENT = lesson(digits.small(), title="Handwritten digits by 64-128-10 with ReLU")
