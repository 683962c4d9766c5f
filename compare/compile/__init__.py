"""The hand-written step as one compiled function.

`buffers` lists every array that a step changes, and all it takes as constant. So a step
becomes a pure function: (state, hyper-parameters, x, target) → (new state, loss,
gradients). `backends` compile that by torch's Inductor or JAX's jit, or record it as a
CUDA graph. `learner.Compiled` is a learner that runs the compiled function, and makes
another one whenever a constant changes. The formulas stay in `handmade`.
"""

from compare.compile.learner import Compiled, prepared

__all__ = ["Compiled", "prepared"]
