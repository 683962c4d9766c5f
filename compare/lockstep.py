"""Both sides, step by step, from the same weights on the same batches."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

import handmade
import torch_ref
from compare.arrays import Backend, mapped, to_numpy
from compare.compiled import prepared
from compare.experiment import Data, MakeLearner
from compare.verdict import Verdict, judge, rounding_bound

Tensors = dict[str, Any]
"""NumPy arrays or tensors of torch, by name."""
TINY = float(np.finfo(float).tiny)
FIRST = 8
"""So many steps are re-synced at the beginning in any case, to see that it works."""
EVERY = 32
"""And then every so many, to go on seeing it."""
WATCH = 1 / 16
"""The share of what one step may differ by that both free paths may lie apart without
a re-synced step. What a step adds shows on the free clock, unless what was there before
undoes it: there was at most this share, and training does not multiply it by 15."""
TRIES = 8
"""How often torch is disturbed by one ULP to see how far rounding can carry."""
MOST_TRIES = 64
"""How often before a difference is called a mistake: at a near-tie of two losses, torch
itself may decide differently in one disturbance out of ten."""
FLOOR = 64
"""So many ULP of the largest size that a tensor has had are rounding in any case."""
SAFETY = 4
"""How many times as far as torch's own move a difference may be."""
FADING = 0.98
"""What is left after one step of a measured noise, until it is measured anew."""
JUMP = 1000
"""Where half of torch's own moves are so much larger than the least, it is a kink."""
SCHEDULED = ("lr", "momentum", "betas")
"""What a schedule sets in the optimiser's groups."""
COUNTED = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
"""What a schedule keeps count of."""


class Diverged(ArithmeticError):
    """A loss or gradient is NaN or infinite; the message names step and tensor."""


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


class Apart(NamedTuple):
    """How far two tensors are apart.

    Args:
        gap: max |got − want|; ∞ where shape or dtype differ, so that nothing
            broadcasts; NaN where a number is none.
        size: max |want|.
    """

    gap: float
    size: float


@dataclass
class Scales:
    """The largest size that each tensor has had: what differences are shown against.

    A gradient that has almost vanished keeps the absolute rounding error of the large
    numbers that cancelled in it; shown against itself it would look wrong.
    """

    largest: dict[str, float] = field(default_factory=dict)

    def difference(self, name: str, found: Apart) -> float:
        """The gap against the largest |want| so far; ∞ for another shape."""
        scale = self.seen(name, found.size)
        return found.gap / scale if found.gap else 0.0

    def seen(self, name: str, size: float) -> float:
        """The largest |want| so far, this one included."""
        self.largest[name] = max(size, self.largest.get(name, TINY))
        return self.largest[name]


class Lockstep:
    """The hand-written learner on two clocks, and torch's beside it.

    The *free* one keeps its own weights. The *re-synced* one takes over torch's whole
    state before a step, so that its errors cannot add up: it decides the verdict. It is
    asked in the first steps, then now and then, and in every step after which the free
    paths lie further apart than a share (`WATCH`) of what one step may differ by. Where
    they lie closer, a mistake of that step alone would have shown.

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
        self.backend = backend
        self.seed = seed
        self._make = make
        handmade.manual_seed(seed)
        self.handmade = prepared(make(handmade), backend)
        self.resynced = prepared(make(handmade), backend)
        self.torch_ref = self._torch_learner()
        self._start(dict(start or {}))
        self.scales = Scales()
        self.noise: dict[str, float] = {}
        self.failure: Verdict | None = None
        self.worst_resynced = 0.0
        self.worst_free = 0.0
        self.steps = 0
        self.judged = 0
        self.sensitive: set[int] = set()
        self.parted: int | None = None
        self._eps = backend.eps  # asked for in every step
        self._bounds: dict[int, float] = {}

    @cached_property
    def stand_in(self) -> Any:
        """Another torch learner, to ask what torch would do in some other state."""
        return self._torch_learner()

    def _torch_learner(self) -> Any:
        return self._make(torch_ref).to(self.backend.torch(np.zeros(1)))

    def _start(self, start: dict[str, Any]) -> None:
        """Give both sides the same weights: drawn once, copied, nothing shared."""
        state = _copied(self.handmade)
        weights = _weights(state)
        if unknown := start.keys() - weights.keys():
            raise ValueError(f"start names no parameter: {sorted(unknown)}")
        for name, value in start.items():
            weights[name] = np.broadcast_to(
                np.asarray(value, dtype=weights[name].dtype), weights[name].shape
            )
        self.handmade.load_state_dict(self.backend.state_for_handmade(state))
        theirs = _copied(self.torch_ref)
        _weights(theirs).update(weights)
        self.torch_ref.load_state_dict(self.backend.state_for_torch(theirs))

    def step(self, x: np.ndarray, target: np.ndarray) -> Step:
        """Let all learners take one step on the same batch.

        Raises:
            Diverged: a loss or a gradient is NaN or infinite.
        """
        hand_batch = self.backend.handmade(x), self.backend.handmade(target)
        torch_batch = self.backend.torch(x), self.backend.torch(target)
        before, own_before = _kept(self.torch_ref), _kept(self.handmade)
        rates = {"handmade": _rates(self.handmade), "torch_ref": _rates(self.torch_ref)}
        with np.errstate(all="ignore"):  # NaN and Inf are looked for below
            ours = self._stepped(self.handmade, hand_batch)
            theirs = self._stepped(self.torch_ref, torch_batch)
        got, want = _tensors(self.handmade, ours), _tensors(self.torch_ref, theirs)
        _remember(got, want, self.handmade, self.torch_ref)
        free = _all_apart(got, want)
        if not isfinite(sum(found.gap for found in free.values())):
            self._finite(got, want)
        differences = {n: self.scales.difference(n, a) for n, a in free.items()}
        worst = None
        if self._in_doubt(free, len(x)) or got.keys() != want.keys():
            worst = self._resync(before, hand_batch, torch_batch, want)
        else:
            self.noise = {name: FADING * noise for name, noise in self.noise.items()}
        gradients = _of("gradient ", differences)
        parameters = _of("parameter ", differences)
        step = Step(self.steps, ours, theirs, gradients, parameters, worst, rates)
        self._part(step, got, own_before, torch_batch)
        self.worst_free = max(self.worst_free, step.free)
        self.steps += 1
        return step

    def _stepped(self, learner: Any, batch: Any) -> float:
        """Let a learner step; whoever does so in the same step drops the same units."""
        library = handmade if learner in (self.handmade, self.resynced) else torch_ref
        library.manual_seed(stream(self.seed, self.steps))
        return learner.step(*batch)

    def _in_doubt(self, free: dict[str, Apart], batch_size: int) -> bool:
        """Whether the step has to be taken again from torch's state, to be judged."""
        if self.steps < FIRST or self.steps % EVERY == 0:
            return True
        bound = self.bound(batch_size)
        return any(
            not a.gap <= WATCH * max(bound * a.size, self._floor(name))
            for name, a in free.items()
        )

    def _floor(self, name: str) -> float:
        """Up to here the rounding of the largest numbers there were may carry."""
        return FLOOR * self._eps * self.scales.largest[name]

    def _resync(
        self, before: Any, batch: Any, torch_batch: Any, want: Tensors
    ) -> float:
        """Let the hand-written side take the step from torch's state, and judge it."""
        self.resynced.load_state_dict(self.backend.state_for_handmade(before))
        with np.errstate(all="ignore"):
            loss = self._stepped(self.resynced, batch)
        got = _tensors(self.resynced, loss)
        _remember(got, want, self.resynced, self.torch_ref)
        worst = self._agreement(got, want, before, torch_batch)
        self.worst_resynced = max(self.worst_resynced, worst)
        self.judged += 1
        return worst

    def _finite(self, ours: Tensors, theirs: Tensors) -> None:
        """Stop where a number is none, and say which; on one side only it is a bug."""
        odd = {"handmade": _not_finite(ours), "torch_ref": _not_finite(theirs)}
        found = [f"{words} of {side}" for side, words in odd.items() if words]
        if len(found) == 1:
            other = next(side for side, words in odd.items() if not words)
            words = f"step {self.steps}: {found[0]}, while {other} is finite"
            self.failure = self.failure or Verdict("bug", words, float("inf"))
        if found:
            raise Diverged(f"step {self.steps}: {' and '.join(found)}")

    def _agreement(self, got: Tensors, want: Tensors, before: Any, batch: Any) -> float:
        """The largest difference after one step from the same state.

        The first one that is no rounding becomes the verdict.
        """
        if got.keys() != want.keys():
            self._fail("tensors", Verdict("bug", f"{sorted(got)}, not {sorted(want)}"))
        bound, worst = self.bound(len(batch[0])), 0.0
        for name, found in _all_apart(got, want).items():
            worst = max(worst, self.scales.difference(name, found))
            gap, floor = found.gap, self._floor(name)
            self.noise[name] = FADING * self.noise.get(name, 0.0)
            if gap <= max(bound * found.size, floor, SAFETY * self.noise[name]):
                continue
            further = self._sensitivity(name, want, before, batch)
            moves = list(islice(further, TRIES))
            self.noise[name] = _lasting(moves)
            if self.failure is None and gap > max(floor, SAFETY * max(moves)):
                moves.append(next((m for m in further if gap <= SAFETY * m), 0.0))
            if gap > max(floor, SAFETY * max(moves)):
                self._fail(name, self._judged(name, got, want, bound, len(batch[0])))
            elif gap > SAFETY * self.noise[name]:
                self.sensitive.add(self.steps)
        return worst

    def _judged(
        self, name: str, got: Tensors, want: Tensors, bound: float, n: int
    ) -> Verdict:
        return judge(
            to_numpy(got[name]),
            to_numpy(want[name]),
            bound=bound,
            eps=self.backend.eps,
            sizes={"N": n},
        )

    def _fail(self, name: str, verdict: Verdict) -> None:
        """Keep the first failure, with its step and tensor."""
        words = f"step {self.steps}, {name}: {verdict.words}"
        self.failure = self.failure or replace(verdict, words=words)

    def _part(self, step: Step, got: Tensors, before: Any, batch: Any) -> None:
        """Once the free paths lie apart by more than rounding adds up to, ask why.

        Where rounding decides a kink, paths may part for good, and neither side is
        wrong: torch, put into the hand-written side's own state, takes the same step.
        """
        if self.parted is None and step.free <= self.bound(len(batch[0])) * (
            self.steps + 1
        ):
            return
        self.parted = step.number if self.parted is None else self.parted
        learner = self.stand_in
        learner.load_state_dict(self.backend.state_for_torch(before))
        want = _tensors(learner, self._stepped(learner, batch))
        _remember(got, want, self.handmade, learner)
        want = mapped(want, _own)  # it will step again
        self._agreement(got, want, before, batch)

    def _sensitivity(
        self, name: str, want: Tensors, before: Any, batch: Any
    ) -> Iterator[float]:
        """How far torch's own result moves when weights and data move by one ULP.

        A target that is a whole number is a label, and exact.

        Where large numbers cancel that is the noise of any computation; at a kink (a
        ReLU whose input is 0 but for rounding) some of the moves are far larger, and
        neither side is wrong.
        """
        rng = np.random.default_rng(self.steps)
        learner, state = self.stand_in, mapped(before, to_numpy)
        for _ in range(MOST_TRIES):
            disturbed = _disturbed(state, rng, self.backend.eps)
            learner.load_state_dict(self.backend.state_for_torch(disturbed))
            x = _disturbed(to_numpy(batch[0]), rng, self.backend.eps)
            target = _disturbed(to_numpy(batch[1]), rng, self.backend.eps, whole=False)
            again = self.backend.torch(x), self.backend.torch(target)
            got = _tensors(learner, self._stepped(learner, again)) | _memory(learner)
            yield _apart(got[name], want[name]).gap

    def bound(self, batch_size: int) -> float:
        """Up to here a re-synced difference is rounding."""
        if batch_size not in self._bounds:
            shapes = [tuple(a.shape) for a in self.torch_ref.parameters().values()]
            length = max([batch_size, *(max(shape, default=1) for shape in shapes)])
            bound = rounding_bound(self.backend.eps, length, len(shapes))
            self._bounds[batch_size] = bound
        return self._bounds[batch_size]

    def state(self) -> dict[str, Any]:
        """All that the steps to come and the verdict depend on."""
        return {
            "handmade": _copied(self.handmade),
            "torch_ref": _copied(self.torch_ref),
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
        ours = self.backend.state_for_handmade(state["handmade"])
        self.handmade.load_state_dict(ours)
        self.torch_ref.load_state_dict(self.backend.state_for_torch(state["torch_ref"]))
        self.scales = Scales(dict(state["largest"]))
        self.noise = dict(state["noise"])
        self.failure = Verdict(**state["failure"]) if state["failure"] else None
        self.worst_resynced, self.worst_free = state["worst"]
        self.steps, self.judged = state["steps"], state["judged"]
        self.sensitive = set(state["sensitive"])
        self.parted = state["parted"]

    def verdict(self, batch_size: int) -> Verdict:
        """What all steps so far came to."""
        if self.failure is not None:
            return self.failure
        bound, eps = self.bound(batch_size), self.backend.eps
        if self.steps == 0:
            return Verdict("equal", "no step was compared")
        if self.worst_resynced == self.worst_free == 0 and not self.sensitive:
            return Verdict("equal", f"equal bit for bit in all {self.steps} steps")
        words = (
            f"re-synced {self.worst_resynced:.1e} ({self.worst_resynced / eps:.0f} ULP)"
            f" within {bound:.1e}, taken {self.judged} times; free "
            f"{self.worst_free:.1e} after {self.steps} steps"
        )
        if self.sensitive:
            others = " and others" if len(self.sensitive) > 1 else ""
            words += (
                f"; at step {min(self.sensitive)}{others} a kink, "
                f"where one ULP moves torch itself as far"
            )
        if self.parted is not None:
            words += (
                f"; from step {self.parted} the free paths part, where rounding decides"
                f" a kink, and every step still agrees with torch's from the same state"
            )
        return Verdict(
            "rounding", words, self.worst_resynced, self.worst_resynced / eps
        )


class Batches:
    """Batches without end: each epoch in a new order, without repetition.

    What is left of an epoch when it holds no whole batch any more is left out.

    Args:
        data: what to draw from.
        batch_size: examples in a batch; None gives all of them, in order.
        rng: draws the orders.

    Raises:
        ValueError: `batch_size` is larger than the data.
    """

    def __init__(
        self, data: Data, batch_size: int | None, rng: np.random.Generator
    ) -> None:
        if batch_size is not None and batch_size > len(data.x):
            raise ValueError(
                f"batch_size {batch_size} is larger than the data, {len(data.x)}"
            )
        self.data, self.rng = data, rng
        self.size = batch_size or len(data.x)
        self.in_order = batch_size is None
        self.order = np.arange(0)

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        """The next batch: inputs and targets."""
        if self.in_order:
            return self.data.x, self.data.target
        if len(self.order) < self.size:
            self.order = self.rng.permutation(len(self.data.x))
        chosen, self.order = self.order[: self.size], self.order[self.size :]
        return self.data.x[chosen], self.data.target[chosen]

    def state(self) -> dict[str, Any]:
        """What is left of the epoch."""
        return {"order": self.order}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.order = state["order"]


@lru_cache(maxsize=1)
def stream(seed: int, step: int) -> int:
    """The seed of what is drawn in a step, unrelated to that of the initial weights."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def _lasting(moves: list[float]) -> float:
    """What of torch's moves is noise that the next steps will have, too.

    A kink that one ULP decides, as a step that is kept or not, is over with its step.
    """
    least, typical = min(moves), float(np.median(moves))
    return least if typical > JUMP * least else typical


def _weights(state: dict[str, Any]) -> dict[str, Any]:
    """The part of a learner's state that holds its weights."""
    return state.get("model", state)


def _tensors(learner: Any, loss: float) -> Tensors:
    """Loss, gradients and parameters of a learner, named, and what its schedule set."""
    return {
        "loss": np.asarray(loss),
        **_schedule(learner),
        **{f"gradient {name}": a for name, a in learner.gradients().items()},
        **{f"parameter {name}": a for name, a in learner.parameters().items()},
    }


def _remember(got: Tensors, want: Tensors, ours: Any, theirs: Any) -> None:
    """Put what both learners go by in their next step beside the other tensors."""
    mine, other = _memory(ours), _memory(theirs)
    for tensors, memory, beside in ((got, mine, other), (want, other, mine)):
        for name in tensors.keys() & (mine.keys() | other.keys()):
            del tensors[name]
        tensors |= {name: memory[name] for name in memory if name in beside}


def _memory(learner: Any) -> Tensors:
    """What optimisers remember of each parameter, and the counts of the model.

    A step from torch's state shows a mistake in them only where it leaves them wrong.
    What is rounded otherwise by design, as NAdam's product, is left to the free clock.
    """
    state = learner.state_dict()
    counts = {
        f"count {name}": np.asarray(to_numpy(a), float)
        for name, a in _weights(state).items()
        if hasattr(a, "dtype") and to_numpy(a).dtype.kind in "iu"
    }
    optimizers = state.get("optimizers", [state.get("optimizer", {})])
    return counts | {
        f"{name} of parameter {number} in optimizer {i}": found
        for i, optimizer in enumerate(optimizers)
        for number, values in optimizer.get("state", {}).items()
        for name, value in values.items()
        if (found := _remembered(name, value)) is not None
    }


def _remembered(name: str, value: Any) -> Any:
    """An array as it is, a count of steps as float64; None for all else."""
    if name == "step":
        return np.asarray(to_numpy(value), float)
    return value if getattr(value, "ndim", 0) else None


def _all_apart(got: Tensors, want: Tensors) -> dict[str, Apart]:
    """How far apart the tensors are that both sides have."""
    with np.errstate(all="ignore"):
        return {name: _apart(got[name], want[name]) for name in want if name in got}


def _apart(got: Any, want: Any) -> Apart:
    got, want = to_numpy(got), to_numpy(want)
    room = np.empty_like(want)  # large arrays: memory is what takes time
    size = float(np.abs(want, out=room).max(initial=0))
    if got.shape != want.shape or got.dtype != want.dtype:
        return Apart(float("inf"), size)
    np.abs(np.subtract(got, want, out=room), out=room)
    return Apart(float(room.max(initial=0)), size)


def _of(kind: str, differences: dict[str, float]) -> dict[str, float]:
    """The differences of one kind of tensors, by the names that the learner has."""
    return {
        name.removeprefix(kind): value
        for name, value in differences.items()
        if name.startswith(kind)
    }


def _schedule(learner: Any) -> dict[str, np.ndarray]:
    """What a learner's schedule has set and counted for the next step, named.

    The re-synced clock takes over torch's schedule, so that errors of the hand-written
    one would otherwise never show.
    """
    if (scheduler := getattr(learner, "scheduler", None)) is None:
        return {}
    groups = learner.optimizer.param_groups
    found = {
        f"{name} of group {i}": group[name]
        for i, group in enumerate(groups)
        for name in SCHEDULED
        if name in group
    }
    state = scheduler.state_dict()
    found |= {f"schedule's {name}": state[name] for name in COUNTED if name in state}
    return {name: np.asarray(value, float) for name, value in found.items()}


def _rates(learner: Any) -> list[float]:
    """The learning rate of each group, where a schedule changes them."""
    scheduler = getattr(learner, "scheduler", None)
    return [] if scheduler is None else list(scheduler.get_last_lr())


def _not_finite(tensors: Tensors) -> str:
    """The first number that is none, in words, or ""."""
    for name, values in mapped(tensors, to_numpy).items():
        finite = np.isfinite(values)
        if not finite.all():
            odd = np.argwhere(~finite)
            index = [int(i) for i in odd[0]]
            return f"{name}{f' at {index}' if index else ''} is {values[tuple(index)]}"
    return ""


def _copied(learner: Any) -> Any:
    """The learner's state, in NumPy arrays that no step will change."""
    return mapped(learner.state_dict(), lambda a: to_numpy(a).copy())


def _kept(learner: Any) -> Any:
    """The learner's state, in arrays of its own kind that no step will change."""
    return mapped(learner.state_dict(), _own)


def _own(array: Any) -> Any:
    return array.clone() if isinstance(array, Tensor) else array.copy()


def _disturbed(
    tree: Any, rng: np.random.Generator, eps: float, *, whole: bool = True
) -> Any:
    """Every floating number moved by −1, 0 or 1 ULP; whole ones only if asked for."""

    def move(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a
        moved = (a * (1 + eps * rng.integers(-1, 2, a.shape))).astype(a.dtype)
        return moved if whole else np.where(a == np.round(a), a, moved)

    return mapped(tree, move)
