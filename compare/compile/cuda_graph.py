"""A step as a CUDA graph: its kernels are recorded once, then started all at once."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from compare.compile.backends import Pure, in_place, own

WARM_UP = 3
"""So many steps on a side stream, before the recording, let libraries set up."""
Replay = Callable[[], object]
Work = Callable[..., tuple[Any, ...]]


class GraphCompiler:
    """Records a pure step in a CUDA graph for each shape of the batch.

    A replay reads and writes the memory of the recording, so the state, the numbers
    given for the step and the batch each have buffers that never move; what is not
    there yet is copied there. The host waits for nothing, and looks at no value: what
    is no class, say, is refused in the first steps only, which are taken as they stand.

    Args:
        device: where numbers become tensors.
    """

    writing_copies = False

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def compiled(self, pure: Pure) -> Pure:
        """The same function, recorded for each new shape of the batch."""
        recordings: dict[Any, Recording] = {}

        def run(values: Any, given: Any, x: Any, target: Any) -> Any:
            kind = x.shape, x.dtype, target.shape, target.dtype
            inputs = [*values, *given, x, target]
            if kind not in recordings:
                recordings[kind] = Recording(in_place(pure, len(values)), inputs)
            recording = recordings[kind]
            loss, *gradients = recording(inputs)
            return recording.buffers[: len(values)], loss, gradients

        return run

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        """Numbers become tensors of float64 without dimensions, on the device."""
        return [own(value, self.device) for value in values]


class Recording:
    """A function of tensors that writes its results over its arguments, recorded.

    Args:
        work: the function; what it returns lies where the next replay writes it, too.
        inputs: to record it on; they are not changed.

    Raises:
        ValueError: it draws random numbers, which would be the same in each replay, or
            the host would have to wait for the device, as to look at a value.
    """

    def __init__(self, work: Work, inputs: Sequence[Tensor]) -> None:
        self.buffers = [tensor.clone() for tensor in inputs]
        self._replay, self._outputs = recorded(work, self.buffers)

    def __call__(self, inputs: Sequence[Tensor]) -> tuple[Any, ...]:
        """Replay it on `inputs`; those that are its own buffers are not copied."""
        for buffer, given in zip(self.buffers, inputs, strict=True):
            if buffer is not given:
                buffer.copy_(given)
        self._replay()
        return self._outputs


def recorded(work: Work, buffers: Sequence[Tensor]) -> tuple[Replay, tuple[Any, ...]]:
    """What replays `work` on the buffers, and what it will have returned."""
    graph = torch.cuda.CUDAGraph()
    try:
        _warm_up(work, buffers)
        with torch.cuda.graph(graph):
            outputs = work(*buffers)
    except RuntimeError as error:
        words = str(error).partition("\n")[0]
        raise ValueError(f"the step cannot be recorded in a CUDA graph: {words}") from (
            error
        )
    return graph.replay, outputs


def _warm_up(work: Work, buffers: Sequence[Tensor]) -> None:
    """Take a few steps on copies, on a stream of their own, as recording wants it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work(*[buffer.clone() for buffer in buffers])
    torch.cuda.current_stream().wait_stream(stream)
