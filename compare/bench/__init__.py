"""Time one training step: by hand, with autograd, and in other libraries.

`workloads` are the nets, `implementations` and `baselines` the ways to take the step.
`measure` starts all of them from the same weights and the same batch, and refuses to
time any that does not reach the same losses and weights. `timing` then gives each a
turn in every round, so that all suffer alike from a busy machine.
"""

from compare.bench.implementations import IMPLEMENTATIONS, REFERENCE, Implementation
from compare.bench.measure import Disagreement, Row, bench, measure, table
from compare.bench.timing import Options

__all__ = ["IMPLEMENTATIONS", "REFERENCE", "Disagreement", "Implementation", "Options"]
__all__ += ["Row", "bench", "measure", "table"]
