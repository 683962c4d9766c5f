"""Who takes part on a CUDA device."""

from compare.bench import contestants as by
from compare.bench.workloads import Work
from compare.compile.learner import Compiled


class OnCuda(by.OnTorch):
    """Handmade on torch arrays of the device."""

    device = "cuda"


class ByGraph(OnCuda):
    """Handmade on the device, the whole step replayed as a CUDA graph."""

    def __init__(self, work: Work, weights: by.Weights, dtype: str) -> None:
        super().__init__(work, weights, dtype)
        self.learner = Compiled(self.learner, "graph", gradients=False)


class TorchRef(by.TorchRef):
    """PyTorch on the device, as it comes."""

    device = "cuda"


class Floor(by.Floor):
    """Only the matrix products."""

    device = "cuda"

    def step(self) -> float:
        """Take one step; waits for the device, as whoever asks for a loss does."""
        super().step()
        return float(self.products[-1][-1][0, 0])
