"""The hand-written step under torch.compile, JAX jit or in a CUDA graph."""
