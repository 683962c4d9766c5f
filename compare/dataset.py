"""The examples of a lesson."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training examples and, where there are any, test examples.

    Args:
        x: training inputs (n, …).
        target: training targets (n, …).
        x_test: test inputs (m, …), never trained on.
        target_test: test targets (m, …).
    """

    x: np.ndarray
    target: np.ndarray
    x_test: np.ndarray | None = None
    target_test: np.ndarray | None = None

    @property
    def test_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Test inputs and targets.

        Raises:
            ValueError: there are none.
        """
        if self.x_test is None or self.target_test is None:
            raise ValueError("these data have no test set")
        return self.x_test, self.target_test
