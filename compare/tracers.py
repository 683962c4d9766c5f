"""The two compilers of a pure step: torch's, and JAX's.

A pure step takes the state's values, the numbers given anew for each step, inputs and
targets; it returns the next values, the loss and the gradients.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

Pure = Callable[[list[Any], list[Any], Any, Any], tuple[list[Any], Any, list[Any]]]


class Compiler(Protocol):
    """What makes a pure step fast."""

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled; the values it gets belong to it."""
        ...

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Arrays and Python numbers as the compiled function takes them."""
        ...


class TorchCompiler:
    """Torch's compiler, Inductor, on the step's graph; the state is changed in place.

    The graph is recorded below the level of Python, operation by operation. So what
    `torch.compile` does before every call, to see whether the Python around the graph
    is still the same, is not needed: it took three times as long as a small step.
    """

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled when it is first called."""
        graphs: dict[Any, Callable[..., Any]] = {}

        def run(values: Any, given: Any, x: Any, target: Any) -> Any:
            kind = x.shape, x.dtype, target.shape, target.dtype
            inputs = [*values, *given, x, target]
            if kind not in graphs:
                graphs[kind] = _inductor(in_place(pure, len(values)), inputs)
            loss, *gradients = graphs[kind](*inputs)
            return values, loss, gradients

        return run

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Numbers become tensors of float64 without dimensions, which widen nothing."""
        return [
            value
            if isinstance(value, torch.Tensor)
            else torch.tensor(value, dtype=torch.float64)
            for value in values
        ]


class JaxCompiler:
    """`jax.jit`; XLA may use the old state's memory for the new one."""

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled when it is first called."""
        import jax  # pyright: ignore[reportMissingImports]

        return jax.jit(pure, donate_argnums=0)

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """As they are: a Python number is weakly typed and widens nothing."""
        return list(values)


COMPILERS: dict[str, Compiler] = {"torch": TorchCompiler(), "jax": JaxCompiler()}


def in_place(pure: Pure, count: int) -> Callable[..., tuple[Any, ...]]:
    """`pure` with its arguments in a row, writing the new values over the old ones."""

    def step(*inputs: Any) -> tuple[Any, ...]:
        values, given = list(inputs[:count]), list(inputs[count:-2])
        after, loss, gradients = pure(values, given, *inputs[-2:])
        for old, new in zip(values, after, strict=True):
            if new is not old:
                old.copy_(new)
        return loss, *gradients

    return step


def _inductor(step: Callable[..., Any], inputs: list[Any]) -> Callable[..., Any]:
    """The compiled graph of `step`, recorded on stand-ins shaped as `inputs`."""
    from torch import _inductor
    from torch.fx.experimental.proxy_tensor import make_fx

    record = make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)
    compiled: Any = _inductor.compile(record(*inputs), inputs)
    return compiled
