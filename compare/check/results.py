"""Comparing what a file returns with what torch returns."""

import numpy as np

from compare.testing.reference import Results
from compare.tolerance import difference

TOLERANCE = 1e-12
"""Up to here, relatively, float64 results are equal up to rounding."""
EPS = float(np.finfo(float).eps)
COUNTS = ("num_batches_tracked",)
"""Buffers that a beginner's version may lack: nothing is computed with them."""


def close(got: np.ndarray, want: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Whether two results have one shape and are equal up to the relative tolerance."""
    return got.dtype.kind in "fiub" and difference(got, want).within(tolerance)


def relative(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest expected entry."""
    is_number = got.dtype.kind in "fiub"
    return difference(got, want).relative if is_number else float("inf")


def wrong_results(
    got: Results, want: Results, tolerance: float = TOLERANCE
) -> tuple[str, ...]:
    """The names of the results that differ by more than rounding."""
    optional = [f"buffer {name}" for name in COUNTS]
    names = (name for name in want if name in got or name not in optional)
    return tuple(name for name in names if not close(got[name], want[name], tolerance))
