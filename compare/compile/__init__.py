"""The hand-written step under torch.compile, JAX jit or in a CUDA graph."""

from compare.compile.learner import prepared

__all__ = ["prepared"]
