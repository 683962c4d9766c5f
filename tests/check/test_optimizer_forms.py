"""Optimizers, schedules and functions are judged in the forms that people write."""

import pytest

RIGHT = {
    "arrays in a dict, changed in place": """
class Momentum:
    def __init__(self, lr=0.001, momentum=0):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        self.v = self.v or {name: np.zeros_like(a) for name, a in params.items()}
        for name in params:
            self.v[name] = self.momentum * self.v[name] + grads[name]
            params[name] -= self.lr * self.v[name]
""",
    "a layer": """
class Optimizer_SGD:
    def __init__(self, learning_rate=0.001):
        self.learning_rate = self.current_learning_rate = learning_rate
    def update_params(self, layer):
        layer.weights += -self.current_learning_rate * layer.dweights
        layer.biases += -self.current_learning_rate * layer.dbiases
""",
    "one optimizer for each parameter": """
class StochasticGradientDescent:
    def __init__(self, learning_rate=0.001):
        self.learning_rate = learning_rate
    def update(self, w, grad_wrt_w):
        return w - self.learning_rate * grad_wrt_w
""",
    "arrays, and gradients for each step": """
class SGD:
    def __init__(self, params, eta=0.001):
        self.params, self.eta = params, eta
    def step(self, grads):
        for p, g in zip(self.params, grads, strict=True):
            p -= self.eta * g
""",
    "value and grad": """
class SGD:
    def __init__(self, parameters, alpha=0.001):
        self.parameters, self.alpha = parameters, alpha
    def step(self):
        for p in self.parameters:
            if p.grad is not None:
                p.value = p.value - self.alpha * p.grad
""",
    "torch": """
import torch
class SGD(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * p.grad
""",
    "a function with its state": """
def adam(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + epsilon), m, v
""",
    "a function with a dict of options and state": """
def rmsprop(w, dw, config=None):
    v = config.get("cache", 0)
    v = config["decay_rate"] * v + (1 - config["decay_rate"]) * dw**2
    step = config["learning_rate"] * dw / (np.sqrt(v) + config["epsilon"])
    return w - step, {**config, "cache": v}
""",
    "dicts whose gradients have a d": """
def update_parameters(parameters, grads, learning_rate=0.001):
    return {k: a - learning_rate * grads["d" + k] for k, a in parameters.items()}
""",
    "partial derivatives": """
def f(x, y):
    return x**2 + x * y
def df_dx(x, y):
    return 2 * x + y
def df_dy(x, y):
    return x
""",
    "a gradient as a dict": """
def f(x, y):
    return x**2 + x * y
def f_gradient(x, y):
    return {"x": 2 * x + y, "y": x}
""",
    "a large constant": "def f(x): return 1e8 + x**2\ndef f_prime(x): return 2 * x",
    "a vertical slope": """
def f(x):
    return np.cbrt(x)
def grad_f(x):
    return 1 / (3 * np.cbrt(x) ** 2)
""",
    "a schedule of an optimizer": """
class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer, self.step_size, self.gamma = optimizer, step_size, gamma
        self.last_epoch = 0
    def step(self):
        self.last_epoch += 1
        if self.last_epoch % self.step_size == 0:
            self.optimizer.lr *= self.gamma
""",
    "a schedule as a function": """
def exponential_lr(epoch, initial_lr, decay_rate):
    return initial_lr * decay_rate**epoch
""",
    "a list of gradients, clipped in place": """
def clip_grads(grads, max_norm):
    factor = max_norm / (np.sqrt(sum(np.sum(g**2) for g in grads)) + 1e-6)
    for g in grads:
        g *= min(1, factor)
""",
    "a perceptron with a threshold": """
class Rosenblatt:
    def __init__(self, inputs, outputs):
        self.weights = np.zeros((outputs, inputs))
        self.threshold = np.zeros(outputs)
    def step(self, x, y):
        missing = y - (x @ self.weights.T > self.threshold)
        self.weights = self.weights + missing.T @ x
        self.threshold = self.threshold - missing.sum(axis=0)
""",
}
WRONG = {
    "arrays in a dict, changed in place": (
        "+ grads[name]",
        "- grads[name]",
        "sign",
    ),
    "a layer": (" += -self", " += self", "sign"),
    "one optimizer for each parameter": (
        "grad_wrt_w\n",
        "grad_wrt_w / 8\n",
        "constant factor",
    ),
    "arrays, and gradients for each step": (
        "p -= self.eta * g",
        "p = p - self.eta * g",
        "parameters never change",
    ),
    "value and grad": ("* p.grad", "* abs(p.grad)", "absolute gradient"),
    "torch": ("* p.grad", "* p.grad.sign()", "sign of the gradient alone"),
    "a function with its state": (
        "v / (1 - beta2**t)",
        "v / (1 - beta2)",
        "bias correction by 1 − β",
    ),
    "a function with a dict of options and state": (
        '(1 - config["decay_rate"]) * dw**2',
        "dw**2",
        "1 − α missing",
    ),
    "dicts whose gradients have a d": ("a - ", "a + ", "sign"),
    "partial derivatives": ("return 2 * x + y", "return 2 * x", "term missing"),
    "a gradient as a dict": ("2 * x + y", "x + y", "exponent does not come down"),
    "a large constant": ("2 * x", "2 * x + 1e8", "constant not dropped"),
    "a vertical slope": ("1 / (3", "-1 / (3", "sign"),
    "a schedule of an optimizer": (
        "% self.step_size",
        "% (self.step_size + 1)",
        "period off by one",
    ),
    "a schedule as a function": ("**epoch", "**(epoch + 1)", "one step early"),
    "a list of gradients, clipped in place": (
        "np.sqrt(sum(np.sum(g**2) for g in grads))",
        "sum(np.sum(g**2) for g in grads)",
        "root of the norm missing",
    ),
    "a perceptron with a threshold": (
        "self.threshold - missing",
        "self.threshold + missing",
        "bias moved the wrong way",
    ),
}


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_one_is_accepted_in_this_form(find_one, form):
    found = find_one("import numpy as np\n" + RIGHT[form])
    assert found.kind in ("equal", "rounding") or "other default" in found.words, found


@pytest.mark.parametrize("form", RIGHT)
def test_a_wrong_one_is_named_in_this_form(find_one, form):
    old, new, name = WRONG[form]
    assert old in RIGHT[form]
    found = find_one("import numpy as np\n" + RIGHT[form].replace(old, new))
    assert found.kind == "mistake", found.words
    assert found.words.startswith(f"{name}: "), found.words


def test_a_form_that_does_not_run_is_not_judged(find_one):
    found = find_one("""
class SGD:
    def __init__(self, lr=0.1):
        self.lr = lr
    def update(self, network, learning_material):
        network.learn(learning_material, self.lr)
""")
    assert found.kind == "not judged"
    assert "update(network, learning_material)" in found.words


@pytest.mark.parametrize(("sign", "kind"), [("-", "rounding"), ("+", "mistake")])
def test_of_a_config_only_what_is_read_is_an_option(sign, kind, find_one):
    found = find_one(f"""
def sgd(w, dw, config=None):
    \"\"\"Plain, so it needs no momentum.\"\"\"
    config = config or {{}}
    config.setdefault("learning_rate", 1e-2)
    w {sign}= config["learning_rate"] * dw
    return w, config
""")
    assert found.kind == kind, found.words


def test_two_mistakes_are_told_as_two(find_one):
    found = find_one("""
class SGD:
    def __init__(self, params, lr=1e-3, momentum=0.0, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.momentum, self.decay = lr, momentum, weight_decay
        self.v = [0.0] * len(self.params)
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad - self.decay * p.data
            self.v[i] = self.momentum * self.v[i] + (1 - self.momentum) * g
            p.data = p.data - self.lr * self.v[i]
""")
    assert found.kind == "mistake"
    for name in ("velocity is a moving average", "sign of the weight decay"):
        assert name in found.words


OF_OPTIMIZERS = {"Nesterov momentum", "gradients cleared in the step"}
"""Conventions in which the tests below see an optimizer."""
NESTEROV = """
class SGD:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        self.v = self.v or {name: 0 * a for name, a in params.items()}
        for name in params:
            old, m = self.v[name], self.momentum
            v = self.v[name] = VELOCITY
            params[name] += STEP
"""


@pytest.mark.parametrize(
    ("velocity", "step"),
    [
        ("m * old + grads[name]", "-self.lr * (grads[name] + m * v)"),
        ("m * old - self.lr * grads[name]", "m * v - self.lr * grads[name]"),
        ("m * old - self.lr * grads[name]", "-m * old + (1 + m) * v"),
    ],
)
def test_nesterovs_momentum_is_a_convention(velocity, step, find_one):
    source = NESTEROV.replace("VELOCITY", velocity).replace("STEP", step)
    found = find_one(source)
    assert found.kind == "convention"
    assert "Nesterov momentum" in found.words
    assert "nesterov=True" in found.hint


def test_nesterovs_momentum_in_spite_of_its_argument_is_a_mistake(find_one):
    source = NESTEROV.replace("VELOCITY", "m * old + grads[name]")
    source = source.replace("STEP", "-self.lr * (grads[name] + m * v)")
    assert find_one(source.replace("=0.9)", "=0, nesterov=False)")).kind == "mistake"


def test_a_velocity_that_the_biases_lose_is_named(find_one):
    source = NESTEROV.replace("VELOCITY", "m * old * (name[0] != 'b') + grads[name]")
    found = find_one(source.replace("STEP", "-self.lr * v"))
    assert found.kind == "mistake"
    assert found.words.startswith("velocity not kept")


def test_a_count_from_0_is_named_where_python_divides_by_it(find_one):
    found = find_one("""
class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.t, self.m, self.v = 0, {}, {}
    def update(self, params, grads):
        lr = self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - self.beta1**self.t)
        for name, g in grads.items():
            m = self.beta1 * self.m.get(name, 0) + (1 - self.beta1) * g
            v = self.beta2 * self.v.get(name, 0) + (1 - self.beta2) * g**2
            self.m[name], self.v[name] = m, v
            params[name] -= lr * m / (v**0.5 + 1e-8)
        self.t += 1
""")
    assert found.kind == "mistake"
    assert found.words.startswith("step counted wrongly")


def test_a_step_that_clears_the_gradients_is_a_convention(find_one):
    found = find_one("""
def sgd(params, lr=0.001):
    for p in params:
        p.data = p.data - lr * p.grad
        p.grad[:] = 0
""")
    assert found.kind == "convention"
    assert "gradients cleared in the step" in found.words
