"""XOR with one hidden layer, from many seeds."""

from collections.abc import Sequence

from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import gates, mlp, trained


def solved(side: Side) -> tuple[bool, str]:
    hits = [gates.solved(trial) for trial in side.trials]
    return sum(hits) >= 0.9 * len(hits), f"solved from {sum(hits)} of {len(hits)} seeds"


def learners(hidden: Sequence[int]) -> dict[str, MakeLearner]:
    net = mlp(2, *hidden, 1, activation="Tanh")
    return {"mlp": trained(net, "MSELoss", lr=0.2, momentum=0.9)}


EXPERIMENT = Experiment(
    title="XOR with a hidden layer of 8: 2-8-1, tanh",
    course=("D8", "F1"),
    teaches=("nn.Sequential", "nn.Tanh"),
    heading="Warum kann XOR nicht mit einem einfachen Linear Layer gelernt werden?",
    data=gates.gate(gates.XOR),
    learners=learners([8]),
    with_hidden=learners,
    steps=300,
    seeds=20,
    metrics={"accuracy": gates.accuracy},
    claims={"solved from at least 9 of 10 seeds": solved},
    figures=gates.boundary("XOR with a hidden layer"),
    story="The hidden layer bends the plane until one line suffices. A single lucky "
    "seed would prove nothing, so the rate over many is given.",
)
