"""Half precision: float16 computes as well as float32, if the loss is scaled."""

from functools import lru_cache, partial
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained
from compare.experiments.common.libraries import LIBRARIES, give, untrained

BATCH, SEEDS, DEPTH = 64, 3, 9
SHALLOW = mlp(64, 32, 10, activation="Tanh")
SGD: Any = {"lr": 0.1, "momentum": 0.9}
FULL, SCALED, UNSCALED = "full precision", "float16, scaled", "float16, unscaled"


def deep(nn: Any) -> Any:
    """Nine layers of sigmoids, each of which shrinks the gradient."""
    net = mlp(64, *[16] * DEPTH, 10, activation="Sigmoid")(nn)
    for layer in list(net)[::2]:
        nn.init.xavier_uniform_(layer.weight)
    return net


def in_float16(model: Any, optimizer: str, scaling: Any, **options: Any) -> MakeLearner:
    def make(library: Any) -> Any:
        return library.amp.MixedPrecisionLearner(
            model(library.nn),
            library.nn.CrossEntropyLoss(),
            partial(getattr(library.optim, optimizer), **options),
            scaler=library.amp.GradScaler(**scaling),
        )

    return make


GROWING = in_float16(SHALLOW, "SGD", {"growth_interval": 20}, **SGD)
"""Its scale doubles so often that it soon overflows."""
DEEP = {
    FULL: trained(deep, optimizer="Adam", lr=0.01),
    SCALED: in_float16(deep, "Adam", {}, lr=0.01),
    UNSCALED: in_float16(deep, "Adam", {"init_scale": 1.0}, lr=0.01),
}


@lru_cache
def train(library: str, make: MakeLearner, seed: int, steps: int) -> Any:
    """The learner after so many random batches, its losses, and its scales."""
    learner, data = untrained(library, make, seed), digits.small()
    losses, scales, rng = [], [], np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.permutation(len(data.x))[:BATCH]
        batch = (give(library, a[rows]) for a in (data.x, data.target))
        losses.append(learner.step(*batch))
        scales.append(learner.scaler.get_scale() if make is not DEEP[FULL] else 1.0)
    return learner, losses, scales


def lost(library: str, name: str) -> list[list[np.ndarray]]:
    """By seed and layer, which of the weights' gradients become 0 in float16."""

    def gradients(name: str, seed: int) -> list[np.ndarray]:
        found = train(library, DEEP[name], seed, steps=1)[0].gradients()
        return [to_numpy(g) for n, g in found.items() if "weight" in n]

    pairs = [(gradients(FULL, s), gradients(name, s)) for s in range(SEEDS)]
    return [[b[a != 0] == 0 for a, b in zip(*pair, strict=True)] for pair in pairs]


def keeps_the_accuracy(side: Side) -> tuple[bool, str]:
    found = {name: digits.last(side, name) for name in side.names}
    points = 100 * (found["full"].mean() - found["scaled"].mean())
    words = reporting.listed(found, of=reporting.percent)
    return bool(points <= 1), f"{words}; {reporting.budget(side.trials, BATCH)}"


def keeps_the_gradient(side: Side) -> tuple[bool, str]:
    found = {
        name: [np.concatenate(layers).mean() for layers in lost(side.library, name)]
        for name in (UNSCALED, SCALED)
    }
    holds = min(found[UNSCALED]) >= 0.15 and max(found[SCALED]) <= 0.001
    return holds, f"{reporting.listed(found, of=reporting.percent)}; {SEEDS} seeds"


def hardly_learns(side: Side) -> tuple[bool, str]:
    """Guessing has the loss ln 10 = 2.30."""
    found = {
        name: np.mean(
            [train(side.library, make, s, 160)[1][-10:] for s in range(SEEDS)]
        )
        for name, make in DEEP.items()
    }
    helps = found[UNSCALED] - found[SCALED] >= 0.15
    holds = helps and abs(found[SCALED] - found[FULL]) <= 0.1
    return bool(holds), f"loss {reporting.listed(found, '{:.2f}')}; {SEEDS} seeds"


def skips_the_same(side: Side) -> tuple[bool, str]:
    ours, theirs = (train(library, GROWING, 0, 150)[2] for library in LIBRARIES)
    skipped = int(np.sum(np.diff(ours) < 0))
    words = f"from 2^16 up to 2^{np.log2(max(ours)):.0f}, {skipped} steps skipped"
    return ours == theirs and skipped > 0, words


@figures.panels(
    (f"{DEPTH} layers of sigmoids", "layer", "gradient that became 0, in %"),
    ("Scale of the loss", "step", "scale"),
)
def draw(side: Side, left: figures.Axes, right: figures.Axes) -> None:
    for name, style in zip((UNSCALED, SCALED), plots.CURVES, strict=False):
        found = [[100 * a.mean() for a in seed] for seed in lost(side.library, name)]
        left.plot(range(1, DEPTH + 2), np.mean(found, axis=0), label=name, **style)
    left.set_xticks(range(1, DEPTH + 2))
    right.plot(train(side.library, GROWING, 0, 150)[2], color=plots.BLUE)
    right.set_yscale("log", base=2)


EXPERIMENT = Experiment(
    title="Half precision: float16 with a scaled loss",
    course=("F5",),
    teaches=("amp.GradScaler", "amp.MixedPrecisionLearner"),
    heading="Precision does NOT matter",
    data=digits.draw,
    learners={
        "full": trained(SHALLOW, **SGD),
        "scaled": GROWING,
        "unscaled": in_float16(SHALLOW, "SGD", {"init_scale": 1.0}, **SGD),
    },
    steps=150,
    batch_size=BATCH,
    seeds=2,
    metrics={"accuracy": digits.accuracy},
    claims={
        "scaled float16 is within 1 point of full precision": keeps_the_accuracy,
        "scaling keeps a deep net's gradient from becoming 0": keeps_the_gradient,
        "without scaling the deep net hardly learns": hardly_learns,
        "both libraries use the same scales and skip the same steps": skips_the_same,
    },
    figures={"scaling": draw},
    story="float16 has no number between 0 and 2⁻²⁴ = 6 · 10⁻⁸. A shallow net's "
    "gradients are larger; in the first layers of a deep one they become 0. Times a "
    "scale they survive, and are divided by it in float32, where the weights are kept. "
    "The scale doubles until a gradient overflows: that step is skipped, and the scale "
    "halves.",
)
