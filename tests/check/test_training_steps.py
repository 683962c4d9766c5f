"""Whole nets in the styles that people write them in: right, and with each mistake.

Every net is right as it stands. Each of its mistakes is a replacement in its source.
"""

import pytest

MLP = """
import numpy as np
def sigmoid(z): return 1 / (1 + np.exp(-z))
class MLP:
    def __init__(self, n_in=2, n_hidden=4, n_out=3):
        self.W1 = np.random.randn(n_in, n_hidden)
        self.b1 = np.zeros(n_hidden)
        self.W2 = np.random.randn(n_hidden, n_out)
        self.b2 = np.zeros(n_out)
    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.h = sigmoid(self.z1)
        self.z2 = self.h @ self.W2 + self.b2
        return sigmoid(self.z2)
    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2)
    def train(self, X, y, lr=0.1):
        o = self.forward(X)
        d2 = (o - y) * o * (1 - o)
        d1 = d2 @ self.W2.T * self.h * (1 - self.h)
        self.W2 -= lr * self.h.T @ d2
        self.b2 -= lr * d2.sum(axis=0)
        self.W1 -= lr * X.T @ d1
        self.b1 -= lr * d1.sum(axis=0)
"""
A2_Y = "A2 - Y"
D1 = "\n        d1 = d2 @ self.W2.T * self.h * (1 - self.h)"
HIDDEN = "        d1 = d2 @ self.W2.T * self.h * (1 - self.h)\n"
L1 = "        l1_delta = l2_delta.dot(self.syn1.T) * nonlin(self.l1, True)\n"
SYN1 = "        self.syn1 += self.l1.T.dot(l2_delta)\n"
NETS = {
    "an MLP with a loss": (
        MLP,
        [
            (
                "updated before passed on",
                HIDDEN,
                f"        self.W2 -= lr * self.h.T @ d2\n{HIDDEN}"
                "        self.W2 += lr * self.h.T @ d2\n",
            ),
            (
                "slope of the output activation missing",
                "(o - y) * o * (1 - o)",
                "o - y",
            ),
            ("slope of the output activation twice", "* o *", "* o**2 * (1 - o) *"),
            ("slope of a hidden activation missing", "* self.h * (1 - self.h)", ""),
            (
                "slope of a hidden activation twice",
                "* self.h *",
                "* self.h**2 * (1 - self.h) *",
            ),
            (
                "slope of all activations missing",
                "* o * (1 - o)" + D1,
                D1.replace("* self.h * (1 - self.h)", ""),
            ),
            ("part of the slope missing", "* self.h * (1 - self.h)", "* (1 - self.h)"),
            (
                "value of the activation in place of its slope",
                "* self.h * (1 - self.h)",
                "* self.h",
            ),
            ("error from the next layer forgotten", "d2 @ self.W2.T * ", ""),
            ("squared error in place of its slope", "(o - y) * o", "(o - y)**2 * o"),
            (
                "bias gradient without the slope",
                "d2.sum(axis=0)",
                "(o - y).sum(axis=0)",
            ),
            (
                "bias gradient with the inputs",
                "d1.sum(axis=0)",
                "(d1.T @ X).sum(axis=1)",
            ),
            (
                "activation applied twice in its slope",
                "self.h * (1 - self.h)",
                "sigmoid(self.h) * (1 - sigmoid(self.h))",
            ),
            (
                "slope by the output, given the weighted sum",
                "self.h * (1 - self.h)",
                "self.z1 * (1 - self.z1)",
            ),
            ("slope of another activation", "self.h * (1 -", "(1 + self.h) * (1 -"),
            ("divided by the slope", "T * self.h *", "T / self.h /"),
            (
                "error passed back without the slope of the output activation",
                "d2 @ self.W2",
                "(o - y) @ self.W2",
            ),
            ("gradient forgotten: W1", "W1 -=", "W1 -= 0 *"),
            ("gradient forgotten: b1", "b1 -=", "b1 -= 0 *"),
            ("sign: all parameters", "(o - y)", "(y - o)"),
            ("sign: b2", "self.b2 -=", "self.b2 +="),
            ("1/N missing", "0.5 * np.sum", "0.5 / len(X) * np.sum"),
            ("1/N missing, and factor ½", "0.5 * np.sum", "np.mean"),
            ("1/N too often", "d2 = (o - y)", "d2 = (o - y) / len(X)"),
            ("factor ½", "0.5 * np.sum", "np.sum"),
            ("factor 2", "0.5 * np.sum", "0.25 * np.sum"),
            ("factor in one gradient only: b1, 5 times too small", "d1.sum", "d1.mean"),
            (
                "factor in one gradient only: W2, 2 times too large",
                "h.T @",
                "h.T * 2 @",
            ),
            ("bias gradient is one number", "d1.sum(axis=0)", "d1.sum()"),
            ("gradient of one example only", "d2.sum(axis=0)", "d2[-1]"),
            (
                "weighted sum in place of the activation",
                "lr * self.h.T",
                "lr * self.z1.T",
            ),
            (
                "penalty in the loss but not in the gradient",
                "- y) ** 2)",
                "- y) ** 2) + 0.1 * (np.sum(self.W1**2) + np.sum(self.W2**2))",
            ),
        ],
    ),
    "a script's slope with a flag, on data it keeps": (
        """
import numpy as np
def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))
class Net:
    def __init__(self, x, y):
        self.input, self.y = x, y
        self.syn0 = 2 * np.random.random((x.shape[1], 4)) - 1
        self.syn1 = 2 * np.random.random((4, y.shape[1])) - 1
    def feedforward(self):
        self.l1 = nonlin(self.input @ self.syn0)
        self.output = nonlin(self.l1 @ self.syn1)
    def backprop(self):  # squared error
        l2_delta = (self.y - self.output) * nonlin(self.output, deriv=True)
        l1_delta = l2_delta.dot(self.syn1.T) * nonlin(self.l1, True)
        self.syn1 += self.l1.T.dot(l2_delta)
        self.syn0 += self.input.T.dot(l1_delta)
""",
        [
            ("sign", "+= self.input", "-= self.input"),
            (
                "updated before passed on",
                L1 + SYN1,
                SYN1 + L1,
            ),
            (
                "slope of the next layer's activation",
                "nonlin(self.l1, True)",
                "nonlin(self.output, True)",
            ),
            ("slope of a hidden activation missing", " * nonlin(self.l1, True)", ""),
            (
                "activation applied twice in its slope",
                "nonlin(self.l1, True)",
                "nonlin(nonlin(self.l1), True)",
            ),
        ],
    ),
    "column vectors and weights (out, in)": (
        """
import numpy
class neuralNetwork:
    def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate):
        self.wih = numpy.random.normal(0, 1, (hiddennodes, inputnodes))
        self.who = numpy.random.normal(0, 1, (outputnodes, hiddennodes))
        self.lr = learningrate
        self.activation_function = lambda x: 1 / (1 + numpy.exp(-x))
    def train(self, inputs_list, targets_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        targets = numpy.array(targets_list, ndmin=2).T
        hidden = self.activation_function(self.wih @ inputs)
        out = self.activation_function(self.who @ hidden)
        d_out = (targets - out) * out * (1 - out)  # of the squared error
        d_hidden = self.who.T @ d_out * hidden * (1 - hidden)
        self.who += self.lr * d_out @ hidden.T
        self.wih += self.lr * d_hidden @ inputs.T
    def query(self, inputs_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        return self.activation_function(
            self.who @ self.activation_function(self.wih @ inputs)).T
""",
        [
            (
                "error passed back without the slope of the output activation",
                "who.T @ d_out",
                "who.T @ (targets - out)",
            ),
            ("gradient forgotten: wih", "self.wih += ", "self.wih + "),
            (
                "slope taken from the error",
                "hidden * (1 - hidden)",
                "(1 - self.who.T @ d_out)",
            ),
        ],
    ),
    "parameters in a dict, examples in columns, functions": (
        """
import numpy as np
def initialize_parameters(n_x, n_h, n_y):
    return {"W1": np.random.randn(n_h, n_x), "b1": np.zeros((n_h, 1)),
            "W2": np.random.randn(n_y, n_h), "b2": np.zeros((n_y, 1))}
def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A2 = cache["A2"]
    dZ2 = A2 - Y
    dW2 = dZ2 @ cache["A1"].T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    return {"dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dW2, "db2": db2}
def update_parameters(parameters, grads, learning_rate=1.2):
    return {n: parameters[n] - learning_rate * grads["d" + n] for n in parameters}
""",
        [
            (
                "factor in one gradient only: W1, 4 times too large",
                "dZ1 @ X.T",
                "4 * dZ1 @ X.T",
            ),
            (
                "factor in one gradient only: W2, 2 times too large",
                "dW2 = dZ2",
                "dW2 = 2 * dZ2",
            ),
            ("slope of a hidden activation missing", ' * (1 - cache["A1"] ** 2)', ""),
            (
                "slope of another activation",
                '(1 - cache["A1"] ** 2)',
                "cache['A1'] * (1 - cache['A1'])",
            ),
            (
                "sign within the cross-entropy's slope",
                A2_Y,
                "-Y * (1 - A2) - (1 - Y) * A2",
            ),
            (
                "only one term of the cross-entropy differentiated",
                A2_Y,
                "-Y * (1 - A2)",
            ),
            (
                "extra slope of the output activation",
                A2_Y,
                "(A2 - Y) * A2 * (1 - A2)",
            ),
            (
                "bias gradient is one number",
                "dZ1.sum(axis=1, keepdims=True)",
                "dZ1.sum() * np.ones((len(dZ1), 1))",
            ),
        ],
    ),
    "layers in a list": (
        """
import numpy as np
def tanh(x): return np.tanh(x)
def tanh_prime(x): return 1 - np.tanh(x) ** 2
def mse(y_true, y_pred): return np.mean((y_true - y_pred) ** 2)
def mse_prime(y_true, y_pred): return 2 * (y_pred - y_true) / y_true.size
class FCLayer:
    def __init__(self, input_size, output_size):
        self.weights = np.random.rand(input_size, output_size) - 0.5
        self.bias = np.random.rand(1, output_size) - 0.5
    def forward(self, data):
        self.input = data
        return data @ self.weights + self.bias
    def backward(self, error, learning_rate):
        back = error @ self.weights.T
        self.weights -= learning_rate * self.input.T @ error
        self.bias -= learning_rate * error
        return back
class ActivationLayer:
    def __init__(self, activation, activation_prime):
        self.activation, self.activation_prime = activation, activation_prime
    def forward(self, data):
        self.input = data
        return self.activation(data)
    def backward(self, error, learning_rate):
        return self.activation_prime(self.input) * error
class Network:
    def __init__(self): self.layers = []
    def add(self, layer): self.layers.append(layer)
    def use(self, loss, loss_prime): self.loss, self.loss_prime = loss, loss_prime
    def predict(self, data):
        result = []
        for output in data:
            for layer in self.layers:
                output = layer.forward(output)
            result.append(output)
        return result
    def fit(self, x_train, y_train, epochs, learning_rate):
        for _ in range(epochs):
            for x, y in zip(x_train, y_train):
                for layer in self.layers:
                    x = layer.forward(x)
                error = self.loss_prime(y, x)
                for layer in reversed(self.layers):
                    error = layer.backward(error, learning_rate)
""",
        [
            (
                "updated before passed on",
                "        return back",
                "        return error @ self.weights.T",
            ),
            ("sign: layers[0].bias, layers[2].bias", "bias -=", "bias +="),
            (
                "slope of all activations missing",
                "return self.activation_prime(self.input) * error",
                "return error",
            ),
        ],
    ),
    "weights and biases in lists, batches as pairs of columns": (
        """
import numpy as np
class Network(object):
    def __init__(self, sizes):
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(w @ a + b)
        return a
    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            db, dw = self.backprop(x, y)
            nabla_b = [a + b for a, b in zip(nabla_b, db)]
            nabla_w = [a + b for a, b in zip(nabla_w, dw)]
        self.weights = [w - eta / len(mini_batch) * g
                        for w, g in zip(self.weights, nabla_w)]
        self.biases = [b - eta / len(mini_batch) * g
                       for b, g in zip(self.biases, nabla_b)]
    def backprop(self, x, y):
        nabla_b, nabla_w = [0 for _ in self.biases], [0 for _ in self.weights]
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ activation + b)
            activation = sigmoid(zs[-1])
            activations.append(activation)
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla_b[-1], nabla_w[-1] = delta, delta @ activations[-2].T
        for l in range(2, len(self.sizes)):
            delta = self.weights[-l + 1].T @ delta * sigmoid_prime(zs[-l])
            nabla_b[-l], nabla_w[-l] = delta, delta @ activations[-l - 1].T
        return nabla_b, nabla_w
def sigmoid(z): return 1 / (1 + np.exp(-z))
def sigmoid_prime(z): return sigmoid(z) * (1 - sigmoid(z))
""",
        [
            (
                "activation applied twice in its slope",
                "sigmoid_prime(zs[-1])",
                "sigmoid_prime(sigmoid(zs[-1]))",
            ),
            (
                "gradient of one example only",
                "[a + b for a, b in zip(nabla_w, dw)]",
                "dw",
            ),
        ],
    ),
    "forward, backward, step and zero_grad": (
        """
import numpy as np
class TwoLayerNet:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.params = {
            "W1": np.random.randn(input_dim, hidden_dim), "b1": np.zeros(hidden_dim),
            "W2": np.random.randn(hidden_dim, output_dim), "b2": np.zeros(output_dim)}
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}
    def forward(self, X):
        p = self.params
        self.X, self.h = X, np.maximum(0, X @ p["W1"] + p["b1"])
        return self.h @ p["W2"] + p["b2"]
    def train_step(self, X, y, lr):
        self.zero_grad()
        scores = self.forward(X)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(len(y)), y]).mean()
        d = probs.copy()
        d[np.arange(len(y)), y] -= 1
        self.backward(d / len(y))
        for k in self.params:
            self.params[k] -= lr * self.grads[k]
        return loss
    def backward(self, d):
        self.grads["W2"] += self.h.T @ d
        self.grads["b2"] += d.sum(axis=0)
        dh = d @ self.params["W2"].T
        dh[self.h <= 0] = 0
        self.grads["W1"] += self.X.T @ dh
        self.grads["b1"] += dh.sum(axis=0)
    def zero_grad(self):
        for g in self.grads.values():
            g[...] = 0
""",
        [
            ("forgotten zero_grad", "        self.zero_grad()\n", ""),
            (
                "slope of a hidden activation missing",
                "        dh[self.h <= 0] = 0\n",
                "",
            ),
            (
                "penalty in the loss but not in the gradient",
                ".mean()\n",
                ".mean() + 0.01 * sum((w**2).sum() for w in "
                "(self.params['W1'], self.params['W2']))\n",
            ),
        ],
    ),
    "a function of a list of parameters": (
        """
import numpy as np
def forward(params, x):
    W1, b1, W2, b2 = params
    return np.tanh(x @ W1 + b1) @ W2 + b2
def step(params, x, y, lr):
    W1, b1, W2, b2 = params
    h = np.tanh(x @ W1 + b1)
    d = 2 * (h @ W2 + b2 - y) / y.size
    dh = d @ W2.T * (1 - h**2)
    return [W1 - lr * x.T @ dh, b1 - lr * dh.sum(0),
            W2 - lr * h.T @ d, b2 - lr * d.sum(0)]
""",
        [
            ("slope of a hidden activation missing", " * (1 - h**2)", ""),
            ("slope of another activation", "(1 - h**2)", "h * (1 - h)"),
            ("bias gradient not summed over the batch", "d.sum(0)]", "d]"),
        ],
    ),
    "a function of weights and bias": (
        """
import numpy as np
def predict(w, b, X): return 1 / (1 + np.exp(-(X @ w + b)))
def loss(w, b, X, y):
    p = predict(w, b, X)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
def train_step(w, b, X, y, lr=0.1):
    e = predict(w, b, X) - y
    return w - lr * X.T @ e / len(y), b - lr * e.mean()
""",
        [
            (
                "factor in one gradient only: b, 5 times too large",
                "e.mean()",
                "e.sum()",
            ),
            ("sign: b", "b - lr", "b + lr"),
        ],
    ),
    "the perceptron's rule, one example after another": (
        """
import numpy as np
class Perceptron:
    def __init__(self, n_inputs, learning_rate=0.1, epochs=10):
        self.weights, self.bias = np.zeros(n_inputs), 0.0
        self.learning_rate, self.epochs = learning_rate, epochs
    def predict(self, x):
        return 1 if np.dot(x, self.weights) + self.bias > 0 else 0
    def fit(self, X, y):
        for _ in range(self.epochs):
            for x, target in zip(X, y):
                error = target - self.predict(x)
                self.weights += self.learning_rate * error * x
                self.bias += self.learning_rate * error
""",
        [
            ("sign: bias", "bias +=", "bias -="),
            ("gradient forgotten: bias", "bias +=", "bias += 0 *"),
            (
                "factor in one gradient only: bias, 2 times too large",
                "self.bias +=",
                "self.bias += len(x) *",
            ),
            (
                "sign: all parameters",
                "target - self.predict(x)",
                "self.predict(x) - target",
            ),
        ],
    ),
    "a bias as a column of ones": (
        """
import numpy as np
class Net:
    def __init__(self, nodes):
        n_in, n_hid, n_out = nodes
        self.w1 = np.random.randn(n_in + 1, n_hid)
        self.w2 = np.random.randn(n_hid + 1, n_out)
    def ones(self, a): return np.hstack([np.ones((len(a), 1)), a])
    def forward(self, x):
        self.a0 = self.ones(x)
        self.a1 = self.ones(np.tanh(self.a0 @ self.w1))
        return self.a1 @ self.w2
    def fit(self, x, y, epochs=1, eta=0.1):
        for _ in range(epochs):
            delta = (self.forward(x) - y) / len(x)
            back = (delta @ self.w2.T)[:, 1:] * (1 - self.a1[:, 1:] ** 2)
            self.w2 -= eta * self.a1.T @ delta
            self.w1 -= eta * self.a0.T @ back
""",
        [
            (
                "bias column fed back",
                "(delta @ self.w2.T)[:, 1:]",
                "(delta @ self.w2.T)[:, :-1]",
            ),
            (
                "slope of a hidden activation missing",
                " * (1 - self.a1[:, 1:] ** 2)",
                "",
            ),
        ],
    ),
    "a fit that begins anew, the bias in the weights": (
        """
import numpy as np
class Adaline:
    def __init__(self, eta=0.01, n_iter=50):
        self.eta, self.n_iter = eta, n_iter
    def fit(self, X, y):
        self.w_ = np.zeros(X.shape[1] + 1)
        for _ in range(self.n_iter):
            errors = y - self.net_input(X)
            self.w_[1:] += self.eta * X.T @ errors
            self.w_[0] += self.eta * errors.sum()
        return self
    def net_input(self, X): return X @ self.w_[1:] + self.w_[0]
    def predict(self, X): return np.where(self.net_input(X) >= 0, 1, -1)
""",
        [
            ("sign of the bias gradient", "self.w_[0] +=", "self.w_[0] -="),
            ("sign of the weight gradient", "self.w_[1:] +=", "self.w_[1:] -="),
            (
                "bias gradient averaged, weight gradient summed",
                "errors.sum()",
                "errors.mean()",
            ),
            (
                "bias gradient summed, weight gradient averaged",
                "errors\n            self.w_[0]",
                "errors / len(X)\n            self.w_[0]",
            ),
        ],
    ),
    "a hidden layer that is returned, too, examples one by one": (
        """
import numpy as np
def sigmoid(x): return 1 / (1 + np.exp(-x))
class Net:
    def __init__(self, n_in=2, n_hidden=3, n_out=1):
        self.W1, self.b1 = np.random.randn(n_hidden, n_in), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_out, n_hidden), np.zeros(n_out)
    def feedforward(self, x):
        h = sigmoid(self.W1 @ x + self.b1)
        return sigmoid(self.W2 @ h + self.b2), h
    def train(self, data, all_y_trues, epochs=1, lr=0.1):  # squared error
        for x, y_true in zip(data, all_y_trues):
            o, h = self.feedforward(x)
            d2 = (o - y_true) * o * (1 - o)
            d1 = self.W2.T @ d2 * h * (1 - h)
            self.W2 -= lr * np.outer(d2, h)
            self.b2 -= lr * d2
            self.W1 -= lr * np.outer(d1, x)
            self.b1 -= lr * d1
""",
        [("error from the next layer forgotten", "lr * d1", "lr * h * (1 - h)")],
    ),
    "a penalty": (
        """
import numpy as np
class Ridge:
    def __init__(self, n_in, n_out, lam=0.1):
        self.W, self.b, self.lam = np.random.randn(n_in, n_out), np.zeros(n_out), lam
    def forward(self, X): return X @ self.W + self.b
    def loss(self, X, y):
        return np.mean((self.forward(X) - y) ** 2) + self.lam * np.sum(self.W**2)
    def fit(self, X, y, epochs=100, lr=0.1):
        for _ in range(epochs):
            d = 2 * (self.forward(X) - y) / y.size
            self.W -= lr * (X.T @ d + 2 * self.lam * self.W)
            self.b -= lr * d.sum(axis=0)
""",
        [
            (
                "penalty in the loss but not in the gradient",
                "+ 2 * self.lam * self.W",
                "",
            ),
            ("wrong gradient of the penalty", "+ 2 * self.lam", "+ self.lam"),
            ("sign: b", "self.b -=", "self.b +="),
        ],
    ),
    "three layers, gradients in attributes, then an update": (
        """
import numpy as np
class DeepNet:
    def __init__(self, layer_sizes=(2, 5, 4, 1), learning_rate=0.1):
        self.lr, self.layers = learning_rate, []
        for a, b in zip(layer_sizes[:-1], layer_sizes[1:]):
            self.layers.append(Dense(a, b))
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, y_true, y_pred):
        grad = 2 * (y_pred - y_true) / len(y_true)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
    def update(self):
        for layer in self.layers:
            layer.W = layer.W - self.lr * layer.dW
            layer.b = layer.b - self.lr * layer.db
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))
    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.W + self.b)
        return self.y
    def backward(self, grad):
        delta = grad * (1 - self.y**2)
        self.dW = self.x.T @ delta
        self.db = delta.sum(axis=0, keepdims=True)
        return delta @ self.W.T
""",
        [
            (
                "gradient of one example only",
                "delta.sum(axis=0, keepdims=True)",
                "delta[-1:]",
            ),
            (
                "factor in one gradient only: layers[0].b, layers[1].b",
                "delta.sum(axis=0, keepdims=True)",
                "delta.mean(axis=0, keepdims=True)",
            ),
        ],
    ),
    "layers in attributes that add up their gradients": (
        """
import numpy as np
class Layer:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
        self.zero()
    def zero(self):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
class Net:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        self.l1, self.l2, self.lr = Layer(n_in, n_hidden), Layer(n_hidden, n_out), lr
    def forward(self, x):
        self.x, self.h = x, np.maximum(x @ self.l1.W + self.l1.b, 0)
        return self.h @ self.l2.W + self.l2.b
    def backward(self, grad_output):
        self.l2.dW += self.h.T @ grad_output
        self.l2.db += grad_output.sum(axis=0)
        d = grad_output @ self.l2.W.T * (self.h > 0)
        self.l1.dW += self.x.T @ d
        self.l1.db += d.sum(axis=0)
    def update(self):
        for layer in (self.l1, self.l2):
            layer.W -= self.lr * layer.dW
            layer.b -= self.lr * layer.db
    def zero_grad(self):
        self.l1.zero()
        self.l2.zero()
""",
        [
            ("forgotten zero_grad", "        self.l1.zero()\n", ""),
            ("sign: l2.b", "self.l2.db +=", "self.l2.db -="),
            (
                "factor in one gradient only: l1.b, 5 times too small",
                "d.sum(axis=0)\n    def",
                "d.mean(axis=0)\n    def",
            ),
        ],
    ),
    "a backward pass that is given the error, target − output": (
        """
import numpy as np
class Net:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.W + self.b)
        return self.y
    def backward(self, error):
        d = error * (1 - self.y**2)
        self.dW, self.db = self.x.T @ d, d.sum(axis=0)
    def update(self, lr):
        self.W += lr * self.dW
        self.b += lr * self.db
""",
        [("sign: b", "self.b +=", "self.b -=")],
    ),
    "lists of weights and biases, classes by their index": (
        """
import numpy as np
def init_weights(sizes):
    W = [np.random.randn(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
    return W, [np.zeros((1, n)) for n in sizes[1:]]
def predict(x, W, b):
    z = np.tanh(x @ W[0] + b[0]) @ W[1] + b[1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def train(x, y, W, b, iters, lr, batch_size):
    for _ in range(iters):
        h = np.tanh(x @ W[0] + b[0])
        d = predict(x, W, b)
        d[np.arange(len(y)), y] -= 1
        dh = d @ W[1].T * (1 - h ** 2)
        W[1] -= lr * h.T @ d
        b[1] -= lr * d.sum(axis=0, keepdims=True)
        W[0] -= lr * x.T @ dh
        b[0] -= lr * dh.sum(axis=0, keepdims=True)
    return W, b
""",
        [
            ("slope of a hidden activation missing", " * (1 - h ** 2)", ""),
            ("gradient of one example only", "dh.sum(axis=0, keepdims=True)", "dh[:1]"),
        ],
    ),
    "a perceptron's fit that begins anew, with signs": (
        """
import numpy as np
class Perceptron:
    def __init__(self, eta=0.01, n_iter=50):
        self.eta, self.n_iter = eta, n_iter
    def fit(self, X, y):
        self.w_ = np.zeros(1 + X.shape[1])
        for _ in range(self.n_iter):
            for x, target in zip(X, y):
                update = self.eta * (target - self.predict(x))
                self.w_[1:] += update * x
                self.w_[0] += update
        return self
    def predict(self, X):
        return np.where(X @ self.w_[1:] + self.w_[0] >= 0, 1, -1)
""",
        [
            ("sign of the bias gradient", "self.w_[0] +=", "self.w_[0] -="),
            ("sign of the weight gradient", "self.w_[1:] +=", "self.w_[1:] -="),
        ],
    ),
    "regression with a bias that begins as a whole number": (
        """
import numpy as np
class LinearRegression:
    def __init__(self, learning_rate=0.001, n_iters=1000):
        self.lr, self.n_iters = learning_rate, n_iters
    def fit(self, X, y):
        self.weights, self.bias = np.zeros(X.shape[1]), 0
        for _ in range(self.n_iters):
            d = X @ self.weights + self.bias - y
            self.weights -= self.lr * X.T @ d / len(X)
            self.bias -= self.lr * d.mean()
    def predict(self, X): return X @ self.weights + self.bias
""",
        [
            ("sign: bias", "self.bias -=", "self.bias +="),
            (
                "factor in one gradient only: bias, 5 times too large",
                "d.mean()",
                "d.sum()",
            ),
        ],
    ),
    "a perceptron of one example, its weights as a list": (
        """
class Perceptron:
    def __init__(self, n):
        self.w, self.b = [0.0] * n, 0.0
    def predict(self, x):
        return 1 if sum(w * a for w, a in zip(self.w, x)) + self.b > 0 else 0
    def train(self, x, target, lr=0.1):
        e = target - self.predict(x)
        for i in range(len(self.w)):
            self.w[i] += lr * e * x[i]
        self.b += lr * e
""",
        [
            ("sign: b", "self.b += lr", "self.b -= lr"),
            (
                "factor in one gradient only: b, 2 times too large",
                "        self.b += lr",
                "            self.b += lr",
            ),
        ],
    ),
    "gradient descent on a vector that is given, which tells the cost of each step": (
        """
import numpy as np
def gradient_descent(X, y, theta, alpha, num_iters):
    m, J_history = len(y), []
    for _ in range(num_iters):
        theta = theta - alpha / m * X.T @ (X @ theta - y)
        J_history.append(((X @ theta - y) ** 2).sum() / (2 * m))
    return theta, J_history
""",
        [("sign", "theta - alpha", "theta + alpha")],
    ),
}
NAMES = {
    part
    for _, mistakes in NETS.values()
    for name, *_ in mistakes
    for part in name.partition(": ")[0].split(", and ")
}
MISTAKES = [
    pytest.param(source, *mistake, id=f"{style}: {mistake[0]}")
    for style, (source, mistakes) in NETS.items()
    for mistake in mistakes
]


@pytest.mark.parametrize("source", [s for s, _ in NETS.values()], ids=[*NETS])
def test_a_right_net_is_gradient_descent_on_its_loss(source, find):
    (found,) = [f for f in find(source) if f.words.startswith("its step is")]
    assert found.kind == "rounding"


@pytest.mark.parametrize(("source", "name", "right", "wrong"), MISTAKES)
def test_a_mistake_is_named(source, name, right, wrong, find):
    assert source.count(right) >= 1
    found = [f for f in find(source.replace(right, wrong, 1)) if f.kind == "mistake"]
    assert found
    assert found[-1].words.startswith(name)


def test_a_half_in_a_loss_that_the_net_never_uses_is_no_mistake(find):
    source = MLP.replace("0.5 *", "").replace("def loss(self", "def value(self")
    (found,) = [f for f in find(source) if f.words.startswith("its step is")]
    assert found.kind == "rounding"


def test_a_training_that_makes_its_own_parameters_is_listed_as_not_judged(find):
    (found,) = find("""
import numpy as np
def train_logreg(X, y, lr=0.1, n=100):
    w, b = np.zeros(X.shape[1]), 0.0
    for i in range(n):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        w -= lr * X.T @ (p - y) / len(y)
        b -= lr * np.sum(p - y)
    return w, b
def train_test_split(X, y):
    return X[:8], X[8:], y[:8], y[8:]
""")
    assert found.kind == "not judged"
    assert "makes its own parameters" in found.words
