"""The ways to take one training step: by hand, in PyTorch, and in other libraries."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, mapped, to_numpy
from compare.bench import baselines
from compare.bench.workloads import TrainingStep, Workload
from compare.compile import Compiled

REFERENCE = "torch_ref"
"""The implementation that all others are compared with."""


class Implementation(NamedTuple):
    """One line of the report."""

    title: str
    prepare: Callable[[Workload, str], TrainingStep]  # the str is the dtype
    compiled: bool = False  # by torch.compile or JAX, which takes seconds


def learner_step(
    workload: Workload,
    dtype: str,
    *,
    library: Any = handmade,
    array: str = "torch",
    device: str = "cpu",
    compiler: str = "",
) -> TrainingStep:
    """The step of a learner of `handmade` or `torch_ref`.

    `compiler` is one of `Compiled`'s for `handmade`, "torch.compile" for `torch_ref`.
    """
    import_module(array)  # JAX may be missing
    to_array = Backend(array, device, dtype).to_handmade
    learner: Any = workload.learner(library).to(to_array(np.zeros(1)))
    learner.model.load_state_dict(mapped(workload.weights(dtype), to_array))
    x, target = map(to_array, workload.batch())
    if compiler == "torch.compile":
        train = _torch_compiled(learner)
    else:
        learner = Compiled(learner, compiler, gradients=False) if compiler else learner
        train = learner.step
    return TrainingStep(
        take=lambda: float(train(x, target)),
        weights=lambda: mapped(learner.parameters(), lambda a: to_numpy(a).copy()),
    )


def _torch_compiled(learner: Any) -> Callable[..., torch.Tensor]:
    """The whole step of a PyTorch learner under `torch.compile`.

    The compiler's caches are cleared first: for the second shape it would compile a
    slower step for any shape, and after a few more shapes none at all.
    """
    torch.compiler.reset()
    # `step` itself has a hook for the profiler, at which torch.compile stops.
    sgd = learner.optimizer
    update = partial(getattr(type(sgd).step, "__wrapped__", type(sgd).step), sgd)

    @torch.compile
    def train(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        loss = learner.criterion(learner.model(x), target)
        learner.model.zero_grad()
        loss.backward()
        update()
        return loss.detach()

    return train


def matrix_products(
    workload: Workload, dtype: str, *, device: str = "cpu"
) -> TrainingStep:
    """Only the matrix products of a step: a lower bound for its time."""
    kind: Any = {"dtype": getattr(torch, dtype), "device": device}
    products = [
        [torch.ones(shape, **kind) for shape in ((m, k), (k, n), (m, n))]
        for m, k, n in workload.products
    ]

    def multiply() -> float:
        for left, right, out in products:
            torch.mm(left, right, out=out)
        # On CUDA, wait for the result, as reading a loss does.
        return float(products[-1][-1][0, 0]) if device == "cuda" else 0.0

    return TrainingStep(multiply, dict)


def _learner(title: str, **options: Any) -> Implementation:
    compiled = options.get("compiler", "graph") != "graph"
    return Implementation(title, partial(learner_step, **options), compiled)


IMPLEMENTATIONS = {
    "cpu": {
        "numpy": _learner("handmade, NumPy", array="numpy"),
        "torch": _learner("handmade, torch"),
        "compile": _learner("handmade, torch compiled", compiler="torch"),
        "jax": _learner("handmade, JAX jit", array="jax", compiler="jax"),
        "torch_ref": _learner("torch_ref, eager", library=torch_ref),
        "torch.compile": _learner(
            "torch_ref, torch.compile", library=torch_ref, compiler="torch.compile"
        ),
        "JAX": Implementation("JAX, jit(grad)", baselines.jax_step, compiled=True),
        "sklearn": Implementation("scikit-learn", baselines.sklearn_step),
        "micrograd": Implementation("micrograd", baselines.micrograd_step),
        "floor": Implementation("matrix products alone", matrix_products),
    },
    "cuda": {
        "torch": _learner("handmade, eager", device="cuda"),
        "graph": _learner("handmade, CUDA graph", device="cuda", compiler="graph"),
        "compile": _learner(
            "handmade, torch compiled", device="cuda", compiler="torch"
        ),
        "torch_ref": _learner("torch_ref, eager", device="cuda", library=torch_ref),
        "torch.compile": _learner(
            "torch_ref, torch.compile",
            device="cuda",
            library=torch_ref,
            compiler="torch.compile",
        ),
        "floor": Implementation(
            "matrix products alone", partial(matrix_products, device="cuda")
        ),
    },
}
"""By device and short name."""
