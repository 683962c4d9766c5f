"""The learning rate changes on the way: large at first, small at the end."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import handmade
from compare import figures
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments import _digits
from compare.trained import Side

STEPS = 200
LR = 0.5
MAKERS: Mapping[str, Callable[[Any, Any], Any] | None] = {
    "constant": None,
    "step": lambda s, optimizer: s.StepLR(optimizer, step_size=50, gamma=0.4),
    "multi_step": lambda s, optimizer: s.MultiStepLR(optimizer, [100, 150], gamma=0.2),
    "exponential": lambda s, optimizer: s.ExponentialLR(optimizer, gamma=0.985),
    "cosine": lambda s, optimizer: s.CosineAnnealingLR(optimizer, T_max=STEPS),
    "linear": lambda s, optimizer: s.LinearLR(optimizer, 1.0, 0.01, total_iters=STEPS),
    "one_cycle": lambda s, optimizer: s.OneCycleLR(
        optimizer, LR, total_steps=STEPS, cycle_momentum=False
    ),
    "plateau": lambda s, optimizer: s.ReduceLROnPlateau(optimizer, "min", 0.5, 20),
}


def learner(make: Callable[[Any, Any], Any] | None) -> MakeLearner:
    """64-32-10 with ReLU, in small batches, whose gradients are noisy."""
    return backprop(
        model=lambda nn: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, p: optim.SGD(p, lr=LR, momentum=0.5),
        scheduler=None
        if make is None
        else lambda optim, optimizer: make(optim.lr_scheduler, optimizer),
    )


def calms_down(side: Side) -> tuple[bool, str]:
    """With a falling rate the loss at the end is smaller than with a constant one."""
    found = {n: float(np.mean(side[n].metrics["cross_entropy/train"])) for n in MAKERS}
    falling = {n: found[n] for n in ("cosine", "linear", "one_cycle")}
    words = ", ".join(f"{name} {loss:.3f}" for name, loss in falling.items())
    return max(falling.values()) < found["constant"], (
        f"constant {found['constant']:.3f}, {words}"
    )


def draw(side: Side) -> Figure:
    """The learning rates, and the losses on all digits."""
    figure, (rates, losses) = figures.canvas(2)
    for name in MAKERS:
        steps, values = side[name].curve("cross_entropy/train")
        losses.semilogy(steps, values, label=name)
        if name != "plateau":
            rates.plot(path(name), label=name)
    figures.label(rates, "learning rate", "step", "")
    figures.label(losses, "loss on all digits", "step", "")
    losses.legend(fontsize=10)
    return figure


def path(name: str) -> list[float]:
    """The learning rate at every step, whatever the losses are."""
    parameter = handmade.nn.Parameter(np.zeros(1))
    optimizer = handmade.optim.SGD([parameter], lr=LR, momentum=0.5)
    make = MAKERS[name]
    scheduler = make(handmade.optim.lr_scheduler, optimizer) if make else None
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        if scheduler is not None:
            scheduler.step()
    return rates


EXPERIMENT = Experiment(
    title="Schedulers: the learning rate on its way",
    course=("A6", "A3"),
    heading="gradient descent, cautious and bold",
    data=_digits.small().draw,
    learners={name: learner(make) for name, make in MAKERS.items()},
    steps=STEPS,
    longest=STEPS,
    batch_size=16,
    metrics={"accuracy": _digits.accuracy, "cross_entropy": _digits.cross_entropy},
    claims={"falling rates end lower than a constant one": calms_down},
    figures={"rates": draw},
    story="A large rate gets near quickly, but small batches push the weights about as "
    "far as it is large. A rate that falls lets them settle.",
)
