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

    writing_copies: bool
    """Whether it copies a whole array for each write into a part of it."""

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled; the values it gets belong to it."""
        ...

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Arrays and Python numbers as the compiled function takes them: copies."""
        ...


class TorchCompiler:
    """Torch's compiler, Inductor, on the step's graph; the state is changed in place.

    The graph is recorded below the level of Python, operation by operation. So what
    `torch.compile` does before every call, to see whether the Python around the graph
    is still the same, is not needed: it took three times as long as a small step.
    """

    writing_copies = True

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled when it is first called."""
        graphs: dict[Any, Callable[..., Any]] = {}

        def run(values: Any, given: Any, x: Any, target: Any) -> Any:
            kind = x.shape, x.dtype, target.shape, target.dtype
            # The graph is for one order in memory.
            inputs = [*values, *given, x.contiguous(), target.contiguous()]
            if kind not in graphs:
                graphs[kind] = _inductor(in_place(pure, len(values)), inputs)
            loss, *gradients = graphs[kind](*inputs)
            return values, loss, gradients

        return run

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Numbers become tensors of float64 without dimensions, which widen nothing."""
        return [own(value) for value in values]


class JaxCompiler:
    """`jax.jit`; XLA may use the old state's memory for the new one."""

    writing_copies = False

    def compiled(self, pure: Pure) -> Pure:
        """The same function, compiled when it is first called."""
        import jax  # pyright: ignore[reportMissingImports]

        return jax.jit(pure, donate_argnums=0)

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Numbers stay Python's: they are weakly typed and widen nothing."""
        return [v.copy() if hasattr(v, "copy") else v for v in values]


COMPILERS: dict[str, Compiler] = {"torch": TorchCompiler(), "jax": JaxCompiler()}


def own(value: Any, device: str = "cpu") -> torch.Tensor:
    """A copy that may be written into, in the usual order in memory."""
    if isinstance(value, torch.Tensor):
        return value.clone(memory_format=torch.contiguous_format)
    return torch.tensor(value, dtype=torch.float64, device=device)


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


def graph_of(step: Callable[..., Any], inputs: list[Any]) -> torch.fx.GraphModule:
    """What `step` does, operation by operation, to stand-ins shaped as `inputs`."""
    from torch.fx.experimental.proxy_tensor import make_fx

    record = make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)
    return record(*inputs)


def _inductor(step: Callable[..., Any], inputs: list[Any]) -> Callable[..., Any]:
    from torch import _inductor

    compiled: Any = _inductor.compile(graph_of(step, inputs), inputs)
    return compiled
