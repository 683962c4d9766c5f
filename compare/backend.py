"""Array libraries, devices and dtypes, and carrying arrays between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib.util import find_spec
from inspect import isclass, unwrap
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

TF32_EPS = 2.0**-10
"""The distance from 1 to the next number of TF32: float32's range, 10 bits of it."""


@dataclass(frozen=True)
class Backend:
    """Which arrays the hand-written side runs on, and where both sides run.

    Args:
        array: "numpy", "torch" or "jax", for the hand-written side.
        device: "cpu" or "cuda", for both sides.
        dtype: "float32" or "float64", for both sides.
        compile: whether the hand-written step on torch arrays is compiled; on JAX
            arrays it always is.
        graph: whether the hand-written step on CUDA is recorded in a CUDA graph.
        tf32: whether both sides may round float32 to TF32 in products, on CUDA.

    Raises:
        ValueError: a value is none of these, two do not go together, or CUDA or JAX
            is missing (nothing falls back in silence).
    """

    array: str = "numpy"
    device: str = "cpu"
    dtype: str = "float64"
    compile: bool = False
    graph: bool = False
    tf32: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("array", ("numpy", "torch", "jax")),
            ("device", ("cpu", "cuda")),
            ("dtype", ("float32", "float64")),
        ):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name} must be {' or '.join(known)}, got {value!r}")
        if problem := self._problem():
            raise ValueError(problem)

    def _problem(self) -> str:
        """What does not go together or is missing; "" if nothing."""
        on_cuda = self.device == "cuda"
        if on_cuda and self.array != "torch":
            library = {"numpy": "NumPy", "jax": "JAX"}[self.array]
            return f"{library} arrays live on the CPU; use array torch on cuda"
        if self.compile and self.array == "numpy":
            return "NumPy arrays have no compiler; use array torch or jax"
        if self.array == "jax" and find_spec("jax") is None:
            return "JAX is not installed; use the extra `jax`, or another array"
        if on_cuda and not torch.cuda.is_available():
            return "this torch finds no CUDA device; use device cpu"
        if (self.graph or self.tf32) and not on_cuda:
            return f"{'graph' if self.graph else 'tf32'} needs device cuda, got cpu"
        if self.graph and self.compile:
            return "graph and compile both run the same step; use one of them"
        if self.tf32 and self.dtype != "float32":
            return f"tf32 is a way to multiply float32, got {self.dtype}"
        return ""

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number of the dtype, in products, too."""
        return TF32_EPS if self.tf32 else float(np.finfo(self.dtype).eps)

    def to_torch(self, values: Any) -> torch.Tensor:
        """A tensor for the PyTorch side: floats in the dtype, integers as int64."""
        values = np.asarray(values)
        name = self.dtype if values.dtype.kind == "f" else "int64"
        return torch.tensor(values, dtype=getattr(torch, name), device=self.device)

    def to_handmade(self, values: Any) -> Any:
        """The same values as an array for the hand-written side."""
        if self.array == "torch":
            return self.to_torch(values)
        values = np.asarray(values)
        values = values.astype(self.dtype if values.dtype.kind == "f" else "int64")
        if self.array == "jax":
            import jax  # pyright: ignore[reportMissingImports]

            jax.config.update("jax_enable_x64", True)
            return jax.numpy.asarray(values)
        return values


def to_numpy(array: Any) -> np.ndarray:
    """The values of a NumPy array or a tensor, wherever it lies."""
    if isinstance(array, torch.Tensor):
        return array.numpy(force=True)
    return np.asarray(array)


def mapped(tree: Any, change: Any) -> Any:
    """`tree` of dicts and lists with every array in it changed."""
    if isinstance(tree, dict):
        return {key: mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [mapped(value, change) for value in tree]
    return change(tree) if hasattr(tree, "dtype") else tree


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in float32 matrix products and convolutions on CUDA.

    Torch's own default allows it in convolutions. The previous settings come back.
    """
    before = [(owner, name, getattr(owner, name)) for owner, name in tf32_settings()]
    precision = "tf32" if allowed else "ieee"
    try:
        for owner, name, _ in before:
            setattr(owner, name, allowed if name == "allow_tf32" else precision)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def tf32_settings() -> list[tuple[Any, str]]:
    """Torch's settings as (owner, attribute); renamed in 2.9, where old ones raise."""
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cudnn, "conv"):
        return [(products, "fp32_precision"), (cudnn.conv, "fp32_precision")]
    return [(products, "allow_tf32"), (cudnn, "allow_tf32")]


@contextmanager
def eager_optimizers() -> Iterator[None]:
    """Let torch's optimizers step without importing torch's compiler.

    Wrappers around their methods keep torch.compile out. At the first call they import
    it, which takes almost as long as the import of torch. Without a compiler all they
    do is switch autograd off, and so does `_eager`. The wrappers come back at the end.
    """
    before = [*_wrapped_methods()]
    for owner, name, method in before:
        setattr(owner, name, _eager(unwrap(method)))
    try:
        yield
    finally:
        for owner, name, method in before:
            setattr(owner, name, method)


def _wrapped_methods() -> Iterator[tuple[type[Optimizer], str, Any]]:
    """The wrapped methods of torch's optimizers: class, name and method."""
    names = ("add_param_group", "load_state_dict", "state_dict", "step", "zero_grad")
    for owner in filter(isclass, vars(torch.optim).values()):
        if issubclass(owner, Optimizer):
            methods = ((name, vars(owner).get(name)) for name in names)
            yield from ((owner, n, m) for n, m in methods if hasattr(m, "__wrapped__"))


def _eager(method: Any) -> Any:
    """A method of an optimizer, with autograd on only where it asks for it."""
    if method.__name__ != "step":
        return method

    @wraps(method)
    def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return method(self, *args, **kwargs)

    return step
