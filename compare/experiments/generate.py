"""Generation: numbers drawn at random become digits that nobody wrote."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment, MakeLearner
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.experiments.common.written import (
    WRITTEN,
    black_or_white,
    bound,
    chances,
    differing,
    digit_like,
    pixel_by_pixel,
    surprise,
    usual,
    written,
)
from compare.results import Side

HIDDEN, BATCH = 64, 128
EIGHT, TWO, FREE = "eight_codes", "two_codes", "no_divergence"


def autoencoder(codes: int, beta: float = 1.0) -> MakeLearner:
    """64 pixels → μ and log σ² of each code → 64 chances to be black."""

    def make(library: Any) -> Any:
        nn = library.nn
        wide = nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * codes)
        back = nn.Linear(codes, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 64)
        return library.variational.VariationalAutoencoder(
            nn.Sequential(*wide),
            nn.Sequential(*back),
            lambda parameters: library.optim.Adam(parameters, lr=0.01),
            beta,
        )

    return make


def knows_digits(side: Side) -> tuple[bool, str]:
    """Unseen digits surprise it less than pixels do one by one; not so without KL."""
    alone = surprise(black_or_white().test_set[0], pixel_by_pixel()[1])
    found = {name: [bound(t) for t in side.named(name)] for name in (EIGHT, TWO, FREE)}
    words = ", ".join(f"{_SAID[n]}: {max(v):.1f}" for n, v in found.items())
    held = max(found[EIGHT]) < alone - 4 and max(found[TWO]) < alone - 2
    words += f" nats at worst; pixel by pixel: {alone:.1f}"
    words += f"; {_words.budget(side.trials, BATCH)}"
    return held and min(found[FREE]) > 2 * alone, words


def writes_digits(side: Side) -> tuple[bool, str]:
    """What it writes is near seen digits three times as often as what others write."""
    shares = {
        n: [digit_like(written(t)[0]) for t in side.named(n)] for n in (EIGHT, FREE)
    }
    alone = digit_like(pixel_by_pixel()[0])
    least, others = min(shares[EIGHT]), max(alone, *shares[FREE])
    words = f"{least:.0%} at worst of {_words.seeds(side.trials)}; {_SAID[FREE]}: "
    words += f"{max(shares[FREE]):.0%} at best, pixel by pixel: {alone:.0%}"
    return least > 3 * others, f"at most {usual()} pixels from a seen digit: {words}"


def writes_them_all(side: Side) -> tuple[bool, str]:
    """Each of the ten digits is among what it writes near to a seen digit."""
    counts = []
    for trial in side.named(EIGHT):
        apart = differing(written(trial)[0])
        near = apart[apart.min(axis=1) <= usual()]
        digits = _digits.digits().target[near.argmin(axis=1)]
        counts.append(np.bincount(digits, minlength=10) / WRITTEN)
    rarest = int(np.argmin(np.min(counts, axis=0)))
    words = f"the rarest is {rarest}, {np.min(counts):.0%} of {WRITTEN}"
    return bool(np.min(counts) >= 0.02), f"{words}, of {_words.seeds(side.trials)}"


def draw_written(side: Side) -> Figure:
    """Digits of drawn codes, and what stands in their place without the divergence."""
    digits, chance = written(side[EIGHT])
    free, alone = written(side[FREE])[0], pixel_by_pixel()[0]
    rows = [a[:10] for a in (black_or_white().x, digits, chance, free, alone)]
    titles = ["seen", "written", "its chances", "written, β = 0", "pixel by pixel"]
    return plots.pictures(rows, titles, "digits that nobody wrote")


def draw_reconstructed(side: Side) -> Figure:
    """The first unseen digit of each kind, and what comes back of it."""
    target = _digits.digits().test_set[1]
    first = [int(np.argmax(target == digit)) for digit in range(10)]
    unseen = black_or_white().test_set[0][first]
    rows = [unseen, *(side[name].predict(unseen) for name in (TWO, EIGHT, FREE))]
    titles = ["unseen", "2 codes", "8 codes", "8, β = 0"]
    return plots.pictures(rows, titles, "read and written again")


def draw_plane(side: Side) -> Figure:
    """What the two codes mean: the plane about (0, 0), decoded at every third."""
    across, up = np.arange(-7, 8) / 3, np.arange(4, -5, -1) / 3
    plane = np.stack(np.meshgrid(across, up), axis=-1)
    rows = [chances(side[TWO], row) for row in plane]
    figure, (ax,) = plots.canvas()
    edges = (-2.5, 2.5, -1.5, 1.5)
    ax.imshow(plots.mosaic(rows), cmap="gray_r", vmin=0, vmax=1, extent=edges)
    plots.label(ax, "the plane of two codes", "z₁", "z₂")
    return figure


_SAID = {EIGHT: "8 codes", TWO: "2 codes", FREE: "8 codes, β = 0"}

EXPERIMENT = Experiment(
    title="Digits from noise: a variational autoencoder",
    course=("F6",),
    heading="(Un/Semi-)Supervised",
    data=black_or_white,
    learners={
        EIGHT: autoencoder(8),
        TWO: autoencoder(2),
        FREE: autoencoder(8, beta=0.0),
    },
    steps=250,
    batch_size=BATCH,
    seeds=2,
    claims={
        "it expects unseen digits, more than pixels one by one do": knows_digits,
        "what it writes are digits": writes_digits,
        "it writes all ten digits": writes_them_all,
    },
    figures={
        "written": draw_written,
        "reconstructed": draw_reconstructed,
        "plane": draw_plane,
    },
    story="The code of a digit is a bell curve for each number, and the decoder is "
    "given a draw from it: μ + σ ε, through which the gradient finds its way to μ and "
    "σ. The divergence keeps all curves near N(0, 1), so that a code drawn from there "
    "means a digit, too. Without it (β = 0) what was read comes back best of all, but "
    "what is written from drawn codes is no digit.",
)
