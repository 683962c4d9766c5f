"""What a schedule leaves at its end: torch's rates, and a state that can be loaded."""

import copy

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.arrays import Backend
from compare.experiment import backprop
from compare.lockstep import Lockstep
from handmade import nn, optim
from handmade.optim import lr_scheduler

X = np.random.default_rng(0).normal(size=(8, 3))
Y = np.random.default_rng(1).normal(size=(8, 1))
OPTIMIZERS = [("SGD", {"lr": 0.3, "momentum": 0.9}), ("Adam", {"lr": 0.3})]


def lesson(optimizer, options, schedule, **how):
    """A tiny regression under a schedule, for either wing."""
    return backprop(
        model=lambda nn: nn.Linear(3, 1),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, p: getattr(optim, optimizer)(p, **options),
        scheduler=lambda optim, it: getattr(optim.lr_scheduler, schedule)(it, **how),
    )


def groups_of(learner):
    """All but the parameters of the first group."""
    group = learner.optimizer.param_groups[0]
    names = ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr")
    return {name: group[name] for name in names if name in group}


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("total_steps", [2, 10, 21])
def test_a_linear_cycle_lasts_for_all_its_batches(
    name, options, three_phase, total_steps
):
    how = {
        "max_lr": 0.1,
        "total_steps": total_steps,
        "anneal_strategy": "linear",
        "three_phase": three_phase,
        "pct_start": 0.4,
    }
    ends = []
    for wing, make in ((handmade, np.asarray), (torch_ref, torch.asarray)):
        learner = lesson(name, options, "OneCycleLR", **how)(wing)
        learner.to(np.zeros(1)) if wing is handmade else learner.model.double()
        for _ in range(total_steps):
            learner.step(make(X), make(Y))
        ends.append(groups_of(learner))
    assert ends[0] == ends[1]
    assert ends[0]["lr"] < 0


def cycle_of(pct_start):
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], momentum=0.9)
    options = {"max_lr": 1, "total_steps": 5, "pct_start": pct_start}
    return optimizer, lr_scheduler.OneCycleLR(optimizer, **options)


@pytest.mark.parametrize("pct_start", [0.3, 1.0])
def test_a_step_that_is_refused_changes_nothing(pct_start):
    """After the last step, or before one in a phase without steps."""
    optimizer, scheduler = cycle_of(pct_start)
    for _ in range(5 if pct_start < 1 else 4):
        scheduler.step()
    before = scheduler.state_dict(), copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match="OneCycleLR: step"):
        scheduler.step()
    assert (scheduler.state_dict(), optimizer.state_dict()) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_steps": 1, "pct_start": 1.0},
        {"last_epoch": "1"},
        {"last_epoch": -2},
        {"last_epoch": 9},
        {"last_epoch": 3},
        {"max_momentum": 1.0},
        {"max_momentum": [0.9, 1.0]},
        {"base_momentum": [0.9]},
    ],
    ids=str,
)
def test_a_cycle_that_is_refused_leaves_the_groups_as_they_were(wrong):
    pair = [{"params": [nn.Parameter(np.ones(1))]} for _ in range(2)]
    optimizer = optim.Adam(pair, lr=0.5)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises((ValueError, TypeError, KeyError), match="OneCycleLR|Adam: "):
        lr_scheduler.OneCycleLR(optimizer, **{"max_lr": 1, "total_steps": 9, **wrong})
    assert optimizer.state_dict() == before
