"""Compression: 64 pixels, n numbers, 64 pixels again."""

from functools import lru_cache
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained

WIDTHS = (2, 4, 8, 16)  # the n of the nets without hidden layers
BENT = "bent_8"  # has hidden layers, and its n is 8
STEPS, BATCH = 200, 256


def centred(rng: object = None) -> Data:
    """The digits without their mean; each is its own target."""
    data = digits.small()
    x, x_test = (a - data.x.mean(axis=0) for a in (data.x, data.test_set[0]))
    return Data(x=x, target=x, x_test=x_test, target_test=x_test)


def learner(model: Any, lr: float) -> MakeLearner:
    """A net that learns its own input with Adam, the rate falling to 0."""

    def cosine(optim: Any, optimizer: Any) -> Any:
        return optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)

    betas = (0.9, 0.95)
    return trained(model, "MSELoss", "Adam", scheduler=cosine, lr=lr, betas=betas)


def linear(n: int) -> MakeLearner:
    """Two matrices: 64 → n → 64."""

    def model(nn: Any) -> Any:
        layers = nn.Linear(64, n, bias=False), nn.Linear(n, 64, bias=False)
        for layer in layers:
            nn.init.orthogonal_(layer.weight)
        return nn.Sequential(*layers)

    return learner(model, lr=0.08)


def bent(nn: Any) -> Any:
    """64 → 8 → 64 with a hidden layer of ReLUs on either side of the 8 numbers."""
    return nn.Sequential(*mlp(64, 64, 8)(nn), *mlp(8, 64, 64)(nn))


def per_pixel(metrics: Any, output: Any, target: Any) -> float:
    return float(np.mean((to_numpy(output) - to_numpy(target)) ** 2))


@lru_cache
def pca_error(n: int, part: str = "train") -> float:
    """The error that remains with the first n principal directions."""
    data = centred()
    kept = np.linalg.svd(data.x, full_matrices=False)[2][:n]
    x = data.x if part == "train" else data.test_set[0]
    return float(np.mean((x - x @ kept.T @ kept) ** 2))


def errors(side: Side, name: str, part: str = "train") -> np.ndarray:
    """The error of each seed of a learner, on seen or on unseen digits."""
    return digits.last(side, name, f"error/{part}")


def reaches_pca(side: Side) -> tuple[bool, str]:
    """PCA is the optimum of two matrices, so no error may be below it."""
    above = {n: errors(side, f"linear_{n}") / pca_error(n) - 1 for n in WIDTHS}
    every = np.array([*above.values()])
    words = ", ".join(f"{n}: {found.max():.2%}" for n, found in above.items())
    budget = reporting.budget(side.trials, BATCH)
    holds = every.min() > -1e-4 and every.max() < 0.01
    return bool(holds), f"above PCA's error, at worst: {words}; {budget}"


def bends_below(side: Side) -> tuple[bool, str]:
    parts = ("train", "test")
    seen, unseen = (max(errors(side, BENT, p) / pca_error(8, p)) for p in parts)
    return bool(max(seen, unseen) < 0.75), (
        f"{seen:.0%} of PCA's error on seen digits, {unseen:.0%} on unseen ones, "
        f"at worst of {reporting.seeds(side.trials)}"
    )


def generalises(side: Side) -> tuple[bool, str]:
    names = [f"linear_{n}" for n in WIDTHS]
    worst = max(max(errors(side, n, "test") / errors(side, n)) for n in names)
    words = f"at worst {worst:.2f} times the error of seen digits"
    return bool(worst < 1.2), f"{words}, of {reporting.seeds(side.trials)}"


@figures.panels(("Reconstruction error", "code size", "squared error per pixel"))
def draw_errors(side: Side, ax: figures.Axes) -> None:
    every = range(1, 33)
    ax.semilogy(every, [pca_error(n) for n in every], label="PCA", c=plots.GREY, lw=5)
    for part, name, mark, color in (
        ("train", "seen", "o", plots.BLUE),
        ("test", "unseen", "x", plots.RED),
    ):
        found = [errors(side, f"linear_{n}", part)[0] for n in WIDTHS]
        label = f"two matrices, {name}"
        ax.plot(WIDTHS, found, mark, ms=9, mew=2, color=color, label=label)
        found = errors(side, BENT, part)[0]
        ax.plot(8, found, "*", ms=16, color=color, label=f"with ReLUs, {name}")
    figures.set_ticks(ax.yaxis, (0.003, 0.01, 0.03))


def draw_digits(side: Side) -> figures.Figure:
    chosen = centred().test_set[0][digits.first_unseen()]
    names = ("linear_2", "linear_8", "linear_16", BENT)
    rows = [chosen, *(side[name].predict(chosen) for name in names)]
    titles = ["64 pixels", "2 numbers", "8 numbers", "16 numbers", "8, with ReLUs"]
    mean = digits.small().x.mean(axis=0)
    return figures.pictures(
        [row + mean for row in rows], titles, "Unseen digits and their reconstructions"
    )


EXPERIMENT = Experiment(
    title="Digits through a bottleneck: compression is reproducing the input",
    course=("F6",),
    teaches=("nn.init.orthogonal_",),
    heading="(Un/Semi-)Supervised",
    data=centred,
    learners={f"linear_{n}": linear(n) for n in WIDTHS}
    | {BENT: learner(bent, lr=0.02)},
    steps=STEPS,
    batch_size=BATCH,
    seeds=2,
    metrics={"error": per_pixel},
    claims={
        "two matrices end within 1 % of PCA, whatever n": reaches_pca,
        "with ReLUs 8 numbers keep far more": bends_below,
        "what serves seen digits serves unseen ones": generalises,
    },
    figures={"errors": draw_errors, "digits": draw_digits},
    story="No label is needed: the input is the target, and the n numbers in the "
    "middle are all that gets through. With matrices alone nothing can beat the n "
    "principal directions (PCA), and gradient descent finds their plane. A hidden "
    "layer on either side bends the plane: the same n numbers then carry more.",
)
