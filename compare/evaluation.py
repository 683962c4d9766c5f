"""What a lesson says of its trained learners: its checks, figures and files."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from matplotlib import rc_context

from compare import plots
from compare.experiment import Draw, Experiment
from compare.results import Side

Checks = dict[str, tuple[bool, str]]
"""By the text of each check: whether it holds on both sides, and the numbers."""


class LessonError(ValueError):
    """A check or a figure of the lesson itself fails; the message says where."""


def checks(experiment: Experiment, sides: Sequence[Side]) -> Checks:
    """Each check of the lesson; it must hold on both sides.

    Raises:
        LessonError: a check fails to be computed.
    """
    found = {}
    for text, check in experiment.claims.items():
        with _lesson_errors(f"the claim {text!r}"):
            results = {side.library: check(side) for side in sides}
            holds = all(holds for holds, _ in results.values())
        words = {library: str(numbers) for library, (_, numbers) in results.items()}
        same = len({*words.values()}) == 1
        both = "; ".join(f"{library}: {w}" for library, w in words.items())
        found[text] = holds, words["handmade"] if same else both
    return found


def figures(
    draws: Mapping[str, Draw], side: Side, lesson: str, verdict: str
) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    """Each figure of a side by its name: see `plots.png`.

    Raises:
        LessonError: a figure cannot be drawn.
    """
    losses = plots.losses_of(side)
    for name, draw in draws.items():
        with _lesson_errors(f"the figure {name!r}"), rc_context(plots.LOOK):
            figure = draw(side)
            plots.add_heading(figure, lesson, losses, verdict)
            plots.translate(figure)
            images = plots.png(figure)
        yield name, images


def files(
    experiment: Experiment, ours: Side, theirs: Side
) -> Iterator[tuple[str, str]]:
    """The name and text of each further file of the lesson.

    Raises:
        LessonError: a text cannot be made.
    """
    for name, write in experiment.files.items():
        with _lesson_errors(f"the file {name!r}"):
            text = write(ours, theirs)
        yield name, text


@contextmanager
def _lesson_errors(what: str) -> Iterator[None]:
    """Say of an error in a lesson's own function where it is."""
    try:
        yield
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise LessonError(
            f"{what} failed: {type(error).__name__}: {error} "
            f"({frame.filename}, line {frame.lineno})"
        ) from error
