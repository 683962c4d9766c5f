"""What a live example of a function or a learner runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compare.testing.draws import Draw


@dataclass(frozen=True)
class Program:
    """Lines of Python that both sides run.

    Args:
        lines: what is run, with `nn`, `optim`, … of either library at hand, `array` to
            make its arrays, and all that is given.
        given: what is drawn, by name.
        theirs: what torch_ref runs instead, where it needs no derivative.
    """

    lines: str
    given: Mapping[str, Draw] = field(default_factory=dict)
    theirs: str = ""


def program(lines: str, theirs: str = "", **given: Draw) -> Program:
    """A program and what it is given."""
    return Program(lines, given, theirs)


@dataclass(frozen=True)
class Learning:
    """A learner that takes a few steps on one batch, both sides in step.

    Args:
        learner: the expression that makes it.
        x: the batch's inputs.
        target: what is wanted for them.
    """

    learner: str
    x: Draw
    target: Draw
