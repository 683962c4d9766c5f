"""Real handwritten digits with one hidden layer, backpropagated by hand."""

from collections.abc import Sequence

from compare.experiment import Data, Experiment, MakeLearner
from compare.experiments.common import digits, mlp, trained


def lesson(data: Data, accuracy: float, title: str) -> Experiment:
    enough = f"at least {accuracy:.0%} of the test digits are right"

    def learners(hidden: Sequence[int]) -> dict[str, MakeLearner]:
        net = mlp(data.x.shape[1], *hidden, 10)
        return {"mlp": trained(net, lr=0.1, momentum=0.9)}

    return Experiment(
        title=title,
        course=("F1", "F2", "E2"),
        teaches=("nn.ReLU",),
        heading="Back Propagation",
        data=lambda rng: data,
        learners=learners([128]),
        with_hidden=learners,
        steps=660,
        batch_size=64,
        metrics={"accuracy": digits.accuracy},
        claims={enough: digits.at_least(accuracy)},
        figures={"confusion": digits.draw_confusion()},
        story="The chain rule in three layers: forward from the pixels to the loss, "
        "and backward from the loss to every weight.",
        other_data={"mnist": on_mnist},
    )


def on_mnist() -> Experiment:
    data = digits.mnist()
    accuracy = digits.expected(data, full=0.96, part=0.93)
    return lesson(data, accuracy, "Handwritten digits by 784-128-10 with ReLU")


EXPERIMENT = lesson(
    digits.small(), 0.96, title="Handwritten digits by 64-128-10 with ReLU"
)
