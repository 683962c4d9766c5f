"""Sane calls of what is neither layer, loss, optimizer nor schedule, for garbage.py.

FUNCTIONS has arguments for each public function, LEARNERS those of each learner. They
are made anew for each call.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import handmade
from handmade import nn, optim

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-2.0, 1.0, 0.75], [0.1, 0.2, 0.3]])
CLASSES = np.array([0, 1, 1, 2])


def _given(*args: Any, **kwargs: Any) -> Callable[[], Arguments]:
    """These arguments, arrays copied."""
    return lambda: (
        tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in args),
        dict(kwargs),
    )


def _initialised(**kwargs: Any) -> Callable[[], Arguments]:
    return lambda: ((nn.Parameter(X.copy()),), dict(kwargs))


def _clipped(**kwargs: Any) -> Callable[[], Arguments]:
    def arguments() -> Arguments:
        parameter = nn.Parameter(X.copy())
        parameter.grad = -2 * X
        return ([parameter],), dict(kwargs)

    return arguments


def _square(x: Any) -> Any:
    return x * x


def _twice(x: Any) -> Any:
    return 2 * x


def _two(x: Any) -> Any:
    return 2.0 + 0 * x


FUNCTIONS: dict[str, Callable[[], Arguments]] = {
    "nn.init.calculate_gain": _given("leaky_relu", param=0.1),
    "nn.init.constant_": _initialised(val=2.0),
    "nn.init.eye_": _initialised(),
    "nn.init.kaiming_normal_": _initialised(
        a=0.0, mode="fan_in", nonlinearity="leaky_relu"
    ),
    "nn.init.kaiming_uniform_": _initialised(
        a=0.0, mode="fan_out", nonlinearity="relu"
    ),
    "nn.init.normal_": _initialised(mean=0.0, std=1.0),
    "nn.init.ones_": _initialised(),
    "nn.init.orthogonal_": _initialised(gain=1.0),
    "nn.init.trunc_normal_": _initialised(mean=0.0, std=1.0, a=-2.0, b=2.0),
    "nn.init.uniform_": _initialised(a=0.0, b=1.0),
    "nn.init.xavier_normal_": _initialised(gain=1.0),
    "nn.init.xavier_uniform_": _initialised(gain=1.0),
    "nn.init.zeros_": _initialised(),
    "nn.utils.clip_grad_norm_": _clipped(
        max_norm=1.0, norm_type=2.0, error_if_nonfinite=False
    ),
    "nn.utils.clip_grad_value_": _clipped(clip_value=0.5),
    "metrics.accuracy": _given(CLASSES, CLASSES[::-1]),
    "metrics.argmax": _given(X),
    "metrics.confusion_matrix": _given(CLASSES, CLASSES[::-1], num_classes=3),
    "metrics.purity": _given(CLASSES, CLASSES[::-1]),
    "metrics.threshold": _given(X, at=0.5),
    "cluster.kmeans_plus_plus": _given(X, k=2),
    "cluster.quantisation_error": _given(X, X[:2]),
    "cluster.quantisation_gradient": _given(X, X[:2]),
    "cluster.squared_distances": _given(X, X[:2]),
    "descent.descend": _given(_square, _twice, 1.0, step=0.1, max_steps=5),
    "descent.newton": _given(_square, _twice, _two, 1.0, max_steps=5),
    "descent.newton_step": _given(X[0], np.eye(3)),
    "forward_forward.direction": _given(X),
    "forward_forward.goodness": _given(X),
    "forward_forward.grad_goodness": _given(X),
    "forward_forward.with_label": _given(X, CLASSES, num_classes=3),
    "forward_forward.wrong_label": _given(CLASSES, num_classes=3),
    "perceptron.Perceptron": lambda: ((3, 2, nn.Tanh()), {}),
    "perceptron.weighted_sum": _given(X, np.arange(4.0)),
    "perceptron.with_ones": _given(X),
    "semi_supervised.Autoencoder": lambda: (
        (nn.Linear(3, 2), nn.Linear(2, 3), nn.Linear(2, 2)),
        {},
    ),
    "quantize.quantize": _given(X, bits=4),
    "quantize.quantized_state_dict": _given({"weight": X}, bits="ternary"),
    "quantize.model_bytes": _given({"weight": X}, bits="binary"),
    "search.blind_step": _given(_square, 1.0, 1.0, 0.1),
    "search.blind_descent": _given(_square, 1.0, budget=9),
    "search.random_descent": _given(_square, 1.0, budget=9),
    "autodiff.central_difference": _given(_square, 1.0, h=1e-3),
    "autodiff.forward_difference": _given(_square, X[0], h=1e-3),
    "autodiff.complex_step": _given(_square, X[0], h=1e-20),
    "autodiff.jvp": _given(_square, (X,), (X,)),
    "autodiff.vjp": _given(_square, X),
    "autodiff.exp": _given(X),
    "autodiff.sum": _given(X, dim=1, keepdim=False),
    "autodiff.amax": _given(X, dim=0, keepdim=True),
    "autodiff.reshape": _given(X, (3, 4)),
    "autodiff.transpose": _given(X, 0, 1),
}


def _learner(*args: Any, **kwargs: Any) -> Callable[[], Arguments]:
    """Arguments, of which each function without arguments is called."""

    def made(value: Any) -> Any:
        return value() if getattr(value, "__name__", "") == "<lambda>" else value

    return lambda: (
        tuple(made(a) for a in args),
        {name: made(a) for name, a in kwargs.items()},
    )


_sgd = partial(optim.SGD, lr=0.1, momentum=0.9)

LEARNERS: dict[str, Callable[[], Arguments]] = {
    "training.GradientLearner": _learner(
        lambda: nn.Linear(3, 3), criterion=lambda: nn.CrossEntropyLoss(), optimizer=_sgd
    ),
    "cluster.KMeans": _learner(2, 3),
    "descent.Descent": _learner(
        lambda: handmade.surfaces.SumOfSquares(), lambda: X[0, :2], lr=0.1
    ),
    "forward_forward.ForwardForward": _learner((3, 4, 4), 3, _sgd, theta=2.0),
    "perceptron.Rosenblatt": _learner(3, 1, lr=1.0),
    "search.RandomDescent": _learner(
        lambda: nn.Linear(3, 3), criterion=lambda: nn.CrossEntropyLoss(), tries=2
    ),
    "search.Annealing": _learner(
        lambda: nn.Linear(3, 3), criterion=lambda: nn.CrossEntropyLoss(), cooling=0.9
    ),
    "semi_supervised.PseudoLabels": _learner(
        lambda: nn.Linear(3, 3), _sgd, sure=0.5, every=2
    ),
    "variational.VariationalAutoencoder": _learner(
        lambda: nn.Linear(3, 4),
        lambda: nn.Sequential(nn.Linear(2, 3), nn.Sigmoid()),
        _sgd,
        beta=1.0,
    ),
}

TARGETS = {
    "": CLASSES,
    "descent.Descent": X,
    "perceptron.Rosenblatt": np.array([[1.0], [0.0], [0.0], [1.0]]),
    "variational.VariationalAutoencoder": (X > 0).astype(float),
}
"""What each learner's `step` is given as targets; "" is for the others."""
DRAWN = {
    "cluster.kmeans_plus_plus",
    "forward_forward.wrong_label",
    "perceptron.Perceptron",
    "semi_supervised.Autoencoder",
    "nn.init.kaiming_normal_",
    "nn.init.kaiming_uniform_",
    "nn.init.normal_",
    "nn.init.orthogonal_",
    "nn.init.trunc_normal_",
    "nn.init.uniform_",
    "nn.init.xavier_normal_",
    "nn.init.xavier_uniform_",
    "search.random_descent",
}
"""Functions whose results are drawn, and so are not compared with torch's."""
