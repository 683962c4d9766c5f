"""The forms in which layers, losses, optimizers and functions can be written."""

import numpy as np
import pytest

from compare.check.checker import check
from compare.check.definitions import definitions

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
    assert found["Tanh"]["kind"] == "not judged"
    assert "compare template Tanh" in found["Tanh"]["repair"]
    assert found["SGD"]["kind"] == "rounding"  # its form is understood
    assert found["ReLU"]["words"].startswith("line 14 raises AttributeError")
    assert found["ReLU"]["repair"] == ""
    assert found["ReLU"]["not_covered"] == []  # it is told once
    assert "line 15 raises AttributeError" in found["f"]["words"]
    assert "line 18 raises NameError" in found["g"]["words"]


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


@pytest.mark.parametrize("weight", ["weight", "W", "weights", "kernel"])
@pytest.mark.parametrize("gradient", ["weight_grad", "grad_W", "dW", "d_weights"])
def test_parameters_are_found_under_the_names_in_use(weight, gradient, find_one):
    found = find_one(LINEAR.format(weight=weight, gradient=gradient))
    assert found.kind in RIGHT, found.words


@pytest.mark.parametrize(
    ("weight", "gradient", "words"),
    [
        ("zahlen", "weight_grad", "it has no parameter 'weight'; parameters are named"),
        ("weight", "gW", "the gradient of its weight was not found after backward; ca"),
    ],
)
def test_a_parameter_that_is_not_found_is_told_with_what_there_is(
    weight, gradient, words, find_one
):
    found = find_one(LINEAR.format(weight=weight, gradient=gradient))
    assert found.kind == "not judged"
    assert found.words.startswith(words)
    assert f"{gradient} (2, 3)" in found.words or weight == "zahlen"


@pytest.mark.parametrize("gradient", ["grad_weight", "dweight", "d_weight"])
def test_a_parameters_gradient_is_found_under_several_names(gradient, find_one):
    found = find_one(LINEAR.format(weight="weight", gradient=gradient))
    assert found.kind in RIGHT, found.words


def test_what_is_not_tested_is_told_with_the_line_that_fails(find_one):
    source = LINEAR.format(weight="weight", gradient="dW")
    source = source.replace("self.x = x", "self.x, (rows, columns) = x, x.shape")
    assert find_one(source).not_tested == [
        "argument bias",
        "cannot handle 1-D input, 4-D input: line 7",
    ]


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


def test_an_optimizer_needs_no_zero_grad(find_one):
    source = """
class SGD:
    def __init__(self, params, lr=1e-3): self.params, self.lr = params, lr
    def step(self):
        for p in self.params:
            if p.grad is not None: p.data = p.data - self.lr * p.grad
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
    assert found.kind == "mistake"


def test_a_function_with_torchs_name_is_compared_with_torch_too(find_one):
    found = find_one("def relu(x): return 3 * x\ndef grad_relu(x): return 3.0\n")
    assert found.kind == "wrong"
    assert "output" in found.words


def test_what_is_no_array_of_numbers_is_refused(find_one):
    source = "class {}:\n def forward(s, x): return x\n def backward(s, g): return {}\n"
    found = find_one(source.format("Tanh", "'text'"))
    assert found.kind == "wrong"
    assert "input gradient must be an array of numbers" in found.words
    found = find_one(source.format("ReLU", "None"))
    assert found.kind == "not judged"
    assert "returns no gradient" in found.words


def test_a_gradient_without_its_function_is_listed():
    def tanh_backward(grad, z):
        return grad * (1 - np.tanh(z) ** 2)

    (found,) = map(check, definitions({"tanh_backward": tanh_backward}))
    assert found.kind == "not judged"
    assert "tanh_backward" in found.words


def test_a_sum_with_an_eps_in_the_logarithm_is_told_as_both(find_one):
    found = find_one(
        "import numpy as np\n"
        "def cross_entropy_error(y, t):\n"
        "    return -np.sum(t * np.log(y + 1e-7))\n"
    )
    assert found.kind == "convention"
    assert "1/N missing, and eps in the logarithm" in found.words


TWO_MISTAKES = {
    "sign, and 2/N missing": MSE.replace(
        "2 * self.error / self.error.size", "-self.error"
    ),
    "sign, and factor ½": MSE.replace("return 2 *", "return -"),
    "sign, and 1/N missing": MSE.replace(
        "2 * self.error / self.error.size", "-2 * self.error"
    ),
    "bias not added (output), and transposed weight (input gradient)": LINEAR.replace(
        " + self.bias", ""
    ).replace("g @ self.{weight}", "g @ self.{weight}.T"),
    "bias not added (output), and transposed weight gradient (gradient weight)": (
        LINEAR.replace(" + self.bias", "").replace("g.T @ self.x", "self.x.T @ g")
    ),
    "1/N missing, and eps in the logarithm": """
import numpy as np
class CrossEntropyLoss:
    def forward(self, x, target):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p, self.target = e / e.sum(axis=1, keepdims=True), target
        return -np.log(self.p[np.arange(len(x)), target] + 1e-12).mean()
    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(grad)), self.target] -= 1
        return grad
""",
}


@pytest.mark.parametrize("name", TWO_MISTAKES)
def test_two_mistakes_are_told_as_two(name, find_one):
    source = TWO_MISTAKES[name]
    for slot, text in {
        "{value}": "(self.error**2).mean()",
        "{weight}": "weight",
        "{gradient}": "dweight",
    }.items():
        source = source.replace(slot, text)
    found = find_one(source)
    assert found.kind == "mistake"
    assert found.words.startswith(f"{name}: "), found.words


def test_a_backward_pass_that_fails_hides_no_mistake_in_the_forward_pass(find_one):
    source = LINEAR.replace(" + self.bias", "").replace("g.T @ self.x", "g @ self.x")
    found = find_one(source.format(weight="weight", gradient="dweight"))
    assert found.words.startswith("bias not added: output"), found.words
    assert "line 10 raises ValueError" in found.words


def test_part_of_the_upstream_gradient_is_missed(find_one):
    found = find_one(
        "import numpy as np\n"
        "class LeakyReLU:\n"
        "    def __init__(self, alpha=0.01): self.alpha = alpha\n"
        "    def forward(self, x):\n"
        "        self.x = x\n"
        "        return np.where(x > 0, x, self.alpha * x)\n"
        "    def backward(self, g): return np.where(self.x > 0, g, self.alpha)\n"
    )
    assert found.words.startswith("upstream gradient forgotten: "), found.words


def test_a_module_that_autograd_differentiates_is_told_as_that(find):
    found = find(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x): return x\n"
        "class ReLU(Net): pass\n"
    )
    assert [f.kind for f in found] == ["not judged"] * len(found) != []
    assert all("autograd" in f.words for f in found)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        (
            "class Flurb:\n def forward(s, y, t): pass\n def backward(s): pass",
            "MSELoss=Flurb",
        ),
        (
            "class Flurb:\n def forward(s, x): pass\n def backward(s, g): pass",
            "ReLU=Flurb",
        ),
        ("def relu_backward(g, x): return g * (x > 0)", "ReLU=relu,relu_backward"),
    ],
)
def test_the_advice_has_the_names_of_the_file(source, meant, find_one):
    assert f"--as {meant}" in find_one(source).hint


def test_momentum_is_found_by_whatever_name_it_has(find_one):
    source = """
class SGD:
    def __init__(self, params, lr=0.001, schwung=0.9):
        self.params, self.lr, self.schwung = params, lr, schwung
        self.tempo = [0 * p.data for p in params]
    def step(self):
        for i, p in enumerate(self.params):
            v = self.schwung * self.tempo[i] + p.grad
            {keep}
            p.data -= self.lr * v
    def zero_grad(self):
        for p in self.params: p.grad = None
"""
    assert find_one(source.format(keep="self.tempo[i] = v")).kind == "convention"
    assert find_one(source.format(keep="pass")).words.startswith("velocity not kept: ")


def test_a_class_and_its_subclass_are_both_listed(find):
    found = find("""
import numpy as np
class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)
    def backward(self, g): return g * (self.x > 0)
class LeakyReLU(ReLU):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, x * 0.01)
""")
    assert [(one.label, one.kind) for one in found] == [
        ("ReLU", "equal"),
        ("LeakyReLU", "mistake"),
    ]


@pytest.mark.parametrize("name", ["sprung", "heaviside"])
def test_a_step_function_needs_no_gradient(name, find_one):
    source = f"def {name}(x): return 1.0 * (x > 0)"
    assert find_one(source).kind in ("equal", "rounding", "convention")
    assert find_one(source.replace("x > 0", "2 * (x > 0) - 1")).kind == "mistake"


@pytest.mark.parametrize("variance", ["x.var(0)", "x.var(-1, keepdims=True)"])
def test_a_layer_norm_with_its_mean_over_the_wrong_axis_is_named(variance, find_one):
    found = find_one(f"""
import numpy as np
class LayerNorm:
    def __init__(self, n, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(n), np.zeros(n), eps
    def forward(self, x):
        self.std = np.sqrt({variance} + self.eps)
        self.x_hat = (x - x.mean(axis=0)) / self.std
        return self.gamma * self.x_hat + self.beta
    def backward(self, g):
        self.dgamma, self.dbeta = (g * self.x_hat).sum(0), g.sum(0)
        g = g * self.gamma
        along = (g * self.x_hat).mean(-1, keepdims=True) * self.x_hat
        return (g - g.mean(-1, keepdims=True) - along) / self.std
""")
    assert found.words.startswith("wrong axis")


def test_the_sign_and_a_missing_division_are_both_told(find_one):
    found = find_one("""
import numpy as np
class CrossEntropyLoss:
    def forward(self, x, target):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p, self.at = e / e.sum(axis=1, keepdims=True), (range(len(x)), target)
        return np.log(self.p[self.at]).mean()
    def backward(self):
        self.p[self.at] -= 1
        return self.p
""")
    assert found.words.startswith(
        "sign of the value (output), and 1/N missing (input gradient)"
    )


def test_batch_norm_by_functions_needs_no_evaluation_mode(find_one):
    found = find_one("""
import numpy as np
def batchnorm_forward(x, gamma, beta, eps=1e-5):
    std = np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)
def batchnorm_backward(g, cache):
    x_hat, gamma, std = cache
    along = (g * x_hat).mean(axis=0) * x_hat
    dx = gamma / std * (g - g.mean(axis=0) - along)
    return dx, (g * x_hat).sum(axis=0), g.sum(axis=0)
""")
    assert found.kind in ("rounding", "convention"), found.words
