"""Convolutions: the same small template at every place of the picture."""

from compare import plots
from compare.experiment import Data, Experiment, backprop
from compare.experiments.common import digits as _digits
from compare.results import Side

STEPS = 450
SHARE = 0.98


def as_images(data: Data, side: int) -> Data:
    """The pixels as images with one channel: (n, 1, side, side)."""
    x_test, target_test = data.test_set
    return Data(
        x=data.x.reshape(-1, 1, side, side),
        target=data.target,
        x_test=x_test.reshape(-1, 1, side, side),
        target_test=target_test,
    )


def accurate(side: Side) -> tuple[bool, str]:
    """At least 98 % of the test digits, from every seed."""
    found = [trial.metrics["accuracy/test"] for trial in side.trials]
    return min(found) >= SHARE, ", ".join(f"{share:.1%}" for share in found)


def fewer_weights(side: Side) -> tuple[bool, str]:
    """The kernels have far fewer weights than a linear layer between the same sizes."""
    weight = side.only.parameters["3.weight"]
    o, c = weight.shape[:2]
    pixels = side.only.data.x[0].size
    linear = c * pixels * o * pixels
    return weight.size < linear / 100, f"{weight.size} weights instead of {linear}"


def lesson(pictures: _digits.Pictures) -> Experiment:
    """The lesson on these digits."""
    data = as_images(pictures.data, pictures.side)
    flat = 16 * (pictures.side // 2) ** 2
    return Experiment(
        title="Handwritten digits by a convolutional net",
        course=("F4",),
        heading="Lösungen",
        data=lambda rng: data,
        learners={
            "cnn": backprop(
                model=lambda nn: nn.Sequential(
                    nn.Conv2d(1, 8, 3, padding=1, bias=False),
                    nn.BatchNorm2d(8),
                    nn.ReLU(),
                    nn.Conv2d(8, 16, 3, padding=1, bias=False),
                    nn.BatchNorm2d(16),
                    nn.ReLU(),
                    nn.MaxPool2d(2),
                    nn.Flatten(),
                    nn.Linear(flat, 10),
                ),
                loss=lambda nn: nn.CrossEntropyLoss(),
                optimizer=lambda optim, parameters: optim.AdamW(parameters, lr=0.01),
                scheduler=lambda optim, optimizer: optim.lr_scheduler.OneCycleLR(
                    optimizer, max_lr=0.01, total_steps=STEPS
                ),
            )
        },
        steps=STEPS,
        longest=STEPS,
        batch_size=64,
        seeds=2,
        metrics={"accuracy": _digits.accuracy},
        claims={
            f"at least {SHARE:.0%} of the test digits are right": accurate,
            "kernels need few weights": fewer_weights,
        },
        figures={
            "confusion": lambda side: plots.confusion(
                _digits.confusion(side.only), "digits of the test set, first seed"
            ),
            "kernels": lambda side: plots.templates(
                side.only.parameters["0.weight"].reshape(8, -1),
                "kernels of the first layer: red +, blue −",
            ),
        },
        story="A kernel is a template of 3 × 3 pixels that is looked for everywhere; "
        "the same few weights serve the whole picture. Backward, a convolution is a "
        "convolution again.",
        other_data={"mnist": lambda: lesson(_digits.mnist())},
    )


EXPERIMENT = lesson(_digits.small())
