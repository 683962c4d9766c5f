"""Other libraries, each taking the same step in its own way."""

# pyright: reportMissingImports=false

from functools import partial
from typing import Any

import numpy as np

import torch_ref
from compare.backend import Backend, mapped
from compare.bench.workloads import NamesGPT, TrainingStep, Weights, Workload


class Unsupported(Exception):
    """A library cannot do this workload; the message says why, in a few words."""


def jax_step(workload: Workload, dtype: str) -> TrainingStep:
    """JAX: `jit` of `value_and_grad` and the update, in one function."""
    import jax

    if isinstance(workload, NamesGPT):
        raise Unsupported("no transformer")
    to_array = Backend("jax", dtype=dtype).to_handmade
    x, target = map(to_array, workload.batch())
    parameters = mapped(workload.weights(dtype), to_array)
    layers = list(workload.model(torch_ref.nn))

    def loss_of(parameters: Any, x: Any, target: Any) -> Any:
        for i, layer in enumerate(layers):
            own = parameters.get(f"{i}.weight"), parameters.get(f"{i}.bias")
            x = _jax_layer(layer, x, *own)
        if not workload.classes:
            return jax.numpy.mean((x - target) ** 2)
        log_p = jax.nn.log_softmax(x)
        return -jax.numpy.mean(jax.numpy.take_along_axis(log_p, target[:, None], 1))

    @partial(jax.jit, donate_argnums=0)
    def update(parameters: Any, x: Any, target: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, target)
        sgd = jax.tree.map(lambda p, g: p - workload.lr * g, parameters, gradients)
        return sgd, loss

    def take() -> float:
        nonlocal parameters
        parameters, loss = update(parameters, x, target)
        return float(loss)

    return TrainingStep(take, lambda: mapped(parameters, np.array))


def _jax_layer(layer: Any, x: Any, weight: Any, bias: Any) -> Any:
    """The forward pass of a torch layer, as one writes it in JAX."""
    from jax import lax, nn

    match type(layer).__name__:
        case "ReLU" | "Tanh" as name:
            return getattr(nn, name.lower())(x)
        case "Flatten":
            return x.reshape(len(x), -1)
        case "MaxPool2d":
            window = (1, 1, layer.kernel_size, layer.kernel_size)
            return lax.reduce_window(x, -np.inf, lax.max, window, window, "VALID")
        case "Linear":
            return x @ weight.T + bias
        case _:
            y = lax.conv_general_dilated(x, weight, layer.stride, "SAME")
            return y + bias[:, None, None]


def micrograd_step(workload: Workload, dtype: str) -> TrainingStep:
    """micrograd: reverse-mode differentiation of single numbers, in Python."""
    if workload.name != "or":
        raise Unsupported("one neuron only")
    from micrograd.nn import Neuron

    x, target = (a.tolist() for a in workload.batch())
    weights = workload.weights(dtype)
    neuron: Any = Neuron(len(x[0]), nonlin=False)
    start = np.append(weights["0.weight"], weights["0.bias"]).tolist()
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

    def current() -> Weights:
        *weight, bias = (parameter.data for parameter in neuron.parameters())
        return {"0.weight": np.array([weight]), "0.bias": np.array([bias])}

    return TrainingStep(take, current)


def sklearn_step(workload: Workload, dtype: str) -> TrainingStep:
    """scikit-learn: `MLPClassifier.partial_fit` on the whole batch."""
    if isinstance(workload, NamesGPT):
        raise Unsupported("no transformer")
    if not workload.classes or len(workload.shape) != 2:
        raise Unsupported("no convolutions" if workload.classes else "classes only")
    from sklearn.neural_network import MLPClassifier

    x, target = workload.batch()
    x, weights = x.astype(dtype), workload.weights(dtype)
    *hidden, _ = [len(a) for name, a in weights.items() if name.endswith("bias")]
    plain: Any = {"alpha": 0, "momentum": 0, "nesterovs_momentum": False}
    plain |= {"solver": "sgd", "batch_size": len(x), "shuffle": False}
    net: Any = MLPClassifier(hidden, learning_rate_init=workload.lr, **plain)
    # The first call allocates the arrays, which then get the initial weights.
    net.partial_fit(x, target, classes=range(workload.classes))
    layers = zip(net.coefs_, net.intercepts_, strict=True)
    views = (array.T for layer in layers for array in layer)  # in torch's layout
    arrays = dict(zip(weights, views, strict=True))
    for name, array in arrays.items():
        array[...] = weights[name]

    def take() -> float:
        net.partial_fit(x, target)
        return net.loss_

    return TrainingStep(take, lambda: mapped(arrays, np.copy))
