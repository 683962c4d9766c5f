"""A lesson: data, learners for both libraries from one definition, checks, figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, partialmethod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from compare.data import Data
from compare.results import Side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DrawData = Callable[[np.random.Generator], Data]
"""Draws the examples with the run's random generator."""
MakeLearner = Callable[[Any], Any]
"""Makes a learner (`handmade.training.Learner`) from a library."""
Metric = Callable[[Any, Any, Any], float]
"""Takes the library's `metrics`, an output and its target; returns a number."""
Claim = Callable[[Side], tuple[bool, str]]
"""Takes one trained side; returns whether the check holds, and the numbers."""
Draw = Callable[[Side], "Figure"]
"""Draws a figure of one trained side."""
Write = Callable[[Side, Side], str]
"""Returns the text of a file, from both trained sides."""


NO_DATA = Data(x=np.zeros((1, 1)), target=np.zeros((1, 1)))
"""For learners that need none, such as a point that descends a function."""


def backprop(
    *,
    model: Callable[[Any], Any],
    loss: Callable[[Any], Any],
    optimizer: Callable[[Any, Any], Any],
    scheduler: Callable[[Any, Any], Any] | None = None,
    clip: Callable[[Any, Any], Any] | None = None,
) -> MakeLearner:
    """A learner trained by backpropagation, defined once for both libraries.

    Args:
        model: takes the library's `nn`, returns a module.
        loss: takes the library's `nn`, returns a loss.
        optimizer: takes the library's `optim` and parameters, returns an optimizer.
        scheduler: takes the library's `optim` and the optimizer, returns a schedule of
            `lr_scheduler`, stepped after every batch.
        clip: takes the library's `nn` and parameters and changes their gradients, as
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


def with_lr(make: MakeLearner, lr: float) -> MakeLearner:
    """The same learner with another learning rate in all groups of its optimizer.

    Raises:
        ValueError: when it is made: it has no optimizer, or a schedule sets its rate.
    """

    def changed(library: Any) -> Any:
        learner = make(library)
        optimizer = getattr(learner, "optimizer", None)
        if optimizer is None or getattr(learner, "scheduler", None) is not None:
            why = "has no optimizer" if optimizer is None else "follows a schedule"
            raise ValueError(f"lr cannot be set: {type(learner).__name__} {why}")
        for group in optimizer.param_groups:
            group["lr"] = lr
        return learner

    return changed


def with_micro_batches(make: MakeLearner, count: int) -> MakeLearner:
    """The same learner, which takes each batch in so many micro-batches.

    Raises:
        ValueError: when it is made: it is no learner of `backprop`, or its loss is not
            a mean that counts every example alike.
    """

    def changed(library: Any) -> Any:
        base = library.accumulation.AccumulatingLearner

        class AccumulatingLearner(base):
            __init__ = partialmethod(base.__init__, micro_batches=count)

        learner = make(with_gradient_learner(library, AccumulatingLearner))
        if getattr(learner, "micro_batches", None) != count:
            raise ValueError(
                f"accumulate cannot be set: {type(learner).__name__} takes its steps "
                f"in another way than the learners of `backprop`"
            )
        return learner

    return changed


def with_gradient_learner(library: Any, learner: Callable[..., Any]) -> Any:
    """The library with another class in the place of `training.GradientLearner`."""
    training = SimpleNamespace(**{**vars(library.training), "GradientLearner": learner})
    names = ("__all__", *library.__all__)
    parts = {name: getattr(library, name) for name in names}
    return SimpleNamespace(**{**parts, "training": training})


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A lesson.

    Args:
        title: in a few words.
        course: ids of the course's parts, such as ("D6",).
        teaches: the names of `handmade` that are new in it; its page opens them.
        heading: German heading of the slide.
        learners: what is trained, by name.
        steps: of each learner.
        claims: checks by their text; they must hold at the end, on both sides.
        data: draws the examples; by name of the learner where each has its own.
        batch_size: examples in a step; None takes all of them, in order.
        seeds: how often everything is repeated, each time from another seed.
        start: initial values of parameters by name; all others are random.
        metrics: by name.
        figures: by name, drawn from the hand-written side.
        files: further files of the run, by name.
        story: what to notice, in a few sentences.
        other_data: the same lesson on other data, by their name.
        with_hidden: takes the units of each hidden layer and returns the learners with
            these; None where there are no such layers.
        longest: the most steps that its schedule is planned for; None for any number.
        expect_no_learning: learners whose point is that they learn nothing; for all
            others a run in which nothing was learned fails.
    """

    title: str
    course: tuple[str, ...]
    teaches: tuple[str, ...] = ()
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
    files: Mapping[str, Write] = field(default_factory=dict)
    story: str = ""
    other_data: Mapping[str, Callable[[], "Experiment"]] = field(default_factory=dict)
    with_hidden: Callable[[Sequence[int]], Mapping[str, MakeLearner]] | None = None
    longest: int | None = None
    expect_no_learning: Sequence[str] = ()

    def data_of(self, learner: str) -> DrawData:
        """Draws the examples of one learner."""
        return self.data[learner] if isinstance(self.data, Mapping) else self.data

    def on(self, data: str) -> "Experiment":
        """The same lesson on the data of this name; "" means its own.

        Raises:
            ValueError: it has no such data.
        """
        if data and data not in self.other_data:
            known = ", ".join(self.other_data) or "none"
            raise ValueError(
                f"the lesson {self.title!r} has no data {data!r} but its own; "
                f"others it can be run on: {known}"
            )
        return self.other_data[data]() if data else self

    def wide(self, hidden: Sequence[int]) -> "Experiment":
        """The same lesson with other hidden layers, of so many units each.

        Raises:
            ValueError: it has none.
        """
        if self.with_hidden is None:
            raise ValueError(
                f"the lesson {self.title!r} has no hidden layers that can be changed; "
                f"leave out hidden, or take a lesson such as xor_mlp or digits_mlp"
            )
        title = f"{self.title}, but hidden {'-'.join(map(str, hidden))}"
        return replace(self, title=title, learners=self.with_hidden(hidden))

    def __post_init__(self) -> None:
        for name in ("steps", "seeds", "batch_size"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"Experiment: {name} must be at least 1, got {value}")
        if self.longest is not None and self.longest < self.steps:
            raise ValueError(
                f"Experiment: longest must be at least steps, "
                f"got {self.longest} and {self.steps}"
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
