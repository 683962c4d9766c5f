"""Other libraries, each taking the same step in its own way."""

# pyright: reportMissingImports=false

from typing import Any

import numpy as np

import torch_ref
from compare.backend import Backend
from compare.bench.workloads import TrainingStep, Weights, Workload


class Unsupported(Exception):
    """A library cannot do this workload; the message says why, in a few words."""


def jax_step(workload: Workload, weights: Weights, dtype: str) -> TrainingStep:
    """JAX: `jit` of `value_and_grad` and the update, in one function."""
    import jax

    to_array = Backend("jax", dtype=dtype).handmade
    x, target = map(to_array, workload.batch())
    parameters: Any = {name: to_array(a) for name, a in weights.items()}
    layers = list(workload.model(torch_ref.nn))

    def loss_of(parameters: Any, x: Any, target: Any) -> Any:
        for i, layer in enumerate(layers):
            own = parameters.get(f"{i}.weight"), parameters.get(f"{i}.bias")
            x = _jax_layer(layer, x, *own)
        if workload.loss == "MSELoss":
            return jax.numpy.mean((x - target) ** 2)
        log_p = jax.nn.log_softmax(x)
        return -jax.numpy.mean(jax.numpy.take_along_axis(log_p, target[:, None], 1))

    def update(parameters: Any, x: Any, target: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, target)
        sgd = jax.tree.map(lambda p, g: p - workload.lr * g, parameters, gradients)
        return sgd, loss

    compiled = jax.jit(update, donate_argnums=0)

    def take() -> float:
        nonlocal parameters
        parameters, loss = compiled(parameters, x, target)
        return float(loss)

    return TrainingStep(take, lambda: {n: np.array(a) for n, a in parameters.items()})


def _jax_layer(layer: Any, x: Any, weight: Any, bias: Any) -> Any:
    """The forward pass of a torch layer, as one writes it in JAX."""
    import jax
    from jax import lax

    match type(layer).__name__:
        case "ReLU":
            return jax.nn.relu(x)
        case "Tanh":
            return jax.numpy.tanh(x)
        case "Flatten":
            return x.reshape(len(x), -1)
        case "MaxPool2d":
            window = (1, 1, layer.kernel_size, layer.kernel_size)
            return lax.reduce_window(x, -np.inf, lax.max, window, window, "VALID")
        case "Linear":
            return x @ weight.T + bias
        case _:
            padding = [(p, p) for p in layer.padding]
            y = lax.conv_general_dilated(x, weight, layer.stride, padding)
            return y + bias[:, None, None]


def micrograd_step(workload: Workload, weights: Weights, dtype: str) -> TrainingStep:
    """micrograd: reverse-mode differentiation of single numbers, in Python."""
    if workload.name != "or":
        raise Unsupported("one neuron only")
    from micrograd.nn import Neuron

    x, target = (a.tolist() for a in workload.batch())
    neuron: Any = Neuron(len(x[0]), nonlin=False)
    start = [*weights["0.weight"][0].tolist(), float(weights["0.bias"][0])]
    for parameter, number in zip(neuron.parameters(), start, strict=True):
        parameter.data = number

    def take() -> float:
        examples = zip(x, target, strict=True)
        loss: Any = sum((neuron(row) - y) ** 2 for row, (y,) in examples) / len(x)
        neuron.zero_grad()
        loss.backward()
        for parameter in neuron.parameters():
            parameter.data -= workload.lr * parameter.grad
        return loss.data

    def current() -> dict[str, np.ndarray]:
        *weight, bias = (parameter.data for parameter in neuron.parameters())
        return {"0.weight": np.array([weight]), "0.bias": np.array([bias])}

    return TrainingStep(take, current)


def sklearn_step(workload: Workload, weights: Weights, dtype: str) -> TrainingStep:
    """scikit-learn: `MLPClassifier.partial_fit` on the whole batch."""
    if not workload.classes or len(workload.shape) != 2:
        raise Unsupported("no convolutions" if workload.classes else "classes only")
    from sklearn.neural_network import MLPClassifier

    x, target = workload.batch()
    x = x.astype(dtype)
    *hidden, _ = [len(a) for name, a in weights.items() if name.endswith("bias")]
    plain: Any = {"alpha": 0.0, "momentum": 0.0, "nesterovs_momentum": False}
    plain |= {"batch_size": len(x), "shuffle": False}
    rate = workload.lr
    net: Any = MLPClassifier(hidden, solver="sgd", learning_rate_init=rate, **plain)

    def arrays() -> dict[str, np.ndarray]:
        """Weights, of shape (inputs, outputs), and biases, by torch's names."""
        layers = zip(net.coefs_, net.intercepts_, strict=True)
        found = (array for layer in layers for array in layer)
        return dict(zip(weights, found, strict=True))

    # The first call allocates the arrays, which then get the initial weights.
    net.partial_fit(x, target, classes=np.arange(workload.classes))
    for name, array in arrays().items():
        array[...] = weights[name].T

    def take() -> float:
        net.partial_fit(x, target)
        return net.loss_

    return TrainingStep(take, lambda: {n: a.T.copy() for n, a in arrays().items()})
