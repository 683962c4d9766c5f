"""Both sides, step by step, from the same weights on the same batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend, mapped
from compare.compile.learner import prepared
from compare.experiment import MakeLearner
from compare.free import Against, Run, both, runs
from compare.judging import Diverged, Judge, Scales, stream
from compare.notes import LONGEST, Notes, room
from compare.tensors import Found, copied, kept, memory, own, tensors, weights
from compare.verdict import Verdict

FIRST = 8
"""So many steps are re-synced at the beginning in any case, to see that it works."""
EVERY = 32
"""And then every so many, to go on seeing it."""
SECONDS = 0.1
"""How long a stretch may take, so that whoever watches sees it go on."""


@dataclass(frozen=True)
class Step:
    """What one step showed; differences are relative, by tensor name.

    Args:
        number: which step, from 0.
        handmade: the loss of the hand-written side, on its own weights.
        torch_ref: the loss of the PyTorch side.
        gradients: differences of the gradients, each side on its own weights (free).
        parameters: differences of the parameters after the step (free).
        resynced: the largest difference of all tensors when the hand-written side
            starts the step from torch's weights; None where that was not needed.
        rates: by library, the learning rate of each group in this step; empty where no
            schedule changes them.
    """

    number: int
    handmade: float
    torch_ref: float
    gradients: dict[str, float]
    parameters: dict[str, float]
    resynced: float | None
    rates: dict[str, list[float]] = field(default_factory=dict)

    @property
    def free(self) -> float:
        """The largest difference of all tensors on the free clock."""
        return max([0.0, *self.gradients.values(), *self.parameters.values()])


class Lockstep(Judge):
    """The hand-written learner on two clocks, and torch's beside it.

    The *free* one keeps its own weights. The *re-synced* one takes over torch's whole
    state before a step, so that its errors cannot add up: it decides the verdict. It is
    asked in the first steps, then now and then, and in every step after which the free
    paths lie further apart than a share (`WATCH`) of what one step may differ by. Where
    they lie closer, a mistake of that step alone would have shown.

    On the free clock neither side needs the other. So each walks a *stretch* of steps
    by itself, which spares the processor the change from one library to the other, and
    notes down what every step has left; then the steps are judged, one by one. What has
    to be asked of an earlier state than the last is asked by walking there again.

    Args:
        make: makes a learner from a library.
        backend: which arrays, where, and in which dtype.
        seed: of the initial weights.
        start: parameters that do not start at random, by name.
    """

    def __init__(
        self,
        make: MakeLearner,
        backend: Backend,
        seed: int,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, seed)
        self._make = make
        handmade.manual_seed(seed)
        self.handmade = prepared(make(handmade), backend)
        self.resynced = prepared(make(handmade), backend)
        self.torch_ref = self._torch_learner()
        self._start(dict(start or {}))
        self.notes = {
            "handmade": Notes(self.handmade),
            "torch_ref": Notes(self.torch_ref),
        }
        self._calm = 1
        self._pace = 0.0

    def _torch_learner(self) -> Any:
        return self._make(torch_ref).to(self.backend.torch(np.zeros(1)))

    def _start(self, start: dict[str, Any]) -> None:
        """Give both sides the same weights: drawn once, copied, nothing shared."""
        state = copied(self.handmade)
        drawn = weights(state)
        if unknown := start.keys() - drawn.keys():
            raise ValueError(f"start names no parameter: {sorted(unknown)}")
        for name, value in start.items():
            drawn[name] = np.broadcast_to(
                np.asarray(value, dtype=drawn[name].dtype), drawn[name].shape
            )
        self._put("handmade", self.handmade, state)
        theirs = copied(self.torch_ref)
        weights(theirs).update(drawn)
        self._put("torch_ref", self.torch_ref, theirs)

    def longest(self, numbers: int) -> int:
        """How many steps the next stretch should have, in batches of so many numbers.

        After a step that had to be re-synced unforeseen, the stretches are short for a
        while; once the paths have parted, all of them are.
        """
        if not self._pace or self.parted is not None:
            return 1
        numbers += sum(notes.numbers for notes in self.notes.values())
        return max(1, min(self._calm, room(numbers), int(SECONDS / self._pace)))

    def step(self, x: np.ndarray, target: np.ndarray) -> Step:
        """Let both sides take one step on the same batch.

        Raises:
            Diverged: a loss or a gradient is NaN or infinite.
        """
        (step,) = self.stretch(np.asarray(x)[None], np.asarray(target)[None])
        return step

    def stretch(self, x: np.ndarray, target: np.ndarray) -> Iterator[Step]:
        """Let both sides take a step on each of these batches; what each step showed.

        All are taken before the first is shown. If a number of one is none, both sides
        are as that step has left them.

        Args:
            x: the inputs of all batches (batches, …).
            target: their targets (batches, …).

        Raises:
            Diverged: a loss or a gradient is NaN or infinite.
        """
        self._batches = {
            "handmade": _dealt(self.backend.handmade, x, target),
            "torch_ref": _dealt(self.backend.torch, x, target),
        }
        self._begun = self.steps
        self._states: dict[str, dict[int, Any]] = {side: {} for side in self.notes}
        self._size, began = len(x[0]), perf_counter()
        stopped = self._walked()
        self._pace = (perf_counter() - began) / len(x)
        self._calm = min(2 * self._calm, LONGEST)
        for run in runs(*self.notes.values()):
            yield from self._shown(run)
        if stopped is not None:
            raise stopped

    def _walked(self) -> Exception | None:
        """Let both sides take their steps; what has stopped them, if anything has."""
        count, stopped = len(self._batches["handmade"]), None
        for place in range(count):  # looked up later: one by one, it takes longer
            stream(self.seed, self._begun + place)
        for side, notes in self.notes.items():
            notes.begin(count)
            try:
                with np.errstate(all="ignore"):  # NaN and Inf are looked for later
                    for place in range(count):
                        notes.expect()
                        if self._is_kept(place):
                            self._states[side][place] = kept(notes.learner)
                        notes.take(self._at(side, notes.learner, place))
            except Exception as error:
                stopped, count = error, len(notes.losses)
        return stopped

    def _at(self, side: str, learner: Any, place: int) -> float:
        """Let a learner take the step at a place of the stretch."""
        batch = self._batches[side][place]
        return self._stepped(learner, batch, self._begun + place)

    def _shown(self, run: Run) -> Iterator[Step]:
        """Judge the steps of a run; scales that an odd one widens hold for the next."""
        first = 0
        while first < len(run):
            left = run.after(first)
            against = Against(left, self.scales, self.bound(self._size), self._eps)
            for i in range(len(left)):
                odd = self._is_odd(left, against, i)
                if odd or i + 1 == len(left):
                    against.widen(i)
                first += 1
                yield self._judged_step(left, against, i)
                if odd:
                    break

    def _is_odd(self, run: Run, against: Against, i: int) -> bool:
        """Whether more than the two free paths has to be looked at."""
        if not against.finite[i]:
            self._require_finite(run.first + i)
        return self._in_doubt(run, against, i) or self._is_far(against, i)

    def _is_planned(self, step: int) -> bool:
        """Whether a step is re-synced in any case."""
        return step < FIRST or step % EVERY == 0

    def _is_kept(self, place: int) -> bool:
        """Whether the states before a step of the stretch are kept on the first way."""
        return place == 0 or self._is_planned(self._begun + place)

    def _in_doubt(self, run: Run, against: Against, i: int) -> bool:
        """Whether the step has to be taken again from torch's state, to be judged."""
        return self._is_planned(self.steps) or not (run.alike and against.near[i])

    def _is_far(self, against: Against, i: int) -> bool:
        """Whether the free paths lie apart by more than rounding adds up to."""
        most = self.bound(self._size) * (self.steps + 1)
        return self.parted is not None or not against.free[i] <= most

    def _judged_step(self, run: Run, against: Against, i: int) -> Step:
        place, worst = run.first + i, None
        if self._in_doubt(run, against, i):
            self._calm = self._calm if self._is_planned(self.steps) else 1
            worst = self._resync(place)
        else:
            self._fade()
        ours, theirs = self.notes.values()
        step = Step(
            self.steps,
            ours.losses[place],
            theirs.losses[place],
            *against.differences(i),
            worst,
            {side: notes.rates[place] for side, notes in self.notes.items()},
        )
        if self._is_far(against, i):
            self._part(place)
        self.worst_free = max(self.worst_free, against.free[i])
        self.steps += 1
        return step

    def _require_finite(self, place: int) -> None:
        """Stop where a number is none, as if no later step had been taken."""
        try:
            self._finite(*both(*(n.left(place) for n in self.notes.values())))
        except Diverged:
            for side, notes in self.notes.items():
                if place + 1 < len(notes.rates):  # begun, if not ended, a later one
                    self._put(side, notes.learner, self._before(side, place))
                    self._after(side, notes.learner, place)
            raise

    def _resync(self, place: int) -> float:
        """Let the hand-written side take the step from torch's state, and judge it."""
        before = self._before("torch_ref", place)
        want = self._left("torch_ref", place)
        self._put("handmade", self.resynced, before)
        got = self._after("handmade", self.resynced, place)
        batch = self._batches["torch_ref"][place]
        worst = self._agreement(*both(got, want), before, batch)
        self.worst_resynced = max(self.worst_resynced, worst)
        self.judged += 1
        return worst

    def _part(self, place: int) -> None:
        """Ask why the free paths lie apart.

        Where rounding decides a kink, paths may part for good, and neither side is
        wrong: torch, put into the hand-written side's own state, takes the same step.
        """
        self.parted = self.steps if self.parted is None else self.parted
        before = self._before("handmade", place)
        got = self._left("handmade", place)
        self._put("torch_ref", self.stand_in, before)
        want = self._after("torch_ref", self.stand_in, place)
        got, want = both(got, mapped(want, own))  # it will step again
        self._agreement(got, want, before, self._batches["torch_ref"][place])

    def _before(self, side: str, place: int) -> Any:
        """The state of a side before a step of the stretch, walked to once more."""
        states = self._states[side]
        if place not in states:
            near, spare = max(at for at in states if at < place), self._spare(side)
            self._put(side, spare, states[near])
            for passed in range(near, place):
                self._after(side, spare, passed)
            states[place] = kept(spare)
        return states[place]

    def _left(self, side: str, place: int) -> Found:
        """What a side had after a step of the stretch, and what it remembered.

        A device that sums in no fixed order comes to another state on its second way
        there; then what it takes as the next step from there is the answer.
        """
        if self._is_kept(place):
            return self.notes[side].left(place)
        spare = self._spare(side)
        self._put(side, spare, self._before(side, place))
        return mapped(self._after(side, spare, place), own)

    def _after(self, side: str, learner: Any, place: int) -> Found:
        """What a learner has after a step of the stretch, and what it remembers."""
        with np.errstate(all="ignore"):
            loss = self._at(side, learner, place)
        return tensors(learner, loss), memory(learner)

    def _spare(self, side: str) -> Any:
        return self.resynced if side == "handmade" else self.stand_in

    def _put(self, side: str, learner: Any, state: Any) -> None:
        """Let a learner of a side take over a state of either."""
        give = {
            "handmade": self.backend.state_for_handmade,
            "torch_ref": self.backend.state_for_torch,
        }
        learner.load_state_dict(give[side](state))

    def state(self) -> dict[str, Any]:
        """All that the steps to come and the verdict depend on."""
        return {
            "handmade": copied(self.handmade),
            "torch_ref": copied(self.torch_ref),
            "largest": dict(self.scales.largest),
            "noise": dict(self.noise),
            "failure": asdict(self.failure) if self.failure else None,
            "worst": [self.worst_resynced, self.worst_free],
            "steps": self.steps,
            "judged": self.judged,
            "sensitive": sorted(self.sensitive),
            "parted": self.parted,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self._put("handmade", self.handmade, state["handmade"])
        self._put("torch_ref", self.torch_ref, state["torch_ref"])
        self.scales = Scales(dict(state["largest"]))
        self.noise = dict(state["noise"])
        self.failure = Verdict(**state["failure"]) if state["failure"] else None
        self.worst_resynced, self.worst_free = state["worst"]
        self.steps, self.judged = state["steps"], state["judged"]
        self.sensitive = set(state["sensitive"])
        self.parted = state["parted"]


def _dealt(give: Callable[[Any], Any], x: Any, target: Any) -> list[tuple[Any, Any]]:
    """The batches as arrays of one side, all of them brought over at once."""
    return list(zip(give(x), give(target), strict=True))
