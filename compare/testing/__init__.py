"""Test cases for every layer, loss and optimizer, and PyTorch's answers to them."""

from compare.testing.case import Case, resolved, rng_of
from compare.testing.layers import LAYERS
from compare.testing.losses import LOSSES
from compare.testing.optimizers import OPTIMIZERS

__all__ = ["LAYERS", "LOSSES", "OPTIMIZERS", "Case", "resolved", "rng_of"]
