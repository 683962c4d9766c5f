"""One learner of a lesson, trained from one seed by both implementations."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare import checkpoint
from compare.data import DataLoader
from compare.experiment import Experiment
from compare.lockstep import Lockstep, Step
from compare.results import ParameterHistory, Trial
from compare.run_config import RunConfig
from compare.watch import Watch

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
METRIC_POINTS = 20
"""How often metrics are taken in a run."""


class TrialRun:
    """One learner, trained from one seed on both sides, with a label of its own."""

    def __init__(
        self,
        experiment: Experiment,
        name: str,
        seed: int,
        config: RunConfig,
        steps: int,
        label: str = "train",
    ) -> None:
        self.experiment, self.name, self.seed = experiment, name, seed
        self.steps, self.label, self.watching = steps, label, config.watch
        self.watches: dict[str, Watch] = {}
        rng = np.random.default_rng([seed, 1])  # initial weights have another stream
        self.data = data = experiment.data_of(name)(rng)
        make, start = experiment.learners[name], experiment.start
        self.lockstep = Lockstep(make, config.backend, seed, start, config.check_every)
        self.loader = DataLoader(data, experiment.batch_size, rng)
        self.sides = {
            library: Trial(name, seed, data, side.learner, side.give)
            for library, side in self.lockstep.sides.items()
        }
        for trial in self.sides.values():
            trial.path = ParameterHistory(trial.parameters, steps)

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return self.lockstep.steps

    def train(self) -> Iterator[Step]:
        """Take the remaining steps, one after the other.

        Raises:
            NonFinite: a loss or gradient is NaN or infinite.
        """
        if self.watching:
            self.watches = {
                library: Watch(side.learner, side.library.nn.ReLU)
                for library, side in self.lockstep.sides.items()
            }
        for batch in islice(self.loader, self.steps - self.done):
            step = self.lockstep.step(*batch)
            for library, trial in self.sides.items():
                trial.record(step.number, step.losses[library])
            yield step

    def measure(self, step: int) -> dict[str, dict[str, float]]:
        """Every metric by implementation, if it is time for them, else nothing."""
        every = max(1, self.steps // METRIC_POINTS)
        due = step % every == 0 or step == self.steps - 1
        if not (due and self.experiment.metrics):
            return {}
        for library, trial in self.sides.items():
            for name, metric in self.experiment.metrics.items():
                for part, x, target in trial.data.parts():
                    output = trial.learner.predict(trial.give(x))
                    metrics = LIBRARIES[library].metrics
                    value = metric(metrics, output, trial.give(target))
                    trial.note(f"{name}/{part}", step, value)
        return {library: trial.metrics for library, trial in self.sides.items()}

    @cached_property
    def examples(self) -> str:
        """How many examples there are, and a hash of all of them."""
        parts = {part: arrays for part, *arrays in self.data.parts()}
        counts = " and ".join(f"{len(x)} {part}" for part, (x, _) in parts.items())
        named = {f"{p} {i}": a for p in parts for i, a in enumerate(parts[p])}
        return f"{counts} examples (SHA-256 {checkpoint.hash_of(named).hex()[:8]}…)"

    def state(self) -> dict[str, Any]:
        """Everything that later steps and the checks depend on."""
        return {
            "examples": self.examples,
            "lockstep": self.lockstep.state(),
            "loader": self.loader.state(),
            "sides": {library: trial.state() for library, trial in self.sides.items()},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken.

        Raises:
            BadCheckpoint: that was with other examples.
        """
        if (then := state["examples"]) != self.examples:
            raise checkpoint.BadCheckpoint(
                f"the run was started with {then}, got {self.examples}; make the same "
                f"data available, or start the run again"
            )
        self.lockstep.load_state(state["lockstep"])
        self.loader.load_state(state["loader"])
        for library, saved in state["sides"].items():
            self.sides[library].load_state(saved)
