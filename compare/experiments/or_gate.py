"""OR, learned by one linear neuron from ½, ½, ½, as on the slide."""

from compare.experiment import Experiment, Side
from compare.experiments.common import gates


def first_activation(side: Side) -> tuple[bool, str]:
    """The slide's first question: what is the activation of (1, 1) at the start?"""
    start = side.only.path[0]
    answer = float(start["weight"].sum() + start["bias"][0])
    return answer == 1.5, f"½·1 + ½·1 + ½ = {answer}"


EXPERIMENT = Experiment(
    title="OR from one linear neuron, against torch.nn.Linear(2, 1)",
    course=("D6", "D1", "E1"),
    teaches=("nn.Linear", "nn.MSELoss"),
    heading="Aufgaben Perceptron",
    data=gates.gate(gates.OR),
    learners={"linear": gates.LINEAR_NEURON},
    start={"weight": 0.5, "bias": 0.5},
    steps=150,
    metrics={"accuracy": gates.accuracy},
    claims={
        "the activation of (1, 1) starts at 1½": first_activation,
        "all four rows are right": gates.all_rows_right,
        "the weights become the least-squares ones": gates.least_squares,
    },
    figures=gates.boundary("OR, learned"),
    story="A straight line separates the one 0 from the three 1s; gradient descent on "
    "the squared error finds the line that least squares would compute.",
)
