"""Generation: numbers drawn at random become digits that nobody wrote."""

from functools import lru_cache

import numpy as np

from compare.backend import to_numpy
from compare.experiment import Data, Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting
from compare.results import Trial
from handmade.nn import GaussianKLLoss

BATCH = 128
EIGHT, TWO, FREE = "eight_codes", "two_codes", "no_divergence"
LABELS = {EIGHT: "8 codes", TWO: "2 codes", FREE: "8 codes, β = 0"}
COUNT = 500  # of the digits that are generated


def black_or_white(rng: object = None) -> Data:
    """The digits with every pixel black (1) or white (0); each is its own target."""
    x, x_test = (np.round(a) for a in (digits.small().x, digits.small().test_set[0]))
    return Data(x=x, target=x, x_test=x_test, target_test=x_test)


def autoencoder(codes: int, beta: float = 1.0) -> MakeLearner:
    """64 pixels → μ and log σ² of each code → the probability of each pixel."""
    return lambda library: library.variational.VariationalAutoencoder(
        mlp(64, 64, 2 * codes)(library.nn),
        mlp(codes, 64, 64)(library.nn),
        lambda parameters: library.optim.Adam(parameters, lr=0.01),
        beta,
    )


def decoded(trial: Trial, z: np.ndarray) -> np.ndarray:
    """The probability of each pixel to be black, given these codes."""
    return to_numpy(trial.learner.decode(trial.give(z))).astype(float)


def generated(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Digits of codes that are drawn from N(0, 1), and their pixel probabilities."""
    rng = np.random.default_rng(trial.seed)
    codes = trial.parameters["decoder.0.weight"].shape[1]
    p = decoded(trial, rng.normal(size=(COUNT, codes)))
    return np.asarray(rng.random(p.shape) < p, float), p


def independent_pixels() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of independent pixels, and each one's probability in seen digits."""
    p = black_or_white().x.mean(axis=0)
    rng = np.random.default_rng(0)
    return np.asarray(rng.random((COUNT, 64)) < p, float), p


def negative_log_likelihood(x: np.ndarray, p: np.ndarray) -> float:
    """−log p(x) in nats, the mean over pictures; p is clipped to [0.001, 0.999]."""
    p = np.clip(p, 1e-3, 1 - 1e-3)
    each = np.where(x == 1, np.log(p), np.log1p(-p))
    return -float(each.sum(axis=-1).mean())


def negative_elbo(trial: Trial) -> float:
    """The negative ELBO, at least −log p(x), of unseen digits: ten draws of each."""
    x, rng = black_or_white().test_set[0], np.random.default_rng(trial.seed)
    code = to_numpy(trial.learner.encode(trial.give(x))).astype(float)
    mean, s = np.split(code, 2, axis=-1)
    draws = [mean + np.exp(s / 2) * rng.normal(size=mean.shape) for _ in range(10)]
    found = [negative_log_likelihood(x, decoded(trial, z)) for z in draws]
    return float(np.mean(found) + GaussianKLLoss()(code, np.zeros_like(code)))


def likely(side: Side) -> tuple[bool, str]:
    """Compared by the negative ELBO; without the divergence it is far worse."""
    unseen = black_or_white().test_set[0]
    pixels = negative_log_likelihood(unseen, independent_pixels()[1])
    found = {name: [negative_elbo(t) for t in side.named(name)] for name in LABELS}
    words = ", ".join(f"{LABELS[n]}: {max(v):.1f}" for n, v in found.items())
    holds = max(found[EIGHT]) < pixels - 4 and max(found[TWO]) < pixels - 2
    return holds and min(found[FREE]) > 2 * pixels, (
        f"{words} nats at worst; pixel by pixel: {pixels:.1f}; "
        f"{reporting.budget(side.trials, BATCH)}"
    )


def differing(pictures: np.ndarray) -> np.ndarray:
    """In how many pixels each picture differs from each seen digit."""
    seen = black_or_white().x
    return pictures @ (1 - seen).T + (1 - pictures) @ seen.T


@lru_cache(maxsize=1)
def usual() -> int:
    """The largest distance to a seen digit, in pixels, of 95 % of unseen digits."""
    nearest = differing(black_or_white().test_set[0]).min(axis=1)
    return int(np.quantile(nearest, 0.95))


def digit_like(pictures: np.ndarray) -> np.ndarray:
    """The fraction that is as near to a seen 0, 1, … as unseen digits are."""
    differ = differing(pictures)
    near = differ[differ.min(axis=1) <= usual()]
    nearest = digits.small().target[near.argmin(axis=1)]
    return np.bincount(nearest, minlength=10) / len(pictures)


def generates_digits(side: Side) -> tuple[bool, str]:
    """Three times as often near to a seen digit as the pictures of the baselines."""
    eight, free = (
        [digit_like(generated(trial)[0]).sum() for trial in side.named(name)]
        for name in (EIGHT, FREE)
    )
    pixels = digit_like(independent_pixels()[0]).sum()
    return bool(min(eight) > 3 * max(pixels, *free)), (
        f"at most {usual()} pixels from a seen digit: {min(eight):.0%} at worst of "
        f"{reporting.seeds(side.trials)}; {LABELS[FREE]}: {max(free):.0%} at best, "
        f"pixel by pixel: {pixels:.0%}"
    )


def generates_them_all(side: Side) -> tuple[bool, str]:
    counts = [digit_like(generated(trial)[0]) for trial in side.named(EIGHT)]
    rarest = int(np.argmin(np.min(counts, axis=0)))
    words = f"the rarest is {rarest}, {np.min(counts):.0%} of {COUNT}"
    return bool(np.min(counts) >= 0.02), f"{words}, of {reporting.seeds(side.trials)}"


def written(side: Side) -> figures.Figure:
    pictures, p = generated(side[EIGHT])
    free, pixels = generated(side[FREE])[0], independent_pixels()[0]
    rows = [a[:10] for a in (black_or_white().x, pictures, p, free, pixels)]
    titles = [
        "seen",
        "generated",
        "probabilities",
        "generated, β = 0",
        "pixel by pixel",
    ]
    return figures.pictures(rows, titles, "Generated digits and pixel probabilities")


def reconstructed(side: Side) -> figures.Figure:
    unseen = black_or_white().test_set[0][digits.first_unseen()]
    rows = [unseen, *(side[name].predict(unseen) for name in (TWO, EIGHT, FREE))]
    titles = ["unseen", "2 codes", "8 codes", "8, β = 0"]
    return figures.pictures(rows, titles, "Unseen digits and their reconstructions")


@figures.panels(("Decoded from two codes", "code z₁", "code z₂"))
def draw_plane(side: Side, ax: figures.Axes) -> None:
    """What the two codes mean: the plane about (0, 0), decoded at every third."""
    across, up = np.arange(-7, 8) / 3, np.arange(4, -5, -1) / 3
    rows = [decoded(side[TWO], row) for row in np.dstack(np.meshgrid(across, up))]
    edges = (-2.5, 2.5, -1.5, 1.5)
    ax.imshow(figures.mosaic(rows), cmap="gray_r", vmin=0, vmax=1, extent=edges)


EXPERIMENT = Experiment(
    title="Digits from noise: a variational autoencoder",
    course=("F6",),
    teaches=("variational.VariationalAutoencoder",),
    heading="(Un/Semi-)Supervised",
    data=black_or_white,
    learners={EIGHT: autoencoder(8), TWO: autoencoder(2), FREE: autoencoder(8, beta=0)},
    steps=250,
    batch_size=BATCH,
    seeds=2,
    claims={
        "it gives unseen digits a higher likelihood than independent pixels do": likely,
        "what it writes are digits": generates_digits,
        "it writes all ten digits": generates_them_all,
    },
    figures={"written": written, "reconstructed": reconstructed, "plane": draw_plane},
    story="The code of a digit is a bell curve for each number, and the decoder is "
    "given a draw from it: μ + σ ε, through which the gradient finds its way to μ and "
    "σ. The divergence keeps all curves near N(0, 1), so that a code drawn from there "
    "means a digit, too. Without it (β = 0) what was read comes back best of all, but "
    "what is written from drawn codes is no digit.",
)
