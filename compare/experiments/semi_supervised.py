"""Few labels, many digits: what the unlabelled ones are worth."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.experiment import Data, Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained

LABELS = (2, 5, 10)  # how many digits of each class have a label
CODE = 32
ALL = 500  # digits, with or without a label
STEPS, HALF = 60, 30  # half of them until it labels digits, or is pre-trained
UNLABELLED = -1


def draw(rng: np.random.Generator, each: int, unlabelled: bool) -> Data:
    """Labels only for `each` drawn digits of each class, with or without the others."""
    data = digits.first(ALL)
    target = np.full_like(data.target, UNLABELLED)
    for digit in range(10):
        known = rng.choice(np.flatnonzero(data.target == digit), each, replace=False)
        target[known] = digit
    kept = (target != UNLABELLED) | unlabelled
    return replace(data, x=data.x[kept], target=target[kept])


net = mlp(64, CODE, 10)
ADAM: dict[str, Any] = {"lr": 0.02, "eps": 1e-5}  # a gradient of ≈ 0 moves nothing


def pseudo(library: Any) -> Any:
    """Trains on the few, labels once what it is sure of, and trains on both."""
    adam = partial(library.optim.Adam, **ADAM)
    return library.semi_supervised.PseudoLabels(
        net(library.nn), adam, sure=0.8, every=HALF
    )


def compressed(library: Any) -> Any:
    """64-32-64 on all digits first; then the code is what the classifier sees."""
    nn, adam = library.nn, partial(library.optim.Adam, **ADAM)
    model = library.semi_supervised.Autoencoder(
        encoder=nn.Sequential(nn.Linear(64, CODE), nn.ReLU()),
        decoder=nn.Linear(CODE, 64),
        head=nn.Linear(CODE, 10),
    )
    return library.semi_supervised.Pretrained(model, adam, pretrain=HALF)


WAYS: dict[str, MakeLearner] = {
    "labels_only": trained(net, optimizer="Adam", **ADAM),
    "autoencoder": compressed,
    "pseudo_labels": pseudo,
}


def accuracies(side: Side, way: str) -> np.ndarray:
    """The test accuracy for each number of labels (row) and seed (column)."""
    return np.array([digits.accuracies(side, f"{way}_{n}") for n in LABELS])


def gains(side: Side, way: str) -> tuple[np.ndarray, str]:
    """How much better this way is than labels only (rows, columns), and the words."""
    before, after = accuracies(side, "labels_only"), accuracies(side, way)
    words = ""
    for each, old, new in zip(LABELS, before, after, strict=True):
        gain = 100 * (new - old)
        words += f"{each} a class: {old.mean():.1%} → {new.mean():.1%}, gain "
        words += f"{gain.mean():+.1f} ({gain.min():+.1f} to {gain.max():+.1f}) points; "
    return after - before, words + reporting.budget(side.named(f"{way}_2"))


def pseudo_labels_help(side: Side) -> tuple[bool, str]:
    """By a point on average; with 10 labels the gain is no larger than its spread."""
    (two, five, _), words = gains(side, "pseudo_labels")
    return bool(min(two.mean(), five.mean()) > 0.01 and two.min() > 0), words


def the_code_does_not(side: Side) -> tuple[bool, str]:
    """Nor with more time: all 1437 digits and 100 steps a phase gained ±0.5 points."""
    code, words = gains(side, "autoencoder")
    pseudo, _ = gains(side, "pseudo_labels")
    return bool(np.all(code.mean(axis=1) < pseudo.mean(axis=1))), words


@figures.panels(
    (
        "Mean and standard deviation, {seeds}",
        "labels of each class",
        "test accuracy in %",
    )
)
def picture(side: Side, ax: figures.Axes) -> None:
    for number, way in enumerate(WAYS):
        found = 100 * accuracies(side, way)
        places = np.array(LABELS) * 1.03 ** (number - 1)  # bars beside each other
        mean, spread = found.mean(axis=1), found.std(axis=1)
        label = way.replace("_", " ")
        ax.errorbar(places, mean, spread, marker="o", ms=8, capsize=6, label=label)
    ax.set_xscale("log")
    figures.set_ticks(ax.xaxis, LABELS)
    ax.grid(alpha=0.3)


EACH = [(way, each) for each in LABELS for way in WAYS]
EXPERIMENT = Experiment(
    title="Semi-supervised: many digits, few labels",
    course=("F6",),
    teaches=("semi_supervised.PseudoLabels", "semi_supervised.Pretrained"),
    heading="(Un/Semi-)Supervised",
    data={
        f"{way}_{n}": partial(draw, each=n, unlabelled=way != "labels_only")
        for way, n in EACH
    },
    learners={f"{way}_{n}": WAYS[way] for way, n in EACH},
    steps=STEPS,
    seeds=4,
    claims={
        "pseudo-labels help where labels are few": pseudo_labels_help,
        "learning to compress first helps less than that": the_code_does_not,
    },
    figures={"labels": picture},
    story="The same net learns three times from 2, 5 or 10 labelled digits of each "
    f"class. With pseudo-labels it answers the others of {ALL} digits itself after "
    f"{HALF} of {STEPS} steps, and learns its own answers where it is surer than 80 %: "
    "that helps where labels are few. Its first layer may also learn to compress all "
    "digits, 64 → 32 → 64, before it sees a label: what reproduces the pixels best "
    "need not be what tells the digits apart, and here it does not help.",
)
