"""The end of a schedule: torch's rates, and a state that can be loaded."""

import copy

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.experiment import backprop
from handmade import nn, optim
from handmade.optim import lr_scheduler

X = np.random.default_rng(0).normal(size=(8, 3))
Y = np.random.default_rng(1).normal(size=(8, 1))
OPTIMIZERS = [("SGD", {"lr": 0.3, "momentum": 0.9}), ("Adam", {"lr": 0.3})]


def lesson(optimizer, options, schedule, **how):
    """A tiny regression under a schedule, for either implementation."""
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
    for package, make in ((handmade, np.asarray), (torch_ref, torch.asarray)):
        learner = lesson(name, options, "OneCycleLR", **how)(package)
        learner.to(np.zeros(1)) if package is handmade else learner.model.double()
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
    with pytest.raises((ValueError, TypeError, KeyError), match=r"OneCycleLR|Adam: "):
        lr_scheduler.OneCycleLR(optimizer, **{"max_lr": 1, "total_steps": 9, **wrong})
    assert optimizer.state_dict() == before


SINKING = [
    ("LinearLR", {"start_factor": 1 / 3, "end_factor": 0.0, "total_iters": 5}, 5),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "linear"}, 9),
]


@pytest.mark.parametrize(("schedule", "how", "steps"), SINKING)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_a_run_goes_on_from_a_rate_just_below_0(name, options, schedule, how, steps):
    learner, other = (
        lesson(name, options, schedule, **how)(handmade).to(np.zeros(1))
        for _ in range(2)
    )
    for _ in range(steps):
        learner.step(X, Y)
    assert learner.optimizer.param_groups[0]["lr"] < 0
    other.load_state_dict(learner.state_dict())
    assert groups_of(other) == groups_of(learner)


def loading(name, change, **options):
    optimizer = getattr(optim, name)([nn.Parameter(np.ones((2, 2)))], **options)
    saved = optimizer.state_dict()
    saved["param_groups"][0] |= change
    optimizer.load_state_dict(saved)
    return optimizer.param_groups[0]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("SGD", {"lr": -4e-18}),
        ("SGD", {"nesterov": True, "momentum": 0}),
        ("Adam", {"betas": [1.02, 0.999]}),
        ("Adam", {"lr": float("inf")}),
        ("Muon", {"adjust_lr_fn": "match_rms_adamw"}),
    ],
)
def test_what_schedules_may_leave_behind_is_loaded(name, change):
    assert loading(name, change).items() >= change.items()


@pytest.mark.parametrize(
    ("name", "change", "error", "words"),
    [
        ("SGD", {"lr": "a"}, TypeError, "lr must be a real number, got str"),
        ("SGD", {"lr": None}, TypeError, "lr must be a real number, got NoneType"),
        ("SGD", {"lr": float("nan")}, ValueError, "lr must be .*, got nan"),
        ("SGD", {"nesterov": "yes"}, TypeError, "nesterov must be a real number"),
        ("Adam", {"betas": 0.9}, TypeError, "betas must be 2 numbers, got 0.9"),
        ("Adam", {"betas": (0.9,)}, ValueError, r"must be 2 numbers, got \(0.9,\)"),
        ("Adam", {"betas": ("a", 1)}, TypeError, "each of betas must be a real number"),
        ("Rprop", {"etas": (1, 2, 3)}, ValueError, "etas must be 2 numbers"),
        ("AdamW", {"decoupled_weight_decay": False}, ValueError, "that is Adam"),
        ("Muon", {"adjust_lr_fn": "x"}, ValueError, "adjust_lr_fn must be None, .*'x'"),
        ("Muon", {"ns_steps": 5.0}, TypeError, "ns_steps must be a whole number"),
    ],
)
def test_a_loaded_option_of_another_kind_is_refused(name, change, error, words):
    with pytest.raises(error, match=f"{name}.*: .*{words}"):
        loading(name, change)
