"""Other people's libraries, doing the same step in their own way."""

# pyright: reportMissingImports=false

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.backend import Backend
from compare.bench.implementations import Unfit, Weights
from compare.bench.workloads import Work


class Jax:
    """JAX's own way: `jit` of `value_and_grad`, and the update in the same function."""

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        import jax

        give = Backend("jax", dtype=dtype).handmade
        self.x, self.target = map(give, work.batch())
        self.parameters = {name: give(a) for name, a in weights.items()}
        loss = _loss(work)

        def update(parameters: Any, x: Any, target: Any) -> Any:
            value, slopes = jax.value_and_grad(loss)(parameters, x, target)
            new = jax.tree.map(lambda p, g: p - work.lr * g, parameters, slopes)
            return new, value

        self.update = jax.jit(update, donate_argnums=0)

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        self.parameters, loss = self.update(self.parameters, self.x, self.target)
        return float(loss)

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters, named and laid out as in torch."""
        return {name: np.array(a) for name, a in self.parameters.items()}


def _loss(work: Work) -> Callable[..., Any]:
    """The loss of a work as a function of parameters, inputs and targets, in JAX."""
    import jax
    import jax.numpy as jnp

    import torch_ref

    layers = list(work.model(torch_ref.nn))

    def loss(parameters: Any, x: Any, target: Any) -> Any:
        for place, layer in enumerate(layers):
            x = _layer(layer, x, parameters, str(place))
        if work.loss == "MSELoss":
            return jnp.mean((x - target) ** 2)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(x), target[:, None], axis=1)
        return -jnp.mean(chosen)

    return loss


def _layer(layer: Any, x: Any, parameters: Any, place: str) -> Any:
    """One layer's forward pass as a user of JAX would write it."""
    import jax
    from jax import lax

    kind = type(layer).__name__
    if kind == "ReLU":
        return jax.nn.relu(x)
    if kind == "Tanh":
        return jax.numpy.tanh(x)
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    if kind == "MaxPool2d":
        window = (1, 1, layer.kernel_size, layer.kernel_size)
        return lax.reduce_window(x, -np.inf, lax.max, window, window, "VALID")
    weight, bias = parameters[f"{place}.weight"], parameters[f"{place}.bias"]
    if kind == "Linear":
        return x @ weight.T + bias
    y = lax.conv_general_dilated(
        x, weight, layer.stride, [(p, p) for p in layer.padding]
    )
    return y + bias[:, None, None]


class Micrograd:
    """micrograd: reverse mode on single numbers, in Python."""

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        if work.name != "or":
            raise Unfit("one neuron only")
        from micrograd.nn import Neuron

        x, target = work.batch()
        self.x, self.target = x.tolist(), target[:, 0].tolist()
        self.lr = work.lr
        self.neuron = Neuron(x.shape[1], nonlin=False)
        start = [*weights["0.weight"][0].tolist(), float(weights["0.bias"][0])]
        for value, number in zip(self.neuron.parameters(), start, strict=True):
            value.data = number

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        neuron: Any = self.neuron
        pairs = zip(self.x, self.target, strict=True)
        loss: Any = sum((neuron(row) - y) ** 2 for row, y in pairs) / len(self.x)
        neuron.zero_grad()
        loss.backward()
        for value in neuron.parameters():
            value.data -= self.lr * value.grad
        return loss.data

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters, named and laid out as in torch."""
        *weight, bias = (value.data for value in self.neuron.parameters())
        return {"0.weight": np.array([weight]), "0.bias": np.array([bias])}


class Sklearn:
    """scikit-learn's MLPClassifier, by `partial_fit` on the whole batch."""

    def __init__(self, work: Work, weights: Weights, dtype: str) -> None:
        if not work.classes:
            raise Unfit("classes only")
        if len(work.shape) != 2:
            raise Unfit("no convolutions")
        from sklearn.neural_network import MLPClassifier

        x, self.target = work.batch()
        self.x = x.astype(dtype)
        sizes = [len(a) for name, a in weights.items() if name.endswith("bias")]
        self.net: Any = MLPClassifier(
            tuple(sizes[:-1]),
            solver="sgd",
            alpha=0.0,
            batch_size=len(x),  # pyright: ignore[reportArgumentType]
            learning_rate_init=work.lr,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        self.net.partial_fit(self.x, self.target, classes=np.arange(work.classes))
        self.names = list(weights)
        for array, name in zip(self._arrays(), self.names, strict=True):
            array[...] = weights[name].T

    def _arrays(self) -> list[np.ndarray]:
        """Weights and biases, layer by layer; the weights lie as (inputs, outputs)."""
        pairs = zip(self.net.coefs_, self.net.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def step(self) -> float:
        """Take one step; returns the loss before it."""
        self.net.partial_fit(self.x, self.target)
        return self.net.loss_

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters, named and laid out as in torch."""
        pairs = zip(self.names, self._arrays(), strict=True)
        return {name: array.T.copy() for name, array in pairs}
