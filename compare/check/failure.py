"""A test case that a layer or a loss fails."""

from dataclasses import dataclass

import numpy as np

from compare.check.adapters import Answer
from compare.check.definitions import Definition
from compare.testing.reference import Question, Results


@dataclass(frozen=True)
class Failure:
    """A test case in which a layer or a loss gives wrong results.

    Args:
        definition: the layer or loss of the file.
        question: the test case.
        want: torch's results.
        answer: the file's results.
        wrong: the names of the results that differ.
    """

    definition: Definition
    question: Question
    want: Results
    answer: Answer
    wrong: tuple[str, ...]

    @property
    def got(self) -> Results:
        """The file's results."""
        return self.answer.results

    @property
    def x(self) -> np.ndarray:
        """The input by which is differentiated."""
        return self.question.inputs[0]

    @property
    def upstream(self) -> np.ndarray:
        """∂L/∂output; 1 where the output is the loss itself."""
        given = self.answer.upstream
        return np.array(1.0) if given is None else given

    @property
    def is_loss(self) -> bool:
        """Whether a loss is checked."""
        return self.definition.kind == "loss"

    @property
    def only_value(self) -> bool:
        """Whether it is a loss whose value alone is wrong."""
        return self.is_loss and self.wrong == ("output",)
