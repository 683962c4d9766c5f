"""The learning rate changes on the way: large at first, small at the end."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import handmade
from compare import plots
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained

STEPS = 200
LR = 0.5
MAKERS: dict[str, Callable[[Any, Any], Any] | None] = {
    "constant": None,
    "step": lambda s, opt: s.StepLR(opt, step_size=50, gamma=0.4),
    "multi_step": lambda s, opt: s.MultiStepLR(opt, [100, 150], gamma=0.2),
    "exponential": lambda s, opt: s.ExponentialLR(opt, gamma=0.985),
    "cosine": lambda s, opt: s.CosineAnnealingLR(opt, T_max=STEPS),
    "linear": lambda s, opt: s.LinearLR(opt, 1.0, 0.01, total_iters=STEPS),
    "one_cycle": lambda s, opt: s.OneCycleLR(opt, LR, STEPS, cycle_momentum=False),
    "plateau": lambda s, opt: s.ReduceLROnPlateau(opt, "min", 0.5, 20),
}


def learner(make: Callable[[Any, Any], Any] | None) -> MakeLearner:
    """64-32-10 with ReLU, in small batches, whose gradients are noisy."""
    scheduler = make and (lambda optim, opt: make(optim.lr_scheduler, opt))
    return trained(mlp(64, 32, 10), scheduler=scheduler, lr=LR, momentum=0.5)


def ends_lower(side: Side) -> tuple[bool, str]:
    """Compared by the mean of the last four losses on all digits, over all seeds."""
    found = {}
    for name in ("constant", "cosine", "linear", "one_cycle"):
        curves = [trial.curve("cross_entropy/train")[1] for trial in side.named(name)]
        found[name] = float(np.mean([values[-4:] for values in curves]))
    constant, *falling = found.values()
    return max(falling) < constant, reporting.listed(found, "{:.3f}")


@figures.panels(
    ("Schedule", "step", "learning rate"), ("All digits", "step", "training loss")
)
def draw(side: Side, rates: figures.Axes, losses: figures.Axes) -> None:
    for name in MAKERS:
        steps, values = side[name].curve("cross_entropy/train")
        losses.plot(steps, values, lw=1.5)
        rates.plot(rates_of(name, side[name].losses), label=name.replace("_", " "))
    plots.log_scale(losses, plots.LOG_FROM)


def rates_of(name: str, losses: Sequence[float]) -> list[float]:
    """The learning rate at every step, given the losses."""
    optimizer = handmade.optim.SGD([handmade.nn.Parameter(np.zeros(1))], lr=LR)
    make, rates = MAKERS[name], []
    scheduler = make and make(handmade.optim.lr_scheduler, optimizer)
    for loss in losses:
        rates.append(optimizer.param_groups[0]["lr"])
        if scheduler:
            scheduler.step(*[loss] * (name == "plateau"))
    return rates


EXPERIMENT = Experiment(
    title="Schedulers: the learning rate on its way",
    course=("A6", "A3"),
    teaches=(
        "optim.lr_scheduler.StepLR",
        "optim.lr_scheduler.CosineAnnealingLR",
        "optim.lr_scheduler.OneCycleLR",
    ),
    heading="gradient descent, cautious and bold",
    data=digits.draw,
    learners={name: learner(make) for name, make in MAKERS.items()},
    steps=STEPS,
    longest=STEPS,
    batch_size=16,
    seeds=2,
    metrics={"accuracy": digits.accuracy, "cross_entropy": digits.cross_entropy},
    claims={
        "rates that fall to almost nothing end lower than a constant one": ends_lower
    },
    figures={"rates": draw},
    story="A large rate gets near quickly, but small batches push the weights about "
    "as far as it is large. A rate that falls to almost nothing lets them settle; one "
    "that falls too early, as on a plateau of noisy losses, stops on the way.",
)
