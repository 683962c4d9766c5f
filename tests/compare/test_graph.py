"""Every node of a calculation has the value and the gradient of its closed form."""

from math import cos, exp, log, sin, sqrt, tanh

import pytest
from typer.testing import CliRunner

from compare.cli import app
from compare.cli._console import out
from compare.graph import backward_steps, graph

X, Y = 2.0, -1.0
NEURON = "max(0, w1*x1 + w2*x2 + w0)"
HALF = {"w0": 0.5, "w1": 0.5, "x1": 1.0, "w2": 0.5, "x2": 1.0}
SUM = "w₁·x₁ + w₂·x₂"
CLOSED = [  # expression, point, for each node its value and gradient
    (
        "x**2 + y**2",
        {"x": X, "y": Y},
        {"x": (2, 4), "y": (-1, -2), "x²": (4, 1), "y²": (1, 1), "x² + y²": (5, 1)},
    ),
    (
        "x³ + y³",
        {"x": X, "y": Y},
        {"x": (2, 12), "y": (-1, 3), "x³": (8, 1), "y³": (-1, 1), "x³ + y³": (7, 1)},
    ),
    (
        "1/(x**2 + y**2)",
        {"x": X, "y": Y},
        {
            **{"x": (2, -4 / 25), "y": (-1, 2 / 25), "x²": (4, -1 / 25)},
            **{"y²": (1, -1 / 25), "x² + y²": (5, -1 / 25), "1 / (x² + y²)": (0.2, 1)},
        },
    ),
    (
        "x² − 2·x·y + y²",
        {"x": X, "y": Y},
        {
            **{"x": (2, 6), "y": (-1, -6), "x²": (4, 1), "2·x": (4, 1)},
            **{"2·x·y": (-4, -1), "x² − 2·x·y": (8, 1), "y²": (1, 1)},
            "x² − 2·x·y + y²": (9, 1),
        },
    ),
    (
        "sin(x) + exp(y)",
        {"x": X, "y": Y},
        {
            **{"x": (2, cos(2)), "y": (-1, exp(-1)), "sin(x)": (sin(2), 1)},
            **{"exp(y)": (exp(-1), 1), "sin(x) + exp(y)": (sin(2) + exp(-1), 1)},
        },
    ),
    ("x1*x2", {"x1": 3, "x2": 5}, {"x₁": (3, 5), "x₂": (5, 3), "x₁·x₂": (15, 1)}),
    (
        "x1 + 2*x2",
        {"x1": 3, "x2": 5},
        {"x₁": (3, 1), "x₂": (5, 2), "2·x₂": (10, 1), "x₁ + 2·x₂": (13, 1)},
    ),
    (
        "2*x1*x2**2",
        {"x1": 3, "x2": 5},
        {
            **{"x₁": (3, 50), "x₂": (5, 60), "2·x₁": (6, 25), "x₂²": (25, 6)},
            "2·x₁·x₂²": (150, 1),
        },
    ),
    (
        NEURON,
        HALF,
        {
            **{"w₀": (0.5, 1), "w₁": (0.5, 1), "x₁": (1, 0.5), "w₂": (0.5, 1)},
            **{"x₂": (1, 0.5), "w₁·x₁": (0.5, 1), "w₂·x₂": (0.5, 1), SUM: (1, 1)},
            **{f"{SUM} + w₀": (1.5, 1), f"max(0, {SUM} + w₀)": (1.5, 1)},
        },
    ),
    (
        NEURON,
        {**HALF, "w0": -2.0},
        {
            **{"w₀": (-2, 0), "w₁": (0.5, 0), "x₁": (1, 0), "w₂": (0.5, 0)},
            **{"x₂": (1, 0), "w₁·x₁": (0.5, 0), "w₂·x₂": (0.5, 0), SUM: (1, 0)},
            **{f"{SUM} + w₀": (-1, 0), f"max(0, {SUM} + w₀)": (0, 1)},
        },
    ),
    (
        "-log(x)/sqrt(x) - cos(x)*tanh(x)",
        {"x": 0.5},
        {
            "x": (
                0.5,
                -1 / 0.5**1.5
                + log(0.5) / (2 * 0.5**1.5)
                + sin(0.5) * tanh(0.5)
                - cos(0.5) * (1 - tanh(0.5) ** 2),
            ),
            "log(x)": (log(0.5), -1 / sqrt(0.5)),
            "−log(x)": (-log(0.5), 1 / sqrt(0.5)),
            "sqrt(x)": (sqrt(0.5), log(0.5) / 0.5),
            "−log(x) / sqrt(x)": (-log(0.5) / sqrt(0.5), 1),
            "cos(x)": (cos(0.5), -tanh(0.5)),
            "tanh(x)": (tanh(0.5), -cos(0.5)),
            "cos(x)·tanh(x)": (cos(0.5) * tanh(0.5), -1),
            "−log(x) / sqrt(x) − cos(x)·tanh(x)": (
                -log(0.5) / sqrt(0.5) - cos(0.5) * tanh(0.5),
                1,
            ),
        },
    ),
]
EXACT = 1e-15


@pytest.mark.parametrize(("expression", "point", "closed"), CLOSED)
def test_every_node_has_the_value_and_gradient_of_its_closed_form(
    expression, point, closed
):
    nodes = graph(expression, point)
    assert {node.label for node in nodes} == closed.keys()
    for node in nodes:
        value, gradient = closed[node.label]
        assert node.value == pytest.approx(value, rel=EXACT, abs=0)
        assert node.by_hand == pytest.approx(gradient, rel=EXACT, abs=0)
        assert node.autograd == pytest.approx(gradient, rel=EXACT, abs=0)
        assert node.difference == pytest.approx(gradient, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(("expression", "point", "closed"), CLOSED)
def test_local_factors_on_the_edges_give_the_gradient(expression, point, closed):
    nodes = graph(expression, point)
    for place, node in enumerate(nodes[:-1]):
        terms = [
            user.by_hand * edge.factor
            for user in nodes
            for edge in user.inputs
            if edge.source == place
        ]
        assert sum(terms) == pytest.approx(node.by_hand, rel=EXACT, abs=0)


def test_the_backward_pass_takes_one_step_a_node_from_the_result_on():
    steps = backward_steps(graph("x**2 - 2*x*y", {"x": 2, "y": -1}))
    assert [(node.label, terms) for node, terms, _ in steps] == [
        ("x² − 2·x·y", "1"),
        ("2·x·y", "1·(−1)"),
        ("2·x", "(−1)·(−1)"),
        ("x²", "1·1"),
        ("y", "(−1)·4"),
        ("x", "1·4 + 1·2"),
    ]
    assert [rules for _, _, rules in steps[1:]] == ["", "y", "", "2·x", "2·x"]


def call(*words):
    return CliRunner().invoke(app, ["graph", *words])


def test_the_command_prints_nodes_and_steps_in_80_columns(monkeypatch):
    monkeypatch.setattr(out, "_width", 80)
    answer = call("x**2 + y**2", "x=2", "y=-1")
    assert answer.exit_code == 0
    for words in ("autograd", "finite difference", "x² + y²", "1·(−2) = −2", "2·y"):
        assert words in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x**"], "x**"),
        (["x**2"], "missing or not used: x"),
        (["x**2", "x=2", "z=1"], "missing or not used: z"),
        (["x**2", "x"], "NAME=NUMBER"),
        (["5"], "no variable"),
        (["1/x", "x=0"], "not finite"),
        (["sqrt(x)", "x=0"], "not finite"),
        (["x**x", "x=1"], "constant power"),
        (["x.real", "x=1"], "known are"),
        (["open(x)", "x=1", "open=1"], "known are"),
        (["__import__(x)", "x=1"], "missing or not used: __import__"),
        (["x + 1/0", "x=1"], "division by zero"),
        (["x" + "+x" * 20000, "x=1"], "cannot be"),
    ],
)
def test_what_is_no_calculation_is_refused(words, said):
    answer = call(*words)
    assert answer.exit_code == 2
    assert said in answer.output


def test_an_expression_may_begin_with_minus():
    assert call("-x*x", "x=3").exit_code == 0


def test_a_wrong_rule_is_exit_status_1(monkeypatch):
    from handmade.autodiff.rules import PRIMITIVES

    monkeypatch.setattr(PRIMITIVES["sin"], "slopes", (lambda xp, y, x: y,))
    assert call("sin(x)", "x=1").exit_code == 1
