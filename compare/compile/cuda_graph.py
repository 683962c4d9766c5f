"""A step as a CUDA graph: its kernels are recorded once and launched all at once."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from compare.compile.backends import InPlace, TorchCompiler

WARM_UP_STEPS = 3
"""On copies, before the recording, so that libraries can set up."""


class GraphCompiler(TorchCompiler):
    """Records a pure step in a CUDA graph for each shape of the batch.

    A replay reads and writes the memory of the recording, so its inputs are copied
    there first. The host neither waits nor reads a value: checks of values (such as
    that a target is a class) happen only in the first steps, which run eagerly.
    """

    copies_on_write = False

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def build(self, step: InPlace, inputs: Sequence[Tensor]) -> Callable[..., Any]:
        """From inputs to the recording's buffers, and what the step returns."""
        buffers = [tensor.clone() for tensor in inputs]
        replay, outputs = record(step, buffers)

        def run(inputs: Sequence[Tensor]) -> tuple[list[Tensor], tuple[Any, ...]]:
            for buffer, given in zip(buffers, inputs, strict=True):
                if buffer is not given:
                    buffer.copy_(given)
            replay()
            return buffers, outputs

        return run


def record(
    step: InPlace, buffers: Sequence[Tensor]
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
