"""Where training leaves its path when the weights have fewer digits."""

from typing import Any, Self

import numpy as np
from matplotlib.figure import Figure

from compare import figures
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments import _gates
from compare.trained import Side, Trial

DIGITS = {"float32": 24, "float16": 11, "bfloat16": 8}
"""Binary digits of a number, by learner."""
COLORS = {"float32": "#1f4e79", "float16": "#2e8b57", "bfloat16": "#c0392b"}
UNROUNDED = "unrounded"

plain = backprop(
    model=lambda nn: nn.Sequential(nn.Linear(2, 14), nn.Tanh(), nn.Linear(14, 1)),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.15),
)


class Shortened:
    """A learner that keeps its weights in a shorter type from step to step.

    Forward, backward and the update are computed in the run's own dtype; the new
    weights are then rounded, by each library in its own way.
    """

    def __init__(self, learner: Any, quantize: Any, name: str) -> None:
        self.learner, self.quantize, self.name = learner, quantize, name

    def step(self, x: Any, target: Any) -> float:
        """Learn once; returns the loss before the change."""
        loss, model = self.learner.step(x, target), self.learner.model
        shorter = self.quantize.quantized_state_dict(model.state_dict(), self.name)
        model.load_state_dict(shorter)
        return loss

    def to(self, other: Any) -> Self:
        """Move to the library, dtype and device of `other`."""
        self.learner.to(other)
        return self

    def __getattr__(self, name: str) -> Any:
        """All else is the learner's own."""
        return getattr(self.learner, name)


def shortened(name: str) -> MakeLearner:
    """The same net, stored in a shorter type."""
    return lambda library: Shortened(plain(library), library.quantize, name)


def distance(side: Side, trial: Trial) -> np.ndarray:
    """How far its weights are from the unrounded ones of its seed, after each step.

    Relative: √Σ(w − w′)² / √Σw².
    """
    (reference,) = [t for t in side.named(UNROUNDED) if t.seed == trial.seed]
    own, others = _path(trial), _path(reference)
    gap = np.linalg.norm(own - others, axis=1)
    return (gap / np.linalg.norm(others, axis=1))[1:]


def leaves_at_once(side: Side) -> tuple[bool, str]:
    """After one step each is as far away as half a unit in its last digit allows."""
    words, holds = [], True
    for name, digits in DIGITS.items():
        found = [distance(side, trial)[0] for trial in side.named(name)]
        holds &= max(found) <= 2.0**-digits
        words.append(f"{name} {max(found):.0e} of 2^−{digits} = {2.0**-digits:.0e}")
    return bool(holds), f"{', '.join(words)} over {len(side.named(UNROUNDED))} seeds"


def in_order(side: Side) -> tuple[bool, str]:
    """The fewer digits, the further away at the end, from every seed."""
    found = [[distance(side, t)[-1] for t in side.named(name)] for name in DIGITS]
    holds = np.all(np.diff(found, axis=0) > 0)
    words = [
        f"{name} {np.median(values):.0e}"
        for name, values in zip(DIGITS, found, strict=True)
    ]
    return bool(holds), f"median {', '.join(words)} over {len(found[0])} seeds"


def stalls(side: Side) -> tuple[bool, str]:
    """bfloat16 hardly learns on while unrounded weights do, from every seed."""
    ends = [
        [trial.losses[-1] for trial in side.named(name)]
        for name in (UNROUNDED, "float32", "float16", "bfloat16")
    ]
    least = min(b / u for b, u in zip(ends[3], ends[0], strict=True))
    names = (UNROUNDED, "float32", "float16", "bfloat16")
    words = [f"{n} {np.median(e):.1e}" for n, e in zip(names, ends, strict=True)]
    return least >= 10, f"median loss {', '.join(words)}; at least × {least:.0e}"


def draw(side: Side) -> Figure:
    """The distance and the loss against the step, all seeds."""
    figure, (left, right) = figures.canvas(2)
    for name, color in COLORS.items():
        for number, trial in enumerate(side.named(name)):
            said = name if number == 0 else None
            left.semilogy(distance(side, trial), color=color, alpha=0.8, label=said)
    for name, color in {UNROUNDED: "black", **COLORS}.items():
        for number, trial in enumerate(side.named(name)):
            said = name if number == 0 else None
            width = 4 if name == UNROUNDED else 1.5
            right.semilogy(trial.losses, color=color, alpha=0.6, lw=width, label=said)
    figures.label(left, "distance from unrounded", "step", "relative")
    figures.label(right, "the loss", "step", "")
    for ax in (left, right):
        ax.legend(fontsize=13)
    return figure


def _path(trial: Trial) -> np.ndarray:
    """All weights as one row for each point of the path, the start included."""
    return np.array(
        [np.concatenate([a.ravel() for a in point.values()]) for point in trial.path]
    ).astype(float)


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
        "bfloat16 ends at a loss at least ten times as large": stalls,
    },
    figures={"paths": draw},
    story="Only the stored weights are rounded, after every step; forward, backward "
    "and update have the run's own precision (float64, or float32 where that is asked "
    "for). A step smaller than half the spacing of the numbers is rounded away: with "
    "8 binary digits the loss all but stands still. That is why weights of few bits "
    "are trained on a full copy, as in few_bits.",
)
