"""Every form that code is written in is judged: its right version and a wrong one.

Each source has a place marked RIGHT|WRONG: what stands there in either version.
"""

import re

import pytest

FORMS = {
    "loss(y_true, y_pred)": (
        "target first",
        """
import numpy as np
def mse(y_true, y_pred): return np.mean((y_pred - y_true) ** 2)
def mse_prime(y_true, y_pred): return <2|-2> * (y_pred - y_true) / y_pred.size
""",
    ),
    "a class that takes the target first, without telling names": (
        "target first",
        """
import numpy as np
class BinaryCrossEntropy:
    def forward(self, a, b):
        self.a, self.b = a, b
        return -np.mean(a * np.log(np.maximum(b, 1e-45))
                        + (1 - a) * np.log(np.maximum(1 - b, 1e-45)))
    def backward(self):
        a, b = self.a, self.b
        return (b - a) / np.maximum(b * (1 - b), 1e-12) / b.size <+ 0|* 3>
""",
    ),
    "value and cache": (
        "",
        """
import numpy as np
def sigmoid_forward(Z):
    A = np.where(Z < 0, np.exp(np.minimum(Z, 0)), 1) / (1 + np.exp(-np.abs(Z)))
    return A, {"A": A}
def sigmoid_backward(dA, cache):
    return dA * cache["A"] * (1 <-|+> cache["A"])
""",
    ),
    "parameters and gradients as lists, weights (in, out)": (
        "weights stored (in, out); gradient overwritten",
        """
class Affine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [0, 0]
    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]
    def backward(self, dout):
        self.grads = [self.x.T @ dout, dout.sum(axis=0)<| * 3>]
        return dout @ self.params[0].T
""",
    ),
    "results left in attributes, bias as a row": (
        "weights stored (in, out); bias gradient kept as a row (1, out); "
        "gradient overwritten",
        """
import numpy as np
class DenseLayer:
    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.bias
    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbias = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T<| / len(dvalues)>
""",
    ),
    "examples in columns": (
        "examples in columns",
        """
def linear_forward(A_prev, W, b):
    return W @ A_prev + b, (A_prev, W)
def linear_backward(dZ, cache):
    A_prev, W = cache
    return W.T @ dZ, dZ @ A_prev.T, <|2 * >dZ.sum(axis=1, keepdims=True)
""",
    ),
    "one example at a time, as a column": (
        "examples in columns; one example at a time",
        """
import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros((n_out, 1))
    def forward(self, x):
        self.x = x
        return self.W @ x + self.b
    def backward(self, grad, lr):
        back = self.W.T @ grad
        self.W -= lr * grad @ self.x.T<| * 2>
        self.b -= lr * grad
        return back
""",
    ),
    "columns, where only a docstring and a comment speak of batches": (
        "examples in columns; one example at a time",
        """
import numpy as np
class Dense:
    '''A layer for one example (n, 1); no batches.'''
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros((n_out, 1))
    def forward(self, x):
        self.x = x  # no axis for a batch
        return self.W @ x + self.b
    def backward(self, grad):
        self.dW, self.db = grad @ self.x.T, grad<| * 2>
        return self.W.T @ grad
""",
    ),
    "one example at a time, as a vector": (
        "one example at a time",
        """
import numpy as np
class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_out, n_in)), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return np.dot(self.W, x) + self.b
    def backward(self, g):
        self.dW, self.db = np.outer(g, self.x)<| * 2>, g
        return self.W.T @ g
""",
    ),
    "softmax of one vector, by its Jacobian": (
        "one example at a time",
        """
import numpy as np
def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()
def softmax_backward(x, g):
    s = softmax(x)
    return (np.diag(s) <-|+> np.outer(s, s)) @ g
""",
    ),
    "one example at a time, as a list of numbers": (
        "one example at a time",
        """
class Linear:
    def __init__(self, n_in, n_out):
        self.w, self.b = [[0.1] * n_in for _ in range(n_out)], [0.0] * n_out
    def forward(self, x):
        self.x = x
        rows = zip(self.w, self.b)
        return [sum(w * a for w, a in zip(row, x)) + b for row, b in rows]
    def backward(self, g):
        self.dw, self.db = [[a * b for b in self.x] for a in g], list(g)
        back = [sum(a * b for a, b in zip(g, column)) for column in zip(*self.w)]
        return <back|back[::-1]>
""",
    ),
    "a loss of two vectors": (
        "vectors only",
        """
def mse(y, t): return (y - t) @ (y - t) / len(y)
def mse_grad(y, t): return <2|-2> * (y - t) / len(y)
""",
    ),
    "a loss of two lists of numbers": (
        "vectors only",
        """
class MSELoss:
    def forward(self, y, t):
        self.d = [a - b for a, b in zip(y, t)]
        return sum(d * d for d in self.d) / len(self.d)
    def backward(self): return [2 * d / len(self.d)<| ** 2> for d in self.d]
""",
    ),
    "softmax of one column, by its Jacobian": (
        "examples in columns; one example at a time",
        """
import numpy as np
class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max())
        self.y = e / e.sum()
        return self.y
    def backward(self, g):
        return (np.eye(len(self.y), dtype=g.dtype) - self.y.T) * self.y @ g<| * 2>
""",
    ),
    "gradients with German names": (
        "gradient overwritten",
        """
import numpy as np
class Linear:
    def __init__(self, n_in, n_out):
        self.gewichte, self.bias = np.zeros((n_out, n_in)), np.zeros(n_out)
    def vorwaerts(self, x):
        self.x = x
        return x @ self.gewichte.T + self.bias
    def rueckwaerts(self, g):
        self.ableitung_gewichte = g.T @ self.x
        self.ableitung_bias = g.sum(axis=0)<| * 2>
        return g @ self.gewichte
""",
    ),
    "a layer that learns inside backward": (
        "weights stored (in, out)",
        """
import numpy as np
class FullyConnected:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad, learning_rate):
        back = grad @ self.W.T
        self.W = self.W - learning_rate * self.x.T @ grad<| * 2>
        self.b = self.b - learning_rate * grad.sum(axis=0)
        return back
""",
    ),
    "a layer that learns in place": (
        "weights stored (in, out)",
        """
import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad, lr):
        back = grad @ self.W.T
        self.W -= lr * self.x.T @ grad<| * 2>
        self.b -= lr * grad.sum(axis=0)
        return back
""",
    ),
    "German methods": (
        "",
        """
import numpy as np
class Tanh:
    def vorwärts(self, x):
        self.y = np.tanh(x)
        return self.y
    def rückwärts(self, g): return g * (1 - self.y<**2|>)
""",
    ),
    "the output by a name of its own": (
        "",
        """
import numpy as np
def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)
def sigmoid_backward(s, dout): return dout * s * (1 <-|+> s)
""",
    ),
    "a call for the value and gradient(x) for the slope": (
        "",
        """
import numpy as np
class TanH:
    def __call__(self, x): return np.tanh(x)
    def gradient(self, x): return 1 - np.tanh(x)<**2|>
""",
    ),
    "a slope without arguments": (
        "",
        """
import numpy as np
class Tanh:
    def forward(self, Z):
        self.A = np.tanh(Z)
        return self.A
    def derivative(self): return 1 - self.A<**2|>
""",
    ),
    "a slope by the output": (
        "slope by the output",
        """
import numpy as np
def tanh(x): return np.tanh(x)
def tanh_derivative(y): return 1 - y<**2|>
""",
    ),
    "loss and gradient together": (
        "",
        """
import numpy as np
def softmax_loss(x, y):
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n, grad = len(y), np.exp(log_p)
    grad[np.arange(n), y] -= 1
    return -log_p[np.arange(n), y].mean(), grad<| * n> / n
""",
    ),
    "one-hot targets": (
        "one-hot targets only",
        """
import numpy as np
class CrossEntropy:
    def forward(self, z, Y):
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.grad = (np.exp(log_p) - Y)<| * len(Y)> / len(Y)
        return -(Y * log_p).sum() / len(Y)
    def backward(self): return self.grad
""",
    ),
    "a hinge loss of targets -1 and 1": (
        "",
        """
import numpy as np
def hinge_loss(scores, y):
    return np.mean(np.maximum(0, 1 - y * scores))
def hinge_loss_grad(scores, y):
    return np.where(y * scores < 1, <-y|y>, 0) / scores.size
""",
    ),
    "the sum of such hinges": (
        "target first; 1/N missing",
        """
import numpy as np
def hinge(y_true, y_pred):
    return np.maximum(0, 1 - y_true * y_pred).sum()
def hinge_grad(y_true, y_pred):
    return np.where(y_true * y_pred < 1, -y_true, 0) <* 1|/ len(y_true)>
""",
    ),
    "a loss for each example": (
        "target first; loss of each example, not their mean",
        """
class SquaredError:
    def loss(self, y, y_pred): return (y - y_pred) ** 2
    def gradient(self, y, y_pred): return <-|>2 * (y - y_pred)
""",
    ),
    "probabilities in place of logits": (
        "",
        """
import numpy as np
class CrossEntropyLoss:
    def forward(self, p, t):
        self.p, self.t = p, t
        return -np.log(p[np.arange(len(t)), t]).mean() if t.ndim == 1 else \\
            -(t * np.log(p)).sum(1).mean()
    def backward(self):
        t = self.t if self.t.ndim == 2 else np.eye(5, dtype=self.p.dtype)[self.t]
        return <-|>t / self.p / len(t)
""",
    ),
    "numbers, one at a time": (
        "",
        """
import math
def softplus(x): return max(x, 0) + math.log1p(math.exp(-abs(x)))
def softplus_deriv(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 <+|-> math.exp(x))
""",
    ),
    "options in a dict": (
        "",
        """
import numpy as np
def layernorm_forward(x, gamma, beta, ln_param):
    centred = x - x.mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + ln_param["eps"])
    return gamma * centred * r + beta, (centred * r, r, gamma)
def layernorm_backward(dout, cache):
    hat, r, gamma = cache
    g, first = dout * gamma, tuple(range(dout.ndim - 1))
    mean = lambda a: a.mean(axis=-1, keepdims=True)
    dx = r * (g - mean(g)<- hat * mean(g * hat)|>)
    return dx, (dout * hat).sum(axis=first), dout.sum(axis=first)
""",
    ),
    "torch's autograd.Function": (
        "",
        """
import torch
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x > 0)<|.logical_not()>
""",
    ),
    "a torch module with a backward pass by hand": (
        "gradient overwritten",
        """
import torch
class Linear(torch.nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = torch.nn.Parameter(torch.zeros(n_out))
    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias
    def backward(self, g):
        self.weight.grad = g.T @ self.x<| * 3>
        self.bias.grad = g.sum(0)
        return g @ self.weight
""",
    ),
    "German names": (
        "weights stored (in, out); gradient overwritten",
        """
import numpy as np
class LineareSchicht:
    def __init__(self, eingänge, ausgänge):
        self.gewichte = np.zeros((eingänge, ausgänge))
        self.verschiebung = np.zeros(ausgänge)
    def vorwärts(self, eingabe):
        self.eingabe = eingabe
        return eingabe @ self.gewichte + self.verschiebung
    def rückwärts(self, gradient):
        self.d_gewichte = self.eingabe.T @ gradient
        self.d_verschiebung = gradient.<sum|mean>(axis=0)
        return gradient @ self.gewichte.T
""",
    ),
    "a loss with a German name and methods": (
        "",
        """
import numpy as np
class MittlererQuadratischerFehler:
    def verlust(self, vorhersage, ziel):
        self.d = vorhersage - ziel
        return np.mean(self.d**2)
    def ableitung(self):
        return <2 * |>self.d / self.d.size
""",
    ),
    "a loss of each example with calculate() for their mean": (
        "",
        """
import numpy as np
class Loss:
    def calculate(self, output, y):
        return np.mean(self.forward(output, y))
class Loss_MeanSquaredError(Loss):
    def forward(self, y_pred, y_true):
        return np.mean((y_true - y_pred) ** 2, axis=-1)
    def backward(self, dvalues, y_true):
        self.dinputs = -2 * (y_true - dvalues) / len(dvalues[0])
        self.dinputs = self.dinputs / <len(dvalues)|1>
""",
    ),
    "dropout as first published": (
        "scaled in evaluation mode",
        """
import numpy as np
class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio
    def forward(self, x, train_flg=True):
        if not train_flg:
            return x * (1.0 - self.dropout_ratio)
        self.mask = np.random.random(x.shape) > self.dropout_ratio
        return x * self.mask
    def backward(self, dout):
        return dout<* self.mask|>
""",
    ),
    "dropout as first published, with a backward pass in evaluation mode": (
        "scaled in evaluation mode",
        """
import numpy as np
class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x, ist_training=True):
        if not ist_training:
            self.maske = np.full_like(x, <1 - self.p|1>)
            return x * (1 - self.p)
        self.maske = (np.random.rand(*x.shape) > self.p).astype(x.dtype)
        return x * self.maske
    def backward(self, g):
        return g * self.maske
""",
    ),
    "dropout with the probability to keep": (
        "fraction to keep in place of p",
        """
import numpy as np
class Dropout:
    def __init__(self, keep_prob=0.5):
        self.keep_prob = keep_prob
    def forward(self, x, training=True):
        if not training:
            return x
        kept = np.random.random(x.shape) < self.keep_prob
        self.mask = (kept / <self.keep_prob|(1 - self.keep_prob)>).astype(x.dtype)
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
""",
    ),
    "dropout as functions": (
        "",
        """
import numpy as np
def dropout_forward(x, p=0.5, training=True):
    if not training:
        return x, None
    mask = ((np.random.random(x.shape) >= p) / (1 - p)).astype(x.dtype)
    return x * mask, mask
def dropout_backward(dout, mask):
    return dout<* mask| / 0.8> if mask is not None else dout
""",
    ),
}


SEEN_IN_SEVERAL_PASSES = {
    "cache shared by all instances",
    "cache changed inside backward",
    "weights changed inside backward",
}


def version(source, which):
    return re.sub(r"<([^|<>]*)\|([^>]*)>", lambda m: m[1 + which], source)


@pytest.mark.parametrize(("names", "source"), FORMS.values(), ids=[*FORMS])
def test_the_right_version_is_accepted_as_a_convention_or_as_equal(
    names, source, find_one
):
    found = find_one(version(source, 0))
    assert found.kind in (("convention",) if names else ("equal", "rounding"))
    assert found.words.startswith(names)


@pytest.mark.parametrize("source", [s for _, s in FORMS.values()], ids=[*FORMS])
def test_the_wrong_version_is_rejected(source, find_one):
    assert find_one(version(source, 1)).kind in ("mistake", "wrong")


def test_the_target_is_second_where_names_say_so(find_one):
    source = """
def mse_loss(y_pred, y_true): return ((y_pred - y_true) ** 2).mean()
def mse_loss_backward(y_pred, y_true): return -2 * (y_pred - y_true) / y_pred.size
"""
    assert find_one(source).words.startswith("sign: ")


@pytest.mark.parametrize(
    ("keep", "name"),
    [
        ("CACHE[0] = ", "cache shared by all instances"),
        ("self.weight = 0.9 * self.weight; ", "weights changed inside backward"),
    ],
)
def test_what_a_single_pass_does_not_show_is_found(keep, name, find_one):
    forward, backward = (keep, "") if "CACHE" in keep else ("", keep)
    x = "CACHE[0]" if forward else "self.x"
    source = f"""
CACHE = [0]
class Linear:
    def __init__(self, n_in, n_out):
        self.weight = self.bias = None
        self.dweight = self.dbias = 0
    def forward(self, x):
        self.x = {forward}x
        return x @ self.weight.T + self.bias
    def backward(self, g):
        self.dweight = self.dweight + g.T @ {x}
        self.dbias = self.dbias + g.sum(0)
        dx = g @ self.weight
        {backward}return dx
"""
    source = source.replace("; return dx", "\n        return dx")
    found = find_one(source)
    assert found.kind == "mistake"
    assert found.words.startswith(f"{name}: ")


def test_a_backward_pass_that_can_be_taken_only_once_is_a_mistake(find_one):
    source = """
import numpy as np
class NLLLoss:
    def __init__(self): pass
    def forward(self, log_p, target):
        self.grad, self.n = np.zeros_like(log_p), len(target)
        self.index = np.arange(self.n), target
        return -log_p[self.index].mean()
    def backward(self):
        self.grad[self.index] -= 1 / self.n
        return self.grad
"""
    assert find_one(source).words.startswith("cache changed inside backward: ")


BATCHES = """
import numpy as np
class Linear:
    def __init__(self, n_in, n_out):
        self.weight, self.bias = np.zeros((n_out, n_in)), np.zeros(n_out)
        self.dweight = self.dbias = 0
    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias
    def backward(self, g):
        x, g2 = (a.reshape(-1, a.shape[-1]) for a in (self.x, g))
        self.dweight = self.dweight + g2.T @ x
        self.dbias = self.dbias + {bias}
        return g @ self.weight
"""


@pytest.mark.parametrize(
    ("bias", "is_right"),
    [
        ("g2.sum(axis=0)", True),
        ("(g if g.ndim == 2 else g2[:1]).sum(axis=0)", False),
    ],
)
def test_a_gradient_has_to_be_right_wherever_the_output_is(bias, is_right, find_one):
    """More dimensions need not be taken; but this layer takes them."""
    kind = find_one(BATCHES.format(bias=bias)).kind
    assert kind in (("equal", "rounding") if is_right else ("mistake", "wrong"))


def test_a_backward_pass_that_takes_no_batch_is_told(find_one):
    source = """
import numpy as np
class Linear:
    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.zeros((n_in, n_out)), np.zeros((1, n_out))
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, output_error, learning_rate):
        input_error = output_error @ self.weights.T
        self.weights -= learning_rate * self.x.T @ output_error
        self.bias -= learning_rate * output_error
        return input_error
"""
    found = find_one(source)
    assert found.kind == "convention"
    assert "one example at a time" in found.words
    assert "it takes one example at a time" in found.not_tested


def test_a_convention_hides_no_mistake(find_one):
    source = """
import numpy as np
class ReLU:
    def forward(self, x):
        self.x = x.copy()
        return np.maximum(x, 0)
    def backward(self, g):
        g *= self.x >= 0
        return g
"""
    found = find_one(source)
    assert found.kind == "mistake"
    assert found.words.startswith("input mutated")
