"""What the lessons on overfitting share: a wide net and only a hundred digits."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Claim, Experiment, MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.results import Side, Trial

FEW = 100
WIDTH = 128
STEPS = 300


def learner(
    *, drop: tuple[float, float] | None = None, weight_decay: float = 0.0
) -> MakeLearner:
    """64-128-128-10, if asked for with dropout of inputs and hidden units."""

    def model(nn: Any) -> Any:
        hidden = [nn.Linear(64, WIDTH), nn.ReLU()]
        second = [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
        if drop:
            hidden = [nn.Dropout(drop[0]), *hidden, nn.Dropout(drop[1])]
            second = [*second, nn.Dropout(drop[1])]
        return nn.Sequential(*hidden, *second, nn.Linear(WIDTH, 10))

    return backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(
            parameters, lr=0.1, momentum=0.9, weight_decay=weight_decay
        ),
    )


def gap(trial: Trial) -> float:
    """How much larger the loss is on digits that were not seen."""
    return trial.metrics["cross_entropy/test"] - trial.metrics["cross_entropy/train"]


def gap_closes(name: str) -> Claim:
    """The claim that with help the gap is at most two thirds, from every seed."""

    def claim(side: Side) -> tuple[bool, str]:
        pairs = list(zip(side.named("plain"), side.named(name), strict=True))
        shares = [gap(helped) / gap(plain) for plain, helped in pairs]
        plain, helped = np.mean([[gap(t) for t in pair] for pair in pairs], axis=0)
        words = f"mean gap {plain:.2f} → {helped:.2f}, at worst to {max(shares):.0%}"
        return max(shares) < 2 / 3, f"{words} over {len(shares)} seeds"

    return claim


def hardly_worse(name: str) -> Claim:
    """The claim that help costs at most half a point of accuracy on average."""

    def claim(side: Side) -> tuple[bool, str]:
        plain, helped = (
            _digits.mean(side, n, "accuracy/test") for n in ("plain", name)
        )
        return helped >= plain - 0.005, f"test accuracy {plain:.1%} → {helped:.1%}"

    return claim


def draw(side: Side) -> Figure:
    """Loss on seen and on unseen digits, for each learner; the seeds lie together."""
    names = list(dict.fromkeys(trial.name for trial in side.trials))
    figure, axes = plots.canvas(len(names))
    for ax, name in zip(axes, names, strict=True):
        for part, color in (("train", plots.BLUE), ("test", plots.RED)):
            for number, trial in enumerate(side.named(name)):
                steps, values = trial.curve(f"cross_entropy/{part}")
                said = part if number == 0 else None
                ax.semilogy(steps, values, color=color, alpha=0.7, label=said)
        plots.label(ax, name.replace("_", " "), "step", "loss")
        ax.set_ylim(5e-4, 4)
        ax.legend(fontsize=12)
    return figure


def lesson(
    name: str, helped: MakeLearner, title: str, course: tuple[str, ...], story: str
) -> Experiment:
    """The same net without help and with it."""
    words = name.replace("_", " ")
    return Experiment(
        title=title,
        course=course,
        heading="Lösungen",
        data=lambda rng: _digits.small().first(FEW),
        learners={"plain": learner(), name: helped},
        steps=STEPS,
        seeds=3,
        metrics={
            "accuracy": _digits.accuracy,
            "cross_entropy": _digits.cross_entropy,
        },
        claims={
            f"{words} closes the gap to at most two thirds": gap_closes(name),
            f"{words} costs at most half a point of accuracy": hardly_worse(name),
        },
        figures={"losses": draw},
        story=story,
    )
