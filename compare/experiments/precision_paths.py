"""Where training leaves its path when the weights have fewer digits."""

import numpy as np

from compare.experiment import Experiment
from compare.experiments.common import gates as _gates
from compare.experiments.common import shortened_figures as _shortened_figures
from compare.experiments.common import words as _words
from compare.experiments.common.shortened import (
    DIGITS,
    UNROUNDED,
    distance,
    plain,
    shortened,
    spacing,
    still,
    unrounded,
    wanted,
)
from compare.results import Side

LAST = 100
"""So many steps at the end are counted."""


def leaves_at_once(side: Side) -> tuple[bool, str]:
    """After one step each is as far away as half a unit in its last digit allows."""
    words, holds = [], True
    for name, digits in DIGITS.items():
        found = [
            distance(trial, unrounded(side, trial))[0] for trial in side.named(name)
        ]
        holds &= max(found) <= 2.0**-digits
        words.append(f"{name} {max(found):.0e} of 2^−{digits} = {2.0**-digits:.0e}")
    return bool(holds), f"{', '.join(words)}; {_words.budget(side.trials)}"


def in_order(side: Side) -> tuple[bool, str]:
    """The fewer digits, the further away at the end, from every seed."""
    found = [
        [distance(t, unrounded(side, t))[-1] for t in side.named(name)]
        for name in DIGITS
    ]
    holds = np.all(np.diff(found, axis=0) > 0)
    words = [
        f"{name} {np.median(values):.0e}"
        for name, values in zip(DIGITS, found, strict=True)
    ]
    return bool(holds), f"median {', '.join(words)}; {_words.seeds(side.trials)}"


def too_small_to_count(side: Side) -> tuple[bool, str]:
    """Half the spacing decides which weights move, in every step but the first."""
    if len(side.only.losses) < 2:
        return False, "there was only the first step"
    right, moved = [], []
    for name, digits in DIGITS.items():
        for trial in side.named(name):
            asked = np.abs(wanted(side.library, trial))
            stays = still(trial)
            right.append((asked < spacing(trial, digits) / 2) == stays)
            moved.append(~stays)
    share, count = np.mean(right), np.size(right)
    words = f"{share:.3%} of {count:,} changes, of which {np.mean(moved):.0%} moved"
    return bool(share > 0.998), f"{words}; {_words.seeds(side.trials)}"


def stands_still(side: Side) -> tuple[bool, str]:
    """Of bfloat16 weights hardly one moves at the end, of unrounded ones nearly all."""
    if len(side.only.losses) < 2:
        return False, "there was only the first step"
    found = {
        name: [np.mean(still(trial)[-LAST:]) for trial in side.named(name)]
        for name in (UNROUNDED, *DIGITS)
    }
    holds = min(found["bfloat16"]) > 0.8 and max(found[UNROUNDED]) < 0.05
    words = ", ".join(f"{n} {_words.percent(shares)}" for n, shares in found.items())
    words = f"in the last {LAST} steps: {words}"
    return bool(holds), f"{words}; {_words.seeds(side.trials)}"


def stalls(side: Side) -> tuple[bool, str]:
    """bfloat16 hardly learns on while unrounded weights do, from every seed."""
    ends = {
        name: [trial.losses[-1] for trial in side.named(name)]
        for name in (UNROUNDED, *DIGITS)
    }
    pairs = zip(ends["bfloat16"], ends[UNROUNDED], strict=True)
    least = min(short / full for short, full in pairs)
    words = [f"{name} {np.median(each):.1e}" for name, each in ends.items()]
    found = f"median loss {', '.join(words)}; at least × {least:.0e}"
    return least >= 10, f"{found}; {_words.seeds(side.trials)}"


EXPERIMENT = Experiment(
    title="XOR with weights of 24, 11 and 8 binary digits",
    course=("F5",),
    heading="Precision does NOT matter",
    data=lambda rng: _gates.gate(_gates.XOR),
    learners={UNROUNDED: plain, **{name: shortened(name) for name in DIGITS}},
    steps=280,
    seeds=3,
    claims={
        "one step away each has lost no more than its last digit": leaves_at_once,
        "the fewer digits, the further from the unrounded path": in_order,
        "a step below half the spacing changes nothing": too_small_to_count,
        "in bfloat16 most weights stand still at the end": stands_still,
        "bfloat16 ends at a loss at least ten times as large": stalls,
    },
    figures={"paths": _shortened_figures.draw, "still": _shortened_figures.still},
    story="Only the stored weights are rounded, after every step; forward, backward "
    "and update have the run's own precision (float64, or float32 where that is asked "
    "for). A step smaller than half the spacing of the numbers is rounded away: with "
    "8 binary digits the loss all but stands still. That is why weights of few bits "
    "are trained on a full copy, as in few_bits.",
)
