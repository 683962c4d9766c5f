"""Telling rounding from mistakes: bounds, noise, kinks, and what one step may do."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend, mapped, to_numpy
from compare.tensors import Tensors, disturbed, memory, not_finite, tensors
from compare.tolerance import rounding_tolerance
from compare.verdict import Verdict, classify

TINY = float(np.finfo(float).tiny)
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


class Diverged(ArithmeticError):
    """A loss or gradient is NaN or infinite; the message names step and tensor."""


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

    def of(self, names: list[str]) -> np.ndarray:
        """The largest |want| of these tensors so far."""
        return np.array([self.largest.get(name, TINY) for name in names])


class Judge:
    """What is known of the steps so far, and whether the next one is right.

    Args:
        backend: which arrays, where, and in which dtype.
        seed: of all that a step draws.
    """

    handmade: Any
    resynced: Any
    torch_ref: Any

    def __init__(self, backend: Backend, seed: int) -> None:
        self.backend = backend
        self.seed = seed
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
        raise NotImplementedError

    def _stepped(self, learner: Any, batch: Any, number: int | None = None) -> float:
        """Let a learner step; whoever does so in the same step drops the same units."""
        library = handmade if learner in (self.handmade, self.resynced) else torch_ref
        library.manual_seed(stream(self.seed, self.steps if number is None else number))
        return learner.step(*batch)

    def bound(self, batch_size: int) -> float:
        """Up to here a re-synced difference is rounding."""
        if batch_size not in self._bounds:
            shapes = [tuple(a.shape) for a in self.torch_ref.parameters().values()]
            length = max([batch_size, *(max(shape, default=1) for shape in shapes)])
            bound = rounding_tolerance(self.backend.eps, length, len(shapes))
            self._bounds[batch_size] = bound
        return self._bounds[batch_size]

    def _floor(self, name: str) -> float:
        """Up to here the rounding of the largest numbers there were may carry."""
        return FLOOR * self._eps * self.scales.largest[name]

    def _fade(self) -> None:
        """Trust a measured noise a little less after each step."""
        self.noise = {name: FADING * noise for name, noise in self.noise.items()}

    def _finite(self, ours: Tensors, theirs: Tensors) -> None:
        """Stop where a number is none, and say which; on one side only it is a bug."""
        odd = {"handmade": not_finite(ours), "torch_ref": not_finite(theirs)}
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
        for name, found in all_apart(got, want).items():
            worst = max(worst, self.scales.difference(name, found))
            gap, floor = found.gap, self._floor(name)
            self.noise[name] = FADING * self.noise.get(name, 0.0)
            if gap <= max(bound * found.size, floor, SAFETY * self.noise[name]):
                continue
            further = self._sensitivity(name, want, before, batch)
            moves = list(islice(further, TRIES))
            self.noise[name] = lasting(moves)
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
        return classify(
            to_numpy(got[name]),
            to_numpy(want[name]),
            tolerance=bound,
            eps=self.backend.eps,
            sizes={"N": n},
        )

    def _fail(self, name: str, verdict: Verdict) -> None:
        """Keep the first failure, with its step and tensor."""
        words = f"step {self.steps}, {name}: {verdict.words}"
        self.failure = self.failure or replace(verdict, words=words)

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
            moved = disturbed(state, rng, self.backend.eps)
            learner.load_state_dict(self.backend.state_for_torch(moved))
            x = disturbed(to_numpy(batch[0]), rng, self.backend.eps)
            target = disturbed(to_numpy(batch[1]), rng, self.backend.eps, whole=False)
            again = self.backend.torch(x), self.backend.torch(target)
            got = tensors(learner, self._stepped(learner, again)) | memory(learner)
            yield apart(got[name], want[name]).gap

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
            f" {_beside(self.worst_resynced, bound)}, taken {self.judged} times; free "
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


def _beside(worst: float, bound: float) -> str:
    """A difference that is rounding beside the bound, which it may exceed."""
    if worst <= bound:
        return f"within {bound:.1e}"
    return (
        f"above {bound:.1e}, but no further than rounding carries ({FLOOR} ULP of a "
        f"tensor's largest size, or as one ULP moves torch itself)"
    )


@lru_cache(maxsize=256)
def stream(seed: int, step: int) -> int:
    """The seed of what is drawn in a step, unrelated to that of the initial weights."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def lasting(moves: list[float]) -> float:
    """What of torch's moves is noise that the next steps will have, too.

    A kink that one ULP decides, as a step that is kept or not, is over with its step.
    """
    least, typical = min(moves), float(np.median(moves))
    return least if typical > JUMP * least else typical


def all_apart(got: Tensors, want: Tensors) -> dict[str, Apart]:
    """How far apart the tensors are that both sides have."""
    with np.errstate(all="ignore"):
        return {name: apart(got[name], want[name]) for name in want if name in got}


def apart(got: Any, want: Any) -> Apart:
    """How far apart two tensors are."""
    got, want = to_numpy(got), to_numpy(want)
    room = np.empty_like(want)  # large arrays: memory is what takes time
    size = float(np.abs(want, out=room).max(initial=0))
    if got.shape != want.shape or got.dtype != want.dtype:
        return Apart(float("inf"), size)
    np.abs(np.subtract(got, want, out=room), out=room)
    return Apart(float(room.max(initial=0)), size)
