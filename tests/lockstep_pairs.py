"""Learners to be trained in lockstep, and mistakes to be put into them."""

from types import SimpleNamespace

import numpy as np

import handmade
from compare.backend import Backend
from compare.experiment import backprop
from compare.lockstep import Lockstep

X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.random.default_rng(1).normal(size=(6, 2))


def learner(library, lr=0.1, **more):
    return backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=lr, **more),
    )(library)


def trained(make, steps=20, backend=None, start=None):
    lockstep = Lockstep(make, backend or Backend(), 0, start)
    for _ in range(steps):
        lockstep.step(X, Y)
    return lockstep


def mistaken(make, **mistakes):
    """Makes the same learners, the hand-written one with other classes by name."""

    def replaced(package):
        names = {name: getattr(package, name) for name in package.__all__}
        return SimpleNamespace(**{n: mistakes.get(n, v) for n, v in names.items()})

    library = SimpleNamespace(
        nn=replaced(handmade.nn),
        optim=replaced(handmade.optim),
        training=handmade.training,
    )
    return lambda given: make(library if given is handmade else given)


def normalised(bias, optimizer):
    """A layer before batch norm: the gradient of its bias is 0 but for rounding."""
    return backprop(
        model=lambda nn: nn.Sequential(
            nn.Linear(3, 4, bias=bias), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)
        ),
        loss=lambda nn: nn.MSELoss(),
        optimizer=optimizer,
    )


def sgd(optim, parameters):
    return optim.SGD(parameters, lr=0.05, momentum=0.9)
