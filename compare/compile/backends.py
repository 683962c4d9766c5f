"""Compilers of a pure step: torch's Inductor, JAX's jit, and CUDA graphs."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

Pure = Callable[[list[Any], list[Any], Any, Any], tuple[list[Any], Any, list[Any]]]
"""(state, hyper-parameters, x, target) → (new state, loss, gradients)."""
InPlace = Callable[..., tuple[Any, ...]]
"""(*state, *hyper-parameters, x, target) → (loss, *gradients); overwrites the state."""

WARM_UP_STEPS = 3  # before a recording, on copies, so that libraries can set up


class TorchCompiler:
    """Torch's Inductor.

    The step is traced below the level of Python, operation by operation. This spares
    the guards with which `torch.compile` checks before each call whether the Python
    code is still the same; they took three times as long as a small step.
    """

    copies_on_write = True  # whether a write into a part of an array copies all of it
    device = "cpu"

    def compile(self, pure: Pure) -> Pure:
        """The same function, compiled at its first call for each shape of the batch.

        It may overwrite the state that it is given, which must come from `inputs`.
        """
        compiled: dict[Any, Callable[..., Any]] = {}

        def run(state: list[Any], hyper: list[Any], x: Any, target: Any) -> Any:
            n = len(state)

            def in_place(*inputs: Any) -> tuple[Any, ...]:
                state, hyper = list(inputs[:n]), list(inputs[n:-2])
                new_state, loss, gradients = pure(state, hyper, *inputs[-2:])
                for old, new in zip(state, new_state, strict=True):
                    if new is not old:
                        old.copy_(new)
                return loss, *gradients

            shapes = x.shape, x.dtype, target.shape, target.dtype
            # Inductor compiles for one memory layout.
            inputs = [*state, *hyper, x.contiguous(), target.contiguous()]
            if shapes not in compiled:
                compiled[shapes] = self.build(in_place, inputs)
            buffers, (loss, *gradients) = compiled[shapes](inputs)
            return buffers[:n], loss, gradients

        return run

    def build(self, step: InPlace, inputs: list[Any]) -> Callable[..., Any]:
        """From inputs to the buffers with the new state, and what the step returns."""
        from torch import _inductor

        compiled: Any = _inductor.compile(graph_of(step, inputs), inputs)
        return lambda inputs: (inputs, compiled(*inputs))

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Copies; numbers become 0-d float64 tensors, which promote nothing."""
        return [
            value.clone(memory_format=torch.contiguous_format)
            if isinstance(value, torch.Tensor)
            else torch.tensor(value, dtype=torch.float64, device=self.device)
            for value in values
        ]


class GraphCompiler(TorchCompiler):
    """Records a pure step in a CUDA graph for each shape of the batch.

    Its kernels are launched all at once. A replay reads and writes the memory of the
    recording, so its inputs are copied there first. The host neither waits nor reads a
    value: checks of values (such as that a target is a class) happen only in the first
    steps, which run eagerly.
    """

    copies_on_write = False

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def build(self, step: InPlace, inputs: list[Any]) -> Callable[..., Any]:
        """From inputs to the recording's buffers, and what the step returns."""
        buffers = [tensor.clone() for tensor in inputs]
        replay, outputs = record(step, buffers)

        def run(inputs: list[Any]) -> tuple[list[Any], tuple[Any, ...]]:
            for buffer, given in zip(buffers, inputs, strict=True):
                if buffer is not given:
                    buffer.copy_(given)
            replay()
            return buffers, outputs

        return run


class JaxCompiler:
    """`jax.jit`; XLA may reuse the memory of the old state for the new one."""

    copies_on_write = False

    def compile(self, pure: Pure) -> Pure:
        """The same function, compiled at its first call; as `TorchCompiler`'s."""
        import jax  # pyright: ignore[reportMissingImports]

        return jax.jit(pure, donate_argnums=0)

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Copies; numbers stay, since JAX types them weakly: they promote nothing."""
        return [v.copy() if hasattr(v, "copy") else v for v in values]


def graph_of(step: InPlace, inputs: list[Any]) -> torch.fx.GraphModule:
    """The operations of `step`, traced with fake tensors of the shapes of `inputs`."""
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)


def record(
    step: InPlace, buffers: list[Any]
) -> tuple[Callable[[], object], tuple[Any, ...]]:
    """A function that replays `step` on the buffers, and the outputs it overwrites.

    Raises:
        ValueError: the step draws random numbers, which would be the same in each
            replay, or reads a value, for which the host would have to wait.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        stream = torch.cuda.Stream()  # CUDA requires a warm-up on a side stream
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                step(*[buffer.clone() for buffer in buffers])
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph):
            outputs = step(*buffers)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        message = f"the step cannot be recorded in a CUDA graph: {reason}"
        raise ValueError(message) from error
    return graph.replay, outputs
