"""Attention, recurrent cells, gates, RMSNorm and focal loss, right and with mistakes.

Each subject is a right source, the conventions in it, and edits that are mistakes.
"""

import pytest

from compare.check.definitions import meant_by

SUBJECTS = {
    "attention, functions": (
        """
import numpy as np
def softmax(s):
    e = np.exp(s - s.max(axis=AXIS, keepdims=True))
    return e / e.sum(axis=AXIS, keepdims=True)
AXIS = -1
def attention(Q, K, V):
    scores = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    return softmax(scores) @ V
def attention_backward(dout, Q, K, V):
    P = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))
    dP = dout @ V.swapaxes(-1, -2)
    dS = P * (dP - (dP * P).sum(axis=AXIS, keepdims=True)) / np.sqrt(Q.shape[-1])
    return dS @ K, dS.swapaxes(-1, -2) @ Q, P.swapaxes(-1, -2) @ dout
""",
        "dtype changed",
        {
            "1/√d missing": (" / np.sqrt(Q.shape[-1])", ""),
            "1/d instead of 1/√d": ("np.sqrt(Q.shape[-1])", "Q.shape[-1]"),
            "softmax on the wrong axis": ("AXIS = -1", "AXIS = -2"),
            "1/√d missing in the gradient": (
                "keepdims=True)) / np.sqrt(Q.shape[-1])",
                "keepdims=True))",
            ),
            "only the diagonal of softmax's Jacobian": (
                "dP - (dP * P).sum(axis=AXIS, keepdims=True)",
                "dP * (1 - P)",
            ),
            "gradients of q and k swapped": (
                "dS @ K, dS.swapaxes(-1, -2) @ Q",
                "dS.swapaxes(-1, -2) @ Q, dS @ K",
            ),
        },
    ),
    "causal attention, a class": (
        """
import numpy as np
class CausalAttention:
    def forward(self, q, k, v):
        self.q, self.k, self.v = q, k, v
        self.scale = 1 / np.sqrt(q.shape[-1])
        scores = q @ np.swapaxes(k, -1, -2) * self.scale
        keep = np.tril(np.ones(scores.shape[-2:]))
        scores = np.where(keep, scores, -np.inf)
        P = np.exp(scores - scores.max(axis=-1, keepdims=True))
        self.P = P / P.sum(axis=-1, keepdims=True)
        return self.P @ v
    def backward(self, grad_output):
        dP = grad_output @ np.swapaxes(self.v, -1, -2)
        dS = self.P * (dP - (dP * self.P).sum(axis=-1, keepdims=True)) * self.scale
        dv = np.swapaxes(self.P, -1, -2) @ grad_output
        return dS @ self.k, np.swapaxes(dS, -1, -2) @ self.q, dv
""",
        "dtype changed",
        {
            "causal mask forgotten": ("np.where(keep, scores, -np.inf)", "scores"),
            "mask after softmax": (
                "        scores = np.where(keep, scores, -np.inf)\n",
                "",
                "P / P.sum",
                "keep * P / P.sum",
            ),
            "masked with 0 instead of −∞": ("-np.inf", "0"),
            "mask hides the wrong positions": ("np.tril", "np.triu"),
        },
    ),
    "attention, torch's autograd.Function": (
        """
import torch
class ScaledDotProductAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        P = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)
        ctx.save_for_backward(q, k, v, P)
        return P @ v
    @staticmethod
    def backward(ctx, grad_output):
        q, k, v, P = ctx.saved_tensors
        dP = grad_output @ v.mT
        dS = P * (dP - (dP * P).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
        return dS @ k, dS.mT @ q, P.mT @ grad_output
""",
        "",
        {
            "sum missing in softmax's gradient": (
                "(dP - (dP * P).sum(-1, keepdim=True))",
                "dP",
            )
        },
    ),
    "LSTM step of one bias, functions": (
        """
import numpy as np
def sigmoid(x): return 1 / (1 + np.exp(-x))
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    t = np.tanh(next_c)
    return o * t, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, t)
def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, t = cache
    dc = dnext_c + dnext_h * o * (1 - t**2)
    dz = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f),
                    dnext_h * t * o * (1 - o), dc * i * (1 - g**2)])
    return dz @ Wx.T, dz @ Wh.T, dc * f, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)
""",
        "weights stored (in, out); gates in another order",
        {"dc += dc": ("+ dnext_h * o * (1 - t**2)", "+ dnext_c")},
    ),
    "LSTM cell, a class": (
        """
import numpy as np
def sigmoid(x): return 1 / (1 + np.exp(-x))
class LSTMCell:
    def __init__(self, input_size, hidden_size):
        self.weight_ih = np.zeros((4 * hidden_size, input_size))
        self.weight_hh = np.zeros((4 * hidden_size, hidden_size))
        self.bias_ih, self.bias_hh = np.zeros((2, 4 * hidden_size))
    def forward(self, x, state):
        h, c = state
        z = x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        next_c = f * c + i * g
        self.saved = x, h, c, i, f, g, o, np.tanh(next_c)
        return o * np.tanh(next_c), next_c
    def backward(self, dh, dc):
        x, h, c, i, f, g, o, t = self.saved
        dc = dc + dh * o * (1 - t**2)
        dz = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f),
                        dc * i * (1 - g**2), dh * t * o * (1 - o)])
        self.weight_ih_grad, self.weight_hh_grad = dz.T @ x, dz.T @ h
        self.bias_ih_grad = self.bias_hh_grad = dz.sum(axis=0)
        return dz @ self.weight_ih, (dz @ self.weight_hh, dc * f)
""",
        "gradient overwritten",
        {
            "dc += dc": ("dc + dh * o * (1 - t**2)", "dc + dc"),
            "gradient of h not passed on to c": ("dc + dh * o * (1 - t**2)", "dc"),
            "dc of the next step dropped": ("dc + dh * o", "dh * o"),
            "slope of tanh(c) missing": ("o * (1 - t**2)", "o"),
            "forget gate missing on the way back": ("dc * f)", "dc)"),
            "gate's value in place of its slope": ("f * (1 - f)", "f"),
        },
    ),
    "GRU cell, functions": (
        """
import numpy as np
def sigmoid(x): return 1 / (1 + np.exp(-x))
def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    (xr, xz, xn), (hr, hz, hn) = (
        np.split(a, 3, axis=1) for a in (x @ W_ih.T + b_ih, h @ W_hh.T + b_hh))
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    return (1 - z) * n + z * h, (x, h, W_ih, W_hh, r, z, n, hn)
def gru_cell_backward(grad_h, cache):
    x, h, W_ih, W_hh, r, z, n, hn = cache
    dn = grad_h * (1 - z) * (1 - n**2)
    dz, dr = grad_h * (h - n) * z * (1 - z), dn * hn * r * (1 - r)
    of_x, of_h = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
    return (of_x @ W_ih, of_h @ W_hh + grad_h * z, of_x.T @ x, of_h.T @ h,
            of_x.sum(axis=0), of_h.sum(axis=0))
""",
        "",
        {
            "direct path of h forgotten": (" + grad_h * z,", ","),
            "reset gate missing on the way back": ("dz, dn * r]", "dz, dn]"),
        },
    ),
    "RMSNorm, a class": (
        """
import numpy as np
class RMSNorm:
    def __init__(self, dim, eps=1e-6):
        self.weight, self.eps = np.ones(dim), eps
    def forward(self, x):
        self.r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)
        self.hat = x * self.r
        return self.hat * self.weight
    def backward(self, dy):
        self.dweight = (dy * self.hat).reshape(-1, len(self.weight)).sum(axis=0)
        g = dy * self.weight
        return self.r * (g - self.hat * (g * self.hat).mean(axis=-1, keepdims=True))
""",
        "other default",
        {
            "factor 2": ("(dy * self.hat)", "(2 * dy * self.hat)"),
            "weight missing in the input gradient": ("g = dy * self.weight", "g = dy"),
            "root mean square as a constant": (
                "(g - self.hat * (g * self.hat).mean(axis=-1, keepdims=True))",
                "g",
            ),
        },
    ),
    "RMSNorm, functions of a fixed ε": (
        """
import numpy as np
def rms_norm(x, weight):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-8) * weight
def rms_norm_backward(dout, x, weight):
    r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-8)
    g = dout * weight
    dx = r * (g - x * r * (g * x * r).mean(axis=-1, keepdims=True))
    return dx, (dout * x * r).reshape(-1, x.shape[-1]).sum(axis=0)
""",
        "another ε",
        {
            "sum instead of mean in the gradient": (
                "(g * x * r).mean(",
                "(g * x * r).sum(",
            ),
        },
    ),
    "RMSNorm without a weight, functions": (
        """
import numpy as np
def rms_norm(x, eps=1e-6):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
def rms_norm_grad(x, dy, eps=1e-6):
    r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
    return (dy - x / r * np.mean(dy * x / r, axis=-1, keepdims=True)) / r
""",
        "other default",
        {"sum instead of mean in the gradient": ("np.mean(dy", "np.sum(dy")},
    ),
    "focal loss of classes, a class": (
        """
import numpy as np
class FocalLoss:
    def __init__(self, gamma=2.0):
        self.gamma = gamma
    def forward(self, logits, target):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.P = e / e.sum(axis=1, keepdims=True)
        self.rows, self.target = np.arange(len(target)), target
        self.p = self.P[self.rows, target]
        return (-((1 - self.p) ** self.gamma) * np.log(self.p)).mean()
    def backward(self):
        p, y = self.p, self.gamma
        slope = y * (1 - p) ** (y - 1) * np.log(p) - (1 - p) ** y / p
        grad = -self.P * (slope * p)[:, None]
        grad[self.rows, self.target] += slope * p
        return grad / len(p)
""",
        "",
        {"(1 − p)^γ as a constant": ("y * (1 - p) ** (y - 1) * np.log(p) - ", "-")},
    ),
    "binary focal loss, functions": (
        """
import numpy as np
def focal_loss(p, y, gamma=2.0):
    pt = np.where(y == 1, p, 1 - p)
    return np.mean(-((1 - pt) ** gamma) * np.log(pt))
def focal_loss_gradient(p, y, gamma=2.0):
    pt = np.where(y == 1, p, 1 - p)
    slope = gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
    return np.where(y == 1, slope, -slope) / p.size
""",
        "",
        {
            "(1 − p)^γ as a constant": (
                "gamma * (1 - pt) ** (gamma - 1) * np.log(pt) -",
                "-",
            )
        },
    ),
    "focal loss of probabilities, one α": (
        """
import numpy as np
def focal_loss(y_true, y_pred, gamma=2.0, alpha=0.25):
    pt = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return np.mean(-alpha * (1 - pt) ** gamma * np.log(pt))
def focal_loss_grad(y_true, y_pred, gamma=2.0, alpha=0.25):
    pt = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    slope = gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
    return alpha * (2 * y_true - 1) * slope / y_true.size
""",
        "target first; other default",
        {"(1 − p)^γ as a constant": ("gamma * (1 - pt) ** (gamma - 1)", "0")},
    ),
    "GLU of two halves": (
        """
import numpy as np
def glu(x):
    a, b = np.split(x, 2, axis=-1)
    return a / (1 + np.exp(-b))
def glu_backward(grad_output, x):
    a, b = np.split(x, 2, axis=-1)
    s = 1 / (1 + np.exp(-b))
    return np.concatenate([grad_output * s, grad_output * a * s * (1 - s)], axis=-1)
""",
        "",
        {
            "gate's value in place of its slope": ("a * s * (1 - s)", "a * s"),
            "gate not differentiated": ("grad_output * a * s * (1 - s)", "0 * a"),
        },
    ),
    "SwiGLU of two inputs": (
        """
import numpy as np
class SwiGLU:
    def forward(self, a, b):
        self.a, self.b, self.s = a, b, 1 / (1 + np.exp(-a))
        return a * self.s * b
    def backward(self, grad):
        s = self.s
        return grad * self.b * s * (1 + self.a * (1 - s)), grad * self.a * s
""",
        "",
        {"slope of σ in place of SiLU's": ("(1 + self.a * (1 - s))", "(1 - s)")},
    ),
    "cross-entropy of probabilities": (
        """
import numpy as np
class CategoricalCrossEntropy:
    def forward(self, p, target):
        self.p, self.t = p, np.eye(p.shape[1])[target] if target.ndim == 1 else target
        return -(self.t * np.log(p)).sum(axis=1).mean()
    def backward(self):
        return -self.t / self.p / len(self.p)
""",
        "dtype changed",
        {"1/N missing": (" / len(self.p)", "")},
    ),
}
MISTAKES = [
    pytest.param(subject, edit, name, id=f"{subject}: {name}")
    for subject, (_, _, edits) in SUBJECTS.items()
    for name, edit in edits.items()
]
HELPERS = ("Softmax", "Sigmoid")


def edited(source, edit):
    for old, new in zip(edit[::2], edit[1::2], strict=True):
        assert old in source
        source = source.replace(old, new)
    return source


@pytest.fixture
def find_subject(find):
    """Check a source; returns the finding on what is no helper."""

    def find_subject(source):
        (found,) = [one for one in find(source) if one.name not in HELPERS]
        return found

    return find_subject


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_right_version_is_accepted(subject, find_subject):
    source, conventions, _ = SUBJECTS[subject]
    found = find_subject(source)
    kinds = ("convention",) if conventions else ("equal", "rounding")
    assert found.kind in kinds, found
    assert found.words.startswith(conventions), found


@pytest.mark.parametrize(("subject", "edit", "name"), MISTAKES)
def test_a_mistake_is_named(subject, edit, name, find_subject):
    found = find_subject(edited(SUBJECTS[subject][0], edit))
    assert found.kind == "mistake", found
    assert found.words.startswith(f"{name}: "), found


def test_the_names_that_people_use_are_known():
    names = {
        "RMSNorm": "rms_norm RMSNorm RMSNormalization",
        "ScaledDotProductAttention": "scaled_dot_product_attention attention sdpa",
        "CausalAttention": "causal_attention CausalSelfAttention masked_attention",
        "LSTMCell": "LSTMCell lstm_cell lstm_step_forward",
        "GRUCell": "gru_cell GRU",
        "FocalLoss": "focal_loss FocalLoss",
        "GLU": "glu",
        "SwiGLU": "swiglu SwiGLU swi_glu",
    }
    for known, words in names.items():
        assert {meant_by(word) for word in words.split()} == {known}
