"""Compression: 64 pixels, n numbers, 64 pixels again."""

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.results import Side, Trial

WIDTHS = (2, 4, 8, 16)
BENT = 8
"""How many numbers the net with hidden layers leaves."""
HIDDEN = 64
STEPS, BATCH = 200, 256


@lru_cache(maxsize=1)
def average() -> np.ndarray:
    """The mean of the digits to learn from."""
    return _digits.digits().x.mean(axis=0)


def centred(rng: object = None) -> Data:
    """The digits without their mean; each is its own target."""
    digits = _digits.digits()
    x, x_test = digits.x - average(), digits.test_set[0] - average()
    return Data(x=x, target=x, x_test=x_test, target_test=x_test)


def trained(model: Any, lr: float) -> MakeLearner:
    """A net that learns its own input with Adam, the rate falling to 0."""
    return backprop(
        model=model,
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.Adam(
            parameters, lr=lr, betas=(0.9, 0.95)
        ),
        scheduler=lambda optim, optimizer: optim.lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=STEPS
        ),
    )


def linear(n: int) -> MakeLearner:
    """Two matrices: 64 → n → 64."""

    def model(nn: Any) -> Any:
        layers = nn.Linear(64, n, bias=False), nn.Linear(n, 64, bias=False)
        for layer in layers:
            nn.init.orthogonal_(layer.weight)
        return nn.Sequential(*layers)

    return trained(model, lr=0.08)


def bent(n: int) -> MakeLearner:
    """The same with a hidden layer of ReLUs on either side of the n numbers."""
    return trained(
        lambda nn: nn.Sequential(
            *(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n)),
            *(nn.Linear(n, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 64)),
        ),
        lr=0.02,
    )


def per_pixel(metrics: Any, output: Any, target: Any) -> float:
    """The mean squared error per pixel."""
    return float(np.mean((to_numpy(output) - to_numpy(target)) ** 2))


def error(trial: Trial, part: str) -> float:
    """The mean squared error per pixel, on the digits of "train" or "test"."""
    return trial.metrics[f"error/{part}"]


@lru_cache(maxsize=1)
def directions() -> np.ndarray:
    """The principal directions of the digits to learn from, one a row."""
    return np.linalg.svd(centred().x, full_matrices=False)[2]


def floor(n: int, part: str = "train") -> float:
    """The error that is left by the best n directions: PCA's."""
    data, kept = centred(), directions()[:n]
    x = data.x if part == "train" else data.test_set[0]
    return float(np.mean((x - x @ kept.T @ kept) ** 2))


def reaches_pca(side: Side) -> tuple[bool, str]:
    """Every linear net comes within 1 % of PCA, and not below it."""
    over = {
        n: [error(t, "train") / floor(n) - 1 for t in side.named(f"linear_{n}")]
        for n in WIDTHS
    }
    low = min(min(values) for values in over.values())
    words = ", ".join(f"{n}: {max(values):.2%}" for n, values in over.items())
    budget = _words.budget(side.trials, BATCH)
    held = low > -1e-4 and max(max(values) for values in over.values()) < 0.01
    return held, f"above PCA's error, at worst: {words}; {budget}"


def bends_below(side: Side) -> tuple[bool, str]:
    """The net with hidden layers is far below PCA, on digits never seen, too."""
    shares = {
        part: max(error(t, part) / floor(BENT, part) for t in side.named(_BENT))
        for part in ("train", "test")
    }
    words = f"{shares['train']:.0%} of PCA's error on seen digits, {shares['test']:.0%}"
    words += f" on unseen ones, at worst of {_words.seeds(side.trials)}"
    return max(shares.values()) < 0.75, words


def generalises(side: Side) -> tuple[bool, str]:
    """A code of linear nets serves unseen digits nearly as well as seen ones."""
    ratios = [
        error(t, "test") / error(t, "train")
        for n in WIDTHS
        for t in side.named(f"linear_{n}")
    ]
    words = f"at worst {max(ratios):.2f} times the error of seen digits"
    return max(ratios) < 1.2, f"{words}, of {_words.seeds(side.trials)}"


def draw_errors(side: Side) -> Figure:
    """Error against the length of the code, and PCA's below."""
    figure, (ax,) = plots.canvas()
    found = [error(side[f"linear_{n}"], "train") for n in WIDTHS]
    every = range(1, 33)
    ax.semilogy(every, [floor(n) for n in every], label="PCA", **plots.TORCH)
    ax.plot(WIDTHS, found, "o", ms=9, color="#1f4e79", label="two matrices, seen")
    unseen = [error(side[f"linear_{n}"], "test") for n in WIDTHS]
    ax.plot(WIDTHS, unseen, "x", ms=9, mew=2, color="#c0392b", label="unseen")
    for part, color in (("train", "#1f4e79"), ("test", "#c0392b")):
        style = {"marker": "*", "ms": 16, "color": color, "linestyle": "none"}
        ax.plot(
            BENT, error(side[_BENT], part), label=f"with ReLUs, {_SAID[part]}", **style
        )
    plots.label(ax, "what is lost", "numbers in the code", "error per pixel")
    ax.set_yticks((0.003, 0.01, 0.03), ("0.003", "0.01", "0.03"))
    ax.minorticks_off()
    plots.below(figure, ax, columns=2)
    return figure


def draw_digits(side: Side) -> Figure:
    """The first unseen digit of each kind, and what comes back of it."""
    target, x = _digits.digits().test_set[1], centred().test_set[0]
    chosen = x[[int(np.argmax(target == digit)) for digit in range(10)]]
    names = [f"linear_{n}" for n in (2, 8, 16)] + [_BENT]
    rows = [chosen, *(side[name].predict(chosen) for name in names)]
    said = ["64 pixels", "2 numbers", "8 numbers", "16 numbers", "8, with ReLUs"]
    return plots.pictures([row + average() for row in rows], said, "unseen digits")


_SAID = {"train": "seen", "test": "unseen"}
_BENT = f"bent_{BENT}"

EXPERIMENT = Experiment(
    title="Digits through a bottleneck: compression is reproducing the input",
    course=("F6",),
    heading="(Un/Semi-)Supervised",
    data=centred,
    learners={**{f"linear_{n}": linear(n) for n in WIDTHS}, _BENT: bent(BENT)},
    steps=STEPS,
    batch_size=BATCH,
    seeds=2,
    metrics={"error": per_pixel},
    claims={
        "two matrices end within 1 % of PCA, whatever n": reaches_pca,
        f"with ReLUs {BENT} numbers keep far more": bends_below,
        "what serves seen digits serves unseen ones": generalises,
    },
    figures={"errors": draw_errors, "digits": draw_digits},
    story="No label is needed: the input is the target, and the n numbers in the "
    "middle are all that gets through. With matrices alone nothing can beat the n "
    "principal directions (PCA), and gradient descent finds their plane. A hidden "
    "layer on either side bends the plane: the same n numbers then carry more.",
)
