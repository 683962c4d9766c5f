"""One learner, trained once on both sides, and all that is kept of it."""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import torch_ref
from compare.backend import Backend
from compare.dataloader import Batches
from compare.experiment import Data, Experiment
from compare.lockstep import Lockstep, Step
from compare.results import Path, Trial
from compare.verdict import Verdict
from handmade import metrics as handmade_metrics

METRIC_POINTS = 20
"""How often metrics are taken in a run."""
PATH_SIZE = 64
"""Learners with at most so many numbers keep the path that they went."""
PATH_NUMBERS = 500_000
"""A path of more numbers than this in all is kept at every second step, or third, …"""
LIBRARIES = {"handmade": handmade_metrics, "torch_ref": torch_ref.metrics}
Progress = Callable[[Iterator[Step], str, int], Iterator[Step]]


class Pair:
    """Both sides of one trial.

    Args:
        experiment: the lesson.
        name: of the learner.
        seed: of weights, data and batches.
        backend: arrays, device and dtype.
        steps: how many to take in all.
        alone: whether no other process walks beside, which would have to change sides
            after the same steps; how long that is best depends on the time they take.
    """

    def __init__(
        self,
        experiment: Experiment,
        name: str,
        seed: int,
        backend: Backend,
        steps: int,
        alone: bool = True,
    ) -> None:
        self.experiment, self.name, self.seed, self.steps = (
            experiment,
            name,
            seed,
            steps,
        )
        self.alone, self.settled = alone, True
        # Not the stream that the initial weights are drawn from.
        self.rng = np.random.default_rng([seed, 1])
        data = experiment.data_of(name)(self.rng)
        make = experiment.learners[name]
        self.lockstep = Lockstep(make, backend, seed, experiment.start)
        self.batches = Batches(data, experiment.batch_size, self.rng)
        sides = (
            ("handmade", self.lockstep.handmade, backend.handmade),
            ("torch_ref", self.lockstep.torch_ref, backend.torch),
        )
        self.trials = {
            library: Trial(name, seed, data, learner, give)
            for library, learner, give in sides
        }
        for trial in self.trials.values():
            trial.path = _path(trial.parameters, steps)
            if trial.path.every:
                trial.path.append(trial.parameters)

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return len(self.trials["handmade"].losses)

    @property
    def verdict(self) -> Verdict:
        """What all steps so far came to."""
        return self.lockstep.verdict(self.batches.size)

    def walk(self) -> Iterator[Step]:
        """Take the steps that are left.

        Raises:
            Diverged: a number is none.
        """
        while self.done < self.steps:
            count = self._count()
            steps = self.lockstep.stretch(*self.batches.take(count))
            for place, step in enumerate(steps):
                self.settled = place + 1 == count
                self._note(step, place)
                yield step

    def _count(self) -> int:
        """How many steps come before something has to be asked of the learners."""
        if not self.alone:
            return 1
        longest = self.lockstep.longest(self.batches.numbers)
        end = min(self.steps, self.done + longest)
        measured = (n + 1 for n in range(self.done, end) if self._is_measured(n))
        return next(measured, end) - self.done

    def _note(self, step: Step, place: int) -> None:
        """Keep the losses of a step, and where it led to."""
        for library, loss in (
            ("handmade", step.handmade),
            ("torch_ref", step.torch_ref),
        ):
            trial = self.trials[library]
            trial.losses.append(loss)
            if trial.path.every and self.done % trial.path.every == 0:
                trial.path.append(self.lockstep.notes[library].parameters(place))

    def _is_measured(self, step: int) -> bool:
        """Whether it is time for the metrics after a step."""
        every = max(1, self.steps // METRIC_POINTS)
        due = step % every == 0 or step == self.steps - 1
        return bool(self.experiment.metrics) and due

    def measure(self, step: int) -> dict[str, dict[str, float]]:
        """Every metric on both sides, where it is time for them: by library."""
        if not self._is_measured(step):
            return {}
        for library, trial in self.trials.items():
            for name, metric in self.experiment.metrics.items():
                for part, x, target in _parts(trial.data):
                    output = trial.learner.predict(trial.give(x))
                    value = metric(LIBRARIES[library], output, trial.give(target))
                    trial.note(f"{name}/{part}", step, value)
        return {library: trial.metrics for library, trial in self.trials.items()}

    def state(self) -> dict[str, Any]:
        """All that the steps to come and the claims depend on."""
        return {
            "name": self.name,
            "seed": self.seed,
            "lockstep": self.lockstep.state(),
            "batches": self.batches.state(),
            "rng": self.rng.bit_generator.state,
            "trials": {
                library: {
                    "losses": np.array(trial.losses),
                    "path": trial.path.arrays(),
                    "history": trial.history,
                }
                for library, trial in self.trials.items()
            },
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.lockstep.load_state(state["lockstep"])
        self.batches.load_state(state["batches"])
        self.rng.bit_generator.state = state["rng"]
        for library, saved in state["trials"].items():
            trial = self.trials[library]
            trial.losses = array("d", saved["losses"])
            trial.history = {
                name: [(step, value) for step, value in points]
                for name, points in saved["history"].items()
            }
            trial.path = _path(trial.parameters, self.steps)
            trial.path.extend(saved["path"])


def _path(parameters: dict[str, np.ndarray], steps: int) -> Path:
    """Room for the path of a small learner, and none for that of a large one."""
    size = sum(p.size for p in parameters.values())
    if not 0 < size <= PATH_SIZE:
        return Path({}, every=0)
    every = -(-size * (steps + 1) // PATH_NUMBERS)
    return Path(parameters, steps // every + 1, every)


def _parts(data: Data) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "train", data.x, data.target
    if data.x_test is not None:
        yield "test", *data.test_set
