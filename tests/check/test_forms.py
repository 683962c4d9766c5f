"""The forms in which layers, losses, optimisers and functions can be written."""

import pytest

RIGHT = ("equal", "rounding")
BADLY_CALLED = """
import numpy as np
class Tanh:
    def forward(self, x, y): return x
    def backward(self, grad_output): return grad_output
class SGD:
    def __init__(self, params, lr=0.001): self.lr = lr
    def step(self, theta, grad): return theta - self.lr * grad
class ReLU:
    def forward(self, x):
        self.y = np.maximum(x, 0)
        return self.y
    def backward(self, grad_output):
        return grad_output * self.z
def f(x): return x.real + x.missing
def grad_f(x): return 1.0
def g(x): return (x**2).sum()
def grad_g(x): return 2 * x + missing
def sigmoid(x): return 1 / (1 + np.exp(-x))
def sigmoid_backward(grad_output): return grad_output
"""


def test_an_error_is_told_with_its_line_or_with_the_form_that_is_expected(
    write, in_process
):
    from compare.check.process import check_file

    outcome = check_file(write(BADLY_CALLED), [], 60)
    found = {finding["label"]: finding for finding in outcome.findings}
    for name in ("Tanh", "SGD"):
        assert found[name]["words"].startswith("raises TypeError")
        assert f"compare template {name}" in found[name]["repair"]
    assert found["ReLU"]["words"].startswith("line 14 raises AttributeError")
    assert found["ReLU"]["repair"] == ""
    assert found["ReLU"]["not_covered"] == []  # it is told once
    assert "line 15 raises AttributeError" in found["f"]["words"]
    assert "line 18 raises NameError" in found["g"]["words"]
    assert "partner is given grad_output" in found["sigmoid"]["repair"]


LINEAR = """
class Linear:
    def __init__(self, a, b):
        self.{weight} = self.bias = None
        self.{gradient} = self.bias_grad = 0
    def forward(self, x):
        self.x = x
        return x @ self.{weight}.T + self.bias
    def backward(self, g):
        self.{gradient} += g.T @ self.x
        self.bias_grad += g.sum(0)
        return g @ self.{weight}
"""


@pytest.mark.parametrize(
    ("weight", "gradient", "words"),
    [
        ("W", "weight_grad", "it has no parameter 'weight'; parameters are named as"),
        ("weight", "gW", "the gradient of its weight was not found after backward; ca"),
        ("W", "W_grad", "it has no parameter 'weight'; parameters are named as in to"),
    ],
)
def test_a_parameter_that_is_not_found_is_told_first(weight, gradient, words, find_one):
    found = find_one(LINEAR.format(weight=weight, gradient=gradient))
    assert found.kind == "not judged"
    assert found.words.startswith(words)
    assert not any(words[:28] in line for line in found.not_tested)


def test_parameters_of_other_names_are_told_with_their_shapes(find_one):
    source = """
import numpy as np
class Linear:
    def __init__(self, inputs, outputs):
        self.W, self.params = np.zeros((inputs, outputs)), {"b": np.zeros(outputs)}
    def forward(self, x):
        return x @ self.W + self.params["b"]
    def backward(self, g):
        return g @ self.W.T
"""
    assert find_one(source).words.endswith(
        "named as in torch: weight (2, 3), bias (2,); found: W (3, 2), params['b'] (2,)"
    )


@pytest.mark.parametrize("gradient", ["grad_weight", "dweight", "d_weight"])
def test_a_parameters_gradient_is_found_under_several_names(gradient, find_one):
    found = find_one(LINEAR.format(weight="weight", gradient=gradient))
    assert found.kind in RIGHT, found.words


def test_what_is_not_tested_is_grouped(find_one):
    source = """
import numpy as np
class Softmax:
    def forward(self, x):
        if x.ndim > 2 or not x.size:
            raise ValueError("only " + 40 * "full rows " + "here")
        e = np.exp(x - x.max(-1, keepdims=True))
        self.y = e / e.sum(-1, keepdims=True)
        return self.y
    def backward(self, g):
        return self.y * (g - (g * self.y).sum(-1, keepdims=True))
"""
    arguments, *messages = find_one(source).not_tested
    assert arguments == "argument dim"
    assert len({m.partition(": ")[2] for m in messages}) == len(messages)
    assert all(m.startswith("cannot handle Softmax(") for m in messages)
    assert all(m.endswith("full rows …") for m in messages if "ValueError" in m)


MSE = """
class MSELoss:
    def __call__(self, input, target):
        self.error = input - target
        return {value}
    def backward(self):
        return 2 * self.error / self.error.size
"""


FACTOR = "value and gradient differ by a factor"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("(self.error**2).mean() + 1", "wrong constant in the value"),
        ("0.5 * (self.error**2).mean()", f"{FACTOR} (2 times too small)"),
        ("1.000001 * (self.error**2).mean()", f"{FACTOR} (1.000001 times too large)"),
        ("(self.error**2).mean() * 1.000001 + 1e-7", "cause not recognised"),
    ],
)
def test_a_slope_is_only_told_if_it_was_measured(value, name, find_one):
    found = find_one(MSE.format(value=value))
    assert found.words.startswith(f"{name}: output"), found.words


def test_a_loss_may_be_a_python_number(find_one):
    found = find_one(MSE.format(value="float((self.error**2).mean())"))
    assert found.kind in RIGHT, found.words


def test_another_default_does_not_hide_another_mistake(find_one):
    source = """
class SGD:
    def __init__(self, params, lr=0.01, weight_decay=0.0):
        self.p, self.lr, self.decay = params, lr, weight_decay
    def step(self):
        for p in self.p: p.data = p.data - self.lr * p.grad
"""
    found = find_one(source)
    assert found.words.startswith("weight decay missing: "), found.words
    right = source.replace("p.grad", "(p.grad + self.decay * p.data)")
    found = find_one(right)
    assert found.words == "other default: default lr is 0.01, torch's is 0.001"


def test_an_optimiser_needs_no_zero_grad(find_one):
    source = """
class SGD:
    def __init__(self, params, lr=1e-3): self.params, self.lr = params, lr
    def step(self):
        for p in self.params: p.data = p.data - self.lr * p.grad
"""
    found = find_one(source)
    assert found.kind in RIGHT, found.words


def test_the_default_case_must_work(find_one):
    source = """
class ReLU:
    def forward(self, x): raise OSError
    def backward(self, g): pass
"""
    assert find_one(source).kind == "wrong"


def test_an_unstable_softmax_without_dim_is_seen(find_one):
    source = """
import numpy as np
def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)
def softmax_backward(g, x):
    y = softmax(x)
    return y * (g - (g * y).sum(-1, keepdims=True))
"""
    assert find_one(source).words.startswith("unstable form")


RIGHT_FUNCTIONS = [
    "import math\ndef f(x): return math.sin(x) * x\n"
    "def grad_f(x): return math.cos(x) * x + math.sin(x)\n",
    "def f(x): return max(0, x)\ndef grad_f(x): return 1.0 if x > 0 else 0.0\n",
    "import math\ndef f(x): return math.log(x)\ndef grad_f(x): return 1 / x\n",
    "def f(x): return 1 / x\ndef grad_f(x): return -1 / x**2\n",
    "import numpy as np\ndef f(x): return np.sqrt(x[0]**2 + x[1]**2)\n"
    "def grad_f(x): return x / np.sqrt(x[0]**2 + x[1]**2)\n",
    "import numpy as np\ndef f(x): return np.sum(x**2)\n"
    "def grad_f(x): return np.array([2 * x[0], 2 * x[1]])\n",
]
WRONG_FUNCTIONS = [
    "import math\ndef f(x): return math.exp(x) * x\n"
    "def grad_f(x): return math.exp(x)\n",
    "import math\ndef f(x): return math.log(x)\ndef grad_f(x): return 1 / x**2\n",
    "def f(x): return x**2 if x > 3 else x\ndef grad_f(x): return 1.0\n",
    "def f(x): return x**3\ndef grad_f(x): return 2 * x\n",
]


@pytest.mark.parametrize("source", RIGHT_FUNCTIONS)
def test_a_right_derivative_is_accepted_whatever_it_is_made_of(source, find_one):
    found = find_one(source)
    assert found.kind in RIGHT, found.words


@pytest.mark.parametrize("source", WRONG_FUNCTIONS)
def test_a_wrong_derivative_is_seen_whatever_it_is_made_of(source, find_one):
    found = find_one(source)
    assert found.words.startswith("value and gradient do not belong together")


def test_a_function_with_torchs_name_is_compared_with_torch_too(find_one):
    found = find_one("def relu(x): return 3 * x\ndef grad_relu(x): return 3.0\n")
    assert found.kind == "wrong"
    assert "torch's is" in found.words


def test_what_is_no_array_of_numbers_is_refused(find_one):
    source = "class {}:\n def forward(s, x): return x\n def backward(s, g): return {}\n"
    for name, value in (("ReLU", "None"), ("Tanh", "'text'")):
        found = find_one(source.format(name, value))
        assert found.kind == "wrong"
        assert "input gradient must be an array of numbers" in found.words
