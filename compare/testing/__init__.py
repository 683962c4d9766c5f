"""What "the same" is checked on: one line for each layer, loss and optimiser.

Values are drawn, never written out; kinks, ties and extremes are drawn on purpose.
"""

from compare.testing.case import Case, resolved, rng_of
from compare.testing.layers import LAYERS
from compare.testing.losses import LOSSES
from compare.testing.optimizers import OPTIMIZERS

__all__ = ["LAYERS", "LOSSES", "OPTIMIZERS", "Case", "resolved", "rng_of"]
