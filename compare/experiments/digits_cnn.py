"""Convolutions: the same small template everywhere in the picture."""

import math
from dataclasses import replace

from compare.experiment import Data, Experiment, Side
from compare.experiments.common import digits, figures, trained

STEPS = 450


def fewer_weights(side: Side) -> tuple[bool, str]:
    """A linear layer would join each pixel of each channel to all of the next."""
    weight = side.only.parameters["3.weight"]
    o, c = weight.shape[:2]
    linear = c * o * side.only.data.x[0].size ** 2
    return weight.size < linear / 100, f"{weight.size} weights instead of {linear}"


def lesson(data: Data, accuracy: float) -> Experiment:
    side = math.isqrt(data.x.shape[1])
    enough = f"at least {accuracy:.0%} of the test digits are right"
    x, x_test = (a.reshape(-1, 1, side, side) for a in (data.x, data.test_set[0]))
    cnn = trained(
        lambda nn: nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)),
            *(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            nn.Linear(16 * (side // 2) ** 2, 10),
        ),
        optimizer="AdamW",
        lr=0.01,
        scheduler=lambda optim, opt: optim.lr_scheduler.OneCycleLR(opt, 0.01, STEPS),
    )
    return Experiment(
        title="Handwritten digits by a convolutional net",
        course=("F4",),
        teaches=("nn.Conv2d", "nn.MaxPool2d"),
        heading="Lösungen",
        data=lambda rng: replace(data, x=x, x_test=x_test),
        learners={"cnn": cnn},
        steps=STEPS,
        longest=STEPS,
        batch_size=64,
        seeds=2,
        metrics={"accuracy": digits.accuracy},
        claims={
            enough: digits.at_least(accuracy),
            "kernels need few weights": fewer_weights,
        },
        figures={
            "confusion": digits.draw_confusion("Test digits, first seed"),
            "kernels": lambda side: figures.templates(
                side.only.parameters["0.weight"].reshape(8, -1),
                "Kernels of the first layer",
            ),
        },
        story="A kernel is a template of 3 × 3 pixels that is looked for everywhere; "
        "the same few weights serve the whole picture. Backward, a convolution is a "
        "convolution again.",
        other_data={"mnist": on_mnist},
    )


def on_mnist() -> Experiment:
    data = digits.mnist()
    return lesson(data, digits.expected(data, full=0.98, part=0.96))


EXPERIMENT = lesson(digits.small(), 0.98)
