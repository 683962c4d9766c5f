"""What a lesson is: data, both learners from one definition, claims and figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compare.results import Side

DrawData = Callable[[np.random.Generator], "Data"]
"""From the run's generator to the examples."""
Library = ModuleType
"""`handmade` or `torch_ref`."""
MakeLearner = Callable[[Any], Any]
"""From the library to a learner (`handmade.training.Learner`)."""
Metric = Callable[[Any, Any, Any], float]
"""From the library's `metrics`, an output and its target to a number."""
Claim = Callable[["Side"], tuple[bool, str]]
"""From one trained side to whether the claim holds, and the numbers that say so."""
Draw = Callable[["Side"], "Figure"]
"""From one trained side to a picture."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Examples to learn from and, where there are any, others to be tested on.

    Args:
        x: inputs (n, …).
        target: what is wanted for each (n, …).
        x_test: inputs that are never trained on.
        target_test: what is wanted for those.
    """

    x: np.ndarray
    target: np.ndarray
    x_test: np.ndarray | None = None
    target_test: np.ndarray | None = None

    @property
    def test_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets that are never trained on.

        Raises:
            ValueError: there are none.
        """
        if self.x_test is None or self.target_test is None:
            raise ValueError("these data have no test set")
        return self.x_test, self.target_test


NO_DATA = Data(x=np.zeros((1, 1)), target=np.zeros((1, 1)))
"""For learners that need none: a point that goes downhill."""


def backprop(
    *,
    model: Callable[[Any], Any],
    loss: Callable[[Any], Any],
    optimizer: Callable[[Any, Any], Any],
    scheduler: Callable[[Any, Any], Any] | None = None,
    clip: Callable[[Any, Any], Any] | None = None,
) -> MakeLearner:
    """One definition of model, loss and optimiser, for both libraries.

    Args:
        model: from the library's `nn` to a module.
        loss: from the library's `nn` to a loss.
        optimizer: from the library's `optim` and parameters to an optimiser.
        scheduler: from the library's `optim` and the optimiser to a schedule of its
            `lr_scheduler`, stepped after every batch.
        clip: from the library's `nn` and parameters: changes their gradients, as
            `nn.utils.clip_grad_norm_` does.
    """

    def make(library: Any) -> Any:
        return library.training.GradientLearner(
            model(library.nn),
            loss(library.nn),
            lambda parameters: optimizer(library.optim, parameters),
            scheduler and partial(scheduler, library.optim),
            clip and partial(clip, library.nn),
        )

    return make


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A lesson.

    Args:
        title: what it shows, in a few words.
        course: the ids of the course's parts, such as ("D6",).
        heading: the German heading of the slide.
        learners: what is trained, by name; each makes a learner from a library.
        data: draws the examples from the run's generator; by the name of the learner
            where each has its own.
        steps: how many steps each learner takes.
        batch_size: examples a step; None takes all of them, in order.
        seeds: how often everything is repeated, each time from another seed.
        start: parameters that do not start at random, by name.
        metrics: by name, from an output and its target.
        claims: what must be true at the end, on both sides.
        figures: pictures, drawn from the hand-written side.
        story: what to notice, in a few sentences.
        other_data: the same lesson on other examples, by their name.
        longest: the most steps that it can take, as where a schedule is planned for
            them; None for any number.
        expect_no_learning: learners whose point is that they learn nothing; for all
            others a run in which nothing was learned fails.
    """

    title: str
    course: tuple[str, ...]
    heading: str
    learners: Mapping[str, MakeLearner]
    steps: int
    claims: Mapping[str, Claim]
    data: DrawData | Mapping[str, DrawData] = lambda rng: NO_DATA
    batch_size: int | None = None
    seeds: int = 1
    start: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    figures: Mapping[str, Draw] = field(default_factory=dict)
    story: str = ""
    other_data: Mapping[str, Callable[[], "Experiment"]] = field(default_factory=dict)
    longest: int | None = None
    expect_no_learning: Sequence[str] = ()

    def data_of(self, learner: str) -> DrawData:
        """What draws the examples of a learner."""
        return self.data[learner] if isinstance(self.data, Mapping) else self.data

    def on(self, data: str) -> "Experiment":
        """The same lesson on the data of this name; "" are its own.

        Raises:
            ValueError: it is not made for them.
        """
        if data and data not in self.other_data:
            known = ", ".join(self.other_data) or "none"
            raise ValueError(
                f"the lesson {self.title!r} has no data {data!r} but its own; "
                f"others it can be run on: {known}"
            )
        return self.other_data[data]() if data else self

    def __post_init__(self) -> None:
        if self.steps < 1 or self.seeds < 1:
            raise ValueError(
                f"Experiment: steps and seeds must be at least 1, "
                f"got {self.steps} and {self.seeds}"
            )
        if self.longest is not None and self.longest < self.steps:
            raise ValueError(
                f"Experiment: longest must be at least steps, "
                f"got {self.longest} and {self.steps}"
            )
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(
                f"Experiment: batch_size must be at least 1, got {self.batch_size}"
            )
        if not self.learners or not self.claims:
            raise ValueError("Experiment: needs at least one learner and one claim")
        if unknown := set(self.expect_no_learning) - self.learners.keys():
            raise ValueError(
                f"Experiment: expect_no_learning names no learner: {sorted(unknown)}"
            )
        if isinstance(self.data, Mapping) and self.data.keys() != self.learners.keys():
            raise ValueError(
                f"Experiment: data must be given for each of {sorted(self.learners)}, "
                f"got {sorted(self.data)}"
            )
