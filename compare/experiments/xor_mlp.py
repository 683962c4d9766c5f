"""XOR with one hidden layer, from many seeds."""

from compare.experiment import Experiment, backprop
from compare.experiments.common import gates
from compare.results import Side


def solved(side: Side) -> tuple[bool, str]:
    hits = [gates.solved(trial) for trial in side.trials]
    return sum(hits) >= 0.9 * len(hits), f"solved from {sum(hits)} of {len(hits)} seeds"


EXPERIMENT = Experiment(
    title="XOR with a hidden layer of 8: 2-8-1, tanh",
    course=("D8", "F1"),
    heading="Warum kann XOR nicht mit einem einfachen Linear Layer gelernt werden?",
    data=lambda rng: gates.gate(gates.XOR),
    learners={
        "mlp": backprop(
            model=lambda nn: nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, p: optim.SGD(p, lr=0.2, momentum=0.9),
        )
    },
    steps=300,
    seeds=20,
    metrics={"accuracy": gates.accuracy},
    claims={"solved from at least 9 of 10 seeds": solved},
    figures={"boundary": gates.boundary("XOR with a hidden layer")},
    story="The hidden layer bends the plane until one line suffices. A single lucky "
    "seed would prove nothing, so the rate over many is given.",
)
