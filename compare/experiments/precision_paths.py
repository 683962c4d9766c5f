"""Where training leaves its path when the weights have fewer digits."""

from functools import partial
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import figures, gates, mlp, reporting, trained
from compare.experiments.common.libraries import LIBRARIES
from compare.results import Trial

LR = 0.15
DIGITS = {"float32": 24, "float16": 11, "bfloat16": 8}  # binary ones of a number
UNROUNDED = "unrounded"
STYLES = dict(zip((UNROUNDED, *DIGITS), plots.CURVES, strict=False))
"""Colour and line of each learner."""
NET = mlp(2, 14, 1, activation="Tanh")
plain = trained(NET, "MSELoss", lr=LR)


def rounded(name: str) -> MakeLearner:
    """The same net, but each library rounds the new weights after every step."""

    def make(library: Any) -> Any:
        class Rounded(library.training.GradientLearner):
            def step(self, x: Any, target: Any) -> float:
                loss, state = super().step(x, target), self.model.state_dict()
                shorter = library.quantize.quantized_state_dict(state, name)
                self.model.load_state_dict(shorter)
                return loss

        sgd = partial(library.optim.SGD, lr=LR)
        return Rounded(NET(library.nn), library.nn.MSELoss(), sgd)

    return make


def path(trial: Trial) -> np.ndarray:
    """The weights (columns) after each step (rows)."""
    return gates.weights(trial)[1:].astype(float)  # the start is not rounded


def distances(side: Side, name: str) -> np.ndarray:
    """The relative distance to the unrounded weights after each step (seeds, steps)."""
    names, norm = (UNROUNDED, name), partial(np.linalg.norm, axis=2)
    unrounded, shorter = (np.array([*map(path, side.named(n))]) for n in names)
    return norm(shorter - unrounded) / norm(unrounded)


def unchanged(trial: Trial) -> np.ndarray:
    """Which weights each step but the first leaves exactly as they are."""
    return np.diff(path(trial), axis=0) == 0


def updates(library: str, trial: Trial) -> np.ndarray:
    """The update of each weight by SGD in the same steps."""
    learner = plain(LIBRARIES[library]).to(trial.give(np.zeros(1)))
    x, target, rows = trial.give(trial.data.x), trial.give(trial.data.target), []
    for point in list(trial.path)[1:-1]:
        learner.model.load_state_dict({n: trial.give(a) for n, a in point.items()})
        learner.step(x, target)
        gradients = learner.gradients()
        rows.append(np.concatenate([to_numpy(gradients[n]).ravel() for n in point]))
    return LR * np.array(rows, float)


def spacing(trial: Trial, digits: int) -> np.ndarray:
    """From each weight before these steps to the next number of so many digits."""
    return 2.0 ** (np.floor(np.log2(np.abs(path(trial)[:-1]))) - digits + 1)


def leaves_at_once(side: Side) -> tuple[bool, str]:
    """The distance after one step is at most half a unit in the last digit."""
    largest = {name: distances(side, name)[:, 0].max() for name in DIGITS}
    words = ", ".join(
        f"{name} {largest[name]:.0e} of 2^−{digits} = {2.0**-digits:.0e}"
        for name, digits in DIGITS.items()
    )
    holds = all(largest[name] <= 2.0**-digits for name, digits in DIGITS.items())
    return holds, f"{words}; {reporting.budget(side.trials)}"


def in_order(side: Side) -> tuple[bool, str]:
    found = {name: distances(side, name)[:, -1] for name in DIGITS}
    words = reporting.listed(found, "{:.0e}", np.median)
    holds = bool(np.all(np.diff([*found.values()], axis=0) > 0))
    return holds, f"median {words}; {reporting.seeds(side.trials)}"


def too_small_to_count(side: Side) -> tuple[bool, str]:
    """Half the spacing decides which weights move, in every step but the first."""
    if len(side.only.losses) < 2:
        return False, "there was only the first step"
    right, moved = [], []
    for name, digits in DIGITS.items():
        for trial in side.named(name):
            small = np.abs(updates(side.library, trial)) < spacing(trial, digits) / 2
            right.append(small == unchanged(trial))
            moved.append(~unchanged(trial))
    fraction, count = np.mean(right), np.size(right)
    words = f"{fraction:.3%} of {count:,} changes, of which {np.mean(moved):.0%} moved"
    return bool(fraction > 0.998), f"{words}; {reporting.seeds(side.trials)}"


def stands_still(side: Side) -> tuple[bool, str]:
    """Counted over the last 100 steps, in which nearly all unrounded weights move."""
    if len(side.only.losses) < 2:
        return False, "there was only the first step"
    found = {n: [unchanged(t)[-100:].mean() for t in side.named(n)] for n in STYLES}
    holds = min(found["bfloat16"]) > 0.8 and max(found[UNROUNDED]) < 0.05
    words = f"in the last 100 steps: {reporting.listed(found, of=reporting.percent)}"
    return bool(holds), f"{words}; {reporting.seeds(side.trials)}"


def stalls(side: Side) -> tuple[bool, str]:
    ends = {n: np.array([t.losses[-1] for t in side.named(n)]) for n in STYLES}
    least = np.min(ends["bfloat16"] / ends[UNROUNDED])
    words = f"median loss {reporting.listed(ends, '{:.1e}', np.median)}; at least × "
    return bool(least >= 10), f"{words}{least:.0e}; {reporting.seeds(side.trials)}"


@figures.panels(
    ("Distance of weights", "step", "relative to unrounded"),
    ("Training loss", "step", "loss"),
)
def draw_paths(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    for name in DIGITS:
        left.semilogy(distances(side, name).T, alpha=0.8, **STYLES[name])
    for name, style in STYLES.items():
        width = {"linewidth": 4, "alpha": 0.4} if name == UNROUNDED else {}
        figures.draw_seeds(right, side.named(name), name, **style | width)
    plots.log_scale(right, plots.LOG_FROM)


@figures.panels(
    ("Unchanged weights", "step", "% of the weights, first seed"),
    ("Update / spacing", "step", "median of the weights"),
)
def draw_unchanged(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    for name, digits in DIGITS.items():
        trial, style = side[name], STYLES[name]
        left.plot(100 * unchanged(trial).mean(axis=1), **style)
        steps = np.abs(updates(side.library, trial)) / spacing(trial, digits)
        right.semilogy(np.median(steps, axis=1), label=name, **style)
    right.axhline(0.5, color="black", ls="-", lw=1, label="½")


EXPERIMENT = Experiment(
    title="XOR with weights of 24, 11 and 8 binary digits",
    course=("F5",),
    teaches=("quantize.rounded",),
    heading="Precision does NOT matter",
    data=gates.gate(gates.XOR),
    learners={UNROUNDED: plain, **{name: rounded(name) for name in DIGITS}},
    steps=280,
    seeds=3,
    claims={
        "one step away each has lost no more than its last digit": leaves_at_once,
        "the fewer digits, the further from the unrounded path": in_order,
        "a step below half the spacing changes nothing": too_small_to_count,
        "in bfloat16 most weights stand still at the end": stands_still,
        "bfloat16 ends at a loss at least ten times as large": stalls,
    },
    figures={"paths": draw_paths, "still": draw_unchanged},
    story="Only the stored weights are rounded, after every step; forward, backward "
    "and update have the run's own precision (float64, or float32 where that is asked "
    "for). A step smaller than half the spacing of the numbers is rounded away: with "
    "8 binary digits the loss all but stands still. That is why weights of few bits "
    "are trained on a full copy, as in few_bits.",
)
