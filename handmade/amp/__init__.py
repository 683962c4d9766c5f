"""Mixed precision: arithmetic in float16, weights in float32, and a scaled loss."""

from handmade.amp.grad_scaler import GradScaler
from handmade.amp.learner import MixedPrecisionLearner

__all__ = ["GradScaler", "MixedPrecisionLearner"]
