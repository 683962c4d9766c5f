"""Schedules go where torch's go, step by step, and refuse what makes no sense."""

import copy
import json
import math

import numpy as np
import pytest
import torch

import torch_ref
from compare import checkpoint
from handmade import nn, optim
from handmade.optim import lr_scheduler

STEPS = 400
RATES = (0.1, 0.007)
OPTIONS = [
    ("StepLR", {"step_size": 1, "gamma": 0.99}),
    ("StepLR", {"step_size": 30}),
    ("StepLR", {"step_size": 7, "gamma": 1.5}),
    ("MultiStepLR", {"milestones": [10, 90, 91, 200]}),
    ("MultiStepLR", {"milestones": [50, 3, 3, 3, 50], "gamma": 0.5}),
    ("MultiStepLR", {"milestones": (0, 0, 2), "gamma": 0.3}),
    ("MultiStepLR", {"milestones": []}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("ExponentialLR", {"gamma": 1.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "end_factor": 0.9, "total_iters": 350}),
    ("LinearLR", {"start_factor": 1, "end_factor": 0, "total_iters": 77}),
    ("LinearLR", {"total_iters": 0}),
    ("LinearLR", {"total_iters": 1, "start_factor": 0.5}),
    ("CosineAnnealingLR", {"T_max": 350}),
    ("CosineAnnealingLR", {"T_max": 50, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.05}),
    ("CosineAnnealingLR", {"T_max": 2}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS}),
    ("OneCycleLR", {"max_lr": [0.5, 0.02], "epochs": 8, "steps_per_epoch": 50}),
    ("OneCycleLR", {"max_lr": 1, "total_steps": STEPS, "three_phase": True}),
    (
        "OneCycleLR",
        {
            "max_lr": 0.3,
            "total_steps": STEPS + 7,
            "pct_start": 0.17,
            "anneal_strategy": "linear",
            "base_momentum": [0.7, 0.6],
            "max_momentum": [0.8, 0.9],
            "div_factor": 3.0,
            "final_div_factor": 50.0,
            "three_phase": True,
        },
    ),
    (
        "OneCycleLR",
        {
            "max_lr": 0.3,
            "total_steps": STEPS,
            "anneal_strategy": "linear",
            "cycle_momentum": False,
        },
    ),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": STEPS, "pct_start": 0.0}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": STEPS, "pct_start": 1.0}),
]
PLATEAUS = [
    {},
    {"patience": 0, "factor": 0.9},
    {"mode": "max", "patience": 3, "factor": 0.8},
    {"threshold": 0.3, "patience": 2, "factor": 0.7, "cooldown": 4},
    {"threshold": 0.3, "threshold_mode": "abs", "patience": 1, "factor": 0.6},
    {"mode": "max", "threshold": 0.2, "threshold_mode": "abs", "factor": 0.5},
    {"mode": "max", "threshold": 1.0, "patience": 5, "factor": 0.5},
    {"min_lr": [0.02, 0.001], "patience": 1, "factor": 0.5},
    {"min_lr": 0.001, "patience": 0, "factor": 0.5, "cooldown": 1},
    {"eps": 0.01, "patience": 0, "factor": 0.5},
    {"factor": 0, "patience": 4},
]


class Betas(optim.Optimizer):
    """Adam's groups, and no more."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr, "betas": (0.9, 0.999)})

    def check(self, group):
        if not 0 <= group["betas"][0] < 1:
            raise ValueError(f"betas must be below 1, got {group['betas']}")


class Plain(optim.Optimizer):
    """An optimizer with a learning rate alone."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    def check(self, group):
        pass


def groups(parameters):
    return [{"params": [p], "lr": lr} for p, lr in zip(parameters, RATES, strict=True)]


def ours(make=optim.SGD, **kwargs):
    return make(groups([nn.Parameter(np.ones(1)) for _ in RATES]), **kwargs)


def theirs(make=torch.optim.SGD, **kwargs):
    twins = [torch.nn.Parameter(torch.ones(1)) for _ in RATES]
    optimizer = make(groups(twins), **kwargs)
    optimizer._opt_called = True  # or torch warns that nobody has stepped it
    return optimizer


def scheduled(name, options, optimizer):
    package = lr_scheduler if isinstance(optimizer, optim.Optimizer) else torchs()
    return getattr(package, name)(optimizer, **options)


def torchs():
    return torch_ref.optim.lr_scheduler


def values(optimizer):
    """All that schedules change and keep in the groups."""
    names = optim.optimizer.SCHEDULED | {"lr", "momentum", "betas"}
    return [{n: g[n] for n in names if n in g} for g in optimizer.param_groups]


def same_state(a, b):
    """The state is torch's, but for its flags and what it holds a default as."""
    ours, theirs = a.state_dict(), b.state_dict()
    flags = {"_is_initial", "_get_lr_called_within_step", "default_min_lr"}
    return ours == {k: v for k, v in theirs.items() if k not in flags}


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_every_rate_is_torchs_to_the_last_bit(name, options):
    a, b = ours(momentum=0.9), theirs(momentum=0.9)
    mine, twin = scheduled(name, options, a), scheduled(name, options, b)
    for _ in range(STEPS - 1):
        assert values(a) == values(b)
        assert mine.get_last_lr() == twin.get_last_lr()
        assert mine.get_last_lr() == [group["lr"] for group in a.param_groups]
        assert same_state(mine, twin)
        mine.step()
        twin.step()
    assert values(a) == values(b)


@pytest.mark.parametrize("three", [False, True])
def test_one_cycle_moves_the_first_beta_as_torchs_does(three):
    a, b = ours(Betas), theirs(torch.optim.Adam)
    options = {"max_lr": 0.5, "total_steps": 60, "three_phase": three}
    mine, twin = (
        scheduled("OneCycleLR", options, a),
        scheduled("OneCycleLR", options, b),
    )
    for _ in range(59):
        mine.step()
        twin.step()
        assert values(a) == values(b)
    assert a.param_groups[0]["betas"][0] == pytest.approx(0.95)
    assert a.param_groups[0]["betas"][1] == 0.999
    assert a.defaults["betas"] == (0.9, 0.999)


@pytest.mark.parametrize("options", PLATEAUS)
def test_a_plateau_is_seen_when_torch_sees_it(options):
    a, b = ours(), theirs()
    mine = scheduled("ReduceLROnPlateau", options, a)
    twin = scheduled("ReduceLROnPlateau", options, b)
    rng = np.random.default_rng(1)
    sizes = [*np.exp(-np.linspace(0, 3, STEPS // 2)), *np.linspace(1, -1, STEPS // 2)]
    changes = set()
    for size in sizes:
        loss = float(rng.normal(3 * size))
        mine.step(np.asarray(loss))
        twin.step(loss)
        assert values(a) == values(b)
        assert mine.get_last_lr() == twin.get_last_lr()
        assert same_state(mine, twin)
        changes.add(mine.get_last_lr()[0])
    assert len(changes) > 1


def test_a_loss_that_is_nan_or_ties_is_no_improvement():
    a, b = ours(), theirs()
    options = {"patience": 1, "threshold": 0}
    mine = scheduled("ReduceLROnPlateau", options, a)
    twin = scheduled("ReduceLROnPlateau", options, b)
    for loss in (math.nan, 2.0, 2.0, math.nan, 2.0, 1.0, math.inf, math.nan):
        mine.step(loss)
        twin.step(loss)
        assert values(a) == values(b)
        assert repr(mine.best) == repr(twin.best)
        assert same_state(mine, twin)


def test_a_change_of_eps_is_too_small():
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    options = {"patience": 0, "factor": 0.5, "eps": 0.25}
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    for _ in range(3):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.5]


RESUMABLE = [OPTIONS[i] for i in (0, 1, 3, 4, 7, 10, 11, 14, 15, 18, 20, 21)]


@pytest.mark.parametrize("last_epoch", [0, 8, 29, 30])
@pytest.mark.parametrize(("name", "options"), RESUMABLE)
def test_a_schedule_gone_on_with_from_last_epoch_is_torchs(name, options, last_epoch):
    ends = []
    for optimizer in (ours(momentum=0.9), theirs(momentum=0.9)):
        first = scheduled(name, options, optimizer)
        for _ in range(last_epoch):
            first.step()
        again = ours if isinstance(optimizer, optim.Optimizer) else theirs
        fresh = again(momentum=0.5)
        fresh.load_state_dict(optimizer.state_dict())
        second = scheduled(name, {**options, "last_epoch": last_epoch}, fresh)
        ends.append([second.last_epoch, values(fresh)])
        for _ in range(40):
            second.step()
            ends[-1].append(values(fresh))
    assert ends[0] == ends[1]


def test_a_group_may_say_its_initial_lr():
    parameter = nn.Parameter(np.ones(1))
    group = {"params": [parameter], "lr": 0.05, "initial_lr": 0.2}
    optimizer = optim.SGD([group])
    mine = lr_scheduler.CosineAnnealingLR(optimizer, 10, last_epoch=3)
    assert mine.base_lrs == [0.2]
    assert mine.get_last_lr() == [0.05]


def test_a_second_schedule_starts_from_the_first_ones_initial_lr():
    optimizer = ours()
    lr_scheduler.LinearLR(optimizer, 0.5)
    assert lr_scheduler.ExponentialLR(optimizer, 0.9).base_lrs == list(RATES)


@pytest.mark.parametrize("name", ["initial_lr", "max_lr", "min_lr", "base_momentum"])
def test_going_on_needs_what_the_schedule_kept_in_the_groups(name):
    optimizer = ours(momentum=0.9)
    options = {"max_lr": 0.5, "total_steps": 50}
    lr_scheduler.OneCycleLR(optimizer, **options)
    del optimizer.param_groups[1][name]
    with pytest.raises(KeyError, match=f"each group must hold '{name}'"):
        lr_scheduler.OneCycleLR(optimizer, **options, last_epoch=4)
    with pytest.raises(KeyError, match="StepLR: to go on from last_epoch >= 0 each"):
        lr_scheduler.StepLR(ours(), 3, last_epoch=0)


@pytest.mark.parametrize(("name", "options"), [*OPTIONS[::3], OPTIONS[4]])
@pytest.mark.parametrize("way", ["copied", "from torch", "to torch", "checkpoint"])
def test_a_loaded_schedule_goes_on_unchanged(name, options, way, tmp_path):
    def pair(optimizer):
        return optimizer(momentum=0.9), optimizer(momentum=0.9)

    (straight, other), (torch_one, torch_other) = pair(ours), pair(theirs)
    mine = scheduled(name, options, straight)
    twin = scheduled(name, options, torch_one)
    for one in (mine, twin):
        for _ in range(9):
            one.step()
    into = torch_other if way == "to torch" else other
    fresh = scheduled(name, options, into)
    source = twin if way == "from torch" else mine
    state = {"s": source.state_dict(), "o": source.optimizer.state_dict()}
    if way == "checkpoint":
        checkpoint.save(tmp_path / "state.npz", state)
        state = checkpoint.load(tmp_path / "state.npz")
    into.load_state_dict(state["o"])
    fresh.load_state_dict(state["s"])
    assert fresh.get_last_lr() == mine.get_last_lr()
    for _ in range(100):
        mine.step()
        fresh.step()
        assert values(into) == values(straight)


def test_a_state_is_a_copy_on_the_way_out_and_in():
    optimizer = ours()
    one = lr_scheduler.MultiStepLR(optimizer, [1, 2])
    state = one.state_dict()
    state["base_lrs"][0] = 7
    state["milestones"][1] = 9
    one.get_last_lr()[0] = 7
    assert one.base_lrs == one.get_last_lr() == list(RATES)
    one.load_state_dict(state)
    state["base_lrs"][0] = 8
    state["milestones"].clear()
    assert one.base_lrs[0] == 7
    assert one.milestones == {1: 9, 2: 1}
    assert one.optimizer is optimizer


def test_a_loaded_state_shares_no_table():
    one = lr_scheduler.OneCycleLR(ours(), 0.5, 9)
    state = one.state_dict()
    one.load_state_dict(state)
    state["_schedule_phases"][0]["end_step"] = 5
    assert one.state_dict()["_schedule_phases"][0]["end_step"] != 5


def test_a_state_of_another_schedule_is_refused_whole():
    one = lr_scheduler.ExponentialLR(ours(), 0.9)
    before = one.state_dict()
    steps = lr_scheduler.StepLR(ours(), 3).state_dict()
    with pytest.raises(KeyError, match=r"missing \[\], unexpected \['step_size'\]"):
        one.load_state_dict(steps)
    del steps["step_size"], steps["gamma"]
    with pytest.raises(KeyError, match=r"missing \['gamma'\], unexpected \[\]"):
        one.load_state_dict(steps)
    alone = optim.SGD([nn.Parameter(np.ones(1))])
    fewer = lr_scheduler.ExponentialLR(alone, 0.8).state_dict()
    with pytest.raises(ValueError, match="expected a state of 2 groups, got one of 1"):
        one.load_state_dict(fewer)
    assert one.state_dict() == before


def test_what_some_versions_of_torch_add_to_a_state_is_let_pass():
    plateau = lr_scheduler.ReduceLROnPlateau(ours())
    state = copy.deepcopy(plateau.state_dict())
    plateau.load_state_dict(
        {**state, "default_min_lr": 0, "verbose": False, "_flag": 1}
    )
    assert plateau.state_dict() == state


def test_a_schedule_leaves_an_optimizer_that_steps():
    """The rate that is set is the rate that is used."""
    parameter = nn.Parameter(np.ones(1))
    optimizer = optim.SGD([parameter], lr=1.0)
    scheduler = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for _ in range(3):
        parameter.grad = np.ones(1)
        optimizer.step()
        scheduler.step()
    assert parameter.data.tolist() == [1 - 1 - 0.5 - 0.25]


@pytest.mark.parametrize("name", ["StepLR", "ReduceLROnPlateau"])
def test_groups_that_were_added_later_are_refused(name):
    optimizer = ours()
    options = {"step_size": 3} if name == "StepLR" else {}
    scheduler = scheduled(name, options, optimizer)
    optimizer.add_param_group({"params": [nn.Parameter(np.ones(2))]})
    step = [0.0] if name == "ReduceLROnPlateau" else []
    with pytest.raises(ValueError, match=f"{name}: the optimizer had 2 groups, now 3"):
        scheduler.step(*step)


def test_one_cycle_ends_one_step_after_its_last_as_torchs_does():
    a, b = ours(momentum=0.9), theirs(momentum=0.9)
    options = {"max_lr": 0.5, "total_steps": 5}
    mine, twin = (
        scheduled("OneCycleLR", options, a),
        scheduled("OneCycleLR", options, b),
    )
    for _ in range(5):
        mine.step()
        twin.step()
        assert values(a) == values(b)
    before = mine.state_dict()
    with pytest.raises(ValueError, match="step 6 lies beyond the cycle of 5 steps"):
        mine.step()
    with pytest.raises(ValueError, match="Tried to step 6 times"):
        twin.step()
    assert mine.state_dict() == before


REFUSED = [
    ("StepLR", {"step_size": 0}, ValueError, "step_size must be at least 1, got 0"),
    ("StepLR", {"step_size": 2.5}, TypeError, "step_size must be a whole number"),
    ("StepLR", {"step_size": 1, "gamma": -0.1}, ValueError, "gamma must be at least 0"),
    (
        "StepLR",
        {"step_size": 1, "gamma": "a"},
        TypeError,
        "gamma must be a real number",
    ),
    (
        "StepLR",
        {"step_size": 1, "last_epoch": -2},
        ValueError,
        "last_epoch must be at least -1, got -2",
    ),
    ("MultiStepLR", {"milestones": [1, 2.5]}, TypeError, "a milestone must be a whole"),
    ("MultiStepLR", {"milestones": 5}, TypeError, "milestones must be .*, got int"),
    ("MultiStepLR", {"milestones": [-1]}, ValueError, "a milestone must be at least 0"),
    ("MultiStepLR", {"milestones": [1], "gamma": -1}, ValueError, "gamma must be at"),
    ("ExponentialLR", {"gamma": math.nan}, ValueError, "gamma must be at least 0"),
    ("LinearLR", {"start_factor": 0}, ValueError, "start_factor must be positive"),
    ("LinearLR", {"start_factor": 1.5}, ValueError, "start_factor must be at most 1"),
    ("LinearLR", {"end_factor": -0.1}, ValueError, "end_factor must be at least 0"),
    ("LinearLR", {"end_factor": 1.1}, ValueError, "end_factor must be at most 1"),
    ("LinearLR", {"total_iters": -1}, ValueError, "total_iters must be at least 0"),
    ("CosineAnnealingLR", {"T_max": 0}, ValueError, "T_max must be at least 1, got 0"),
    ("CosineAnnealingLR", {"T_max": 9.5}, TypeError, "T_max must be a whole number"),
    (
        "CosineAnnealingLR",
        {"T_max": 9, "eta_min": -1},
        ValueError,
        "eta_min must be at least 0",
    ),
    ("OneCycleLR", {"max_lr": 1}, ValueError, "got None, None and None"),
    (
        "OneCycleLR",
        {"max_lr": 1, "epochs": 2},
        ValueError,
        "either total_steps or both",
    ),
    ("OneCycleLR", {"max_lr": 1, "steps_per_epoch": 2}, ValueError, "None, None and 2"),
    (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": 4, "epochs": 2},
        ValueError,
        "got 4, 2 and None",
    ),
    (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": 4, "steps_per_epoch": 2},
        ValueError,
        "got 4, None and 2",
    ),
    (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": 0},
        ValueError,
        "total_steps must be at",
    ),
    (
        "OneCycleLR",
        {"max_lr": 1, "epochs": 0, "steps_per_epoch": 3},
        ValueError,
        "epochs must be at least 1",
    ),
    (
        "OneCycleLR",
        {"max_lr": 1, "epochs": 3, "steps_per_epoch": 0},
        ValueError,
        "steps_per_epoch must be at least 1",
    ),
    (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": 1, "pct_start": 1.0},
        ValueError,
        "step 0 falls into a phase without steps",
    ),
    (
        "OneCycleLR",
        {"max_lr": [1], "total_steps": 9},
        ValueError,
        "one number or 2, one",
    ),
    ("OneCycleLR", {"max_lr": -1, "total_steps": 9}, ValueError, "max_lr must be at"),
]
REFUSED += [
    ("OneCycleLR", {"max_lr": 1, "total_steps": 90, **wrong}, error, words)
    for wrong, error, words in [
        ({"pct_start": -0.1}, ValueError, "pct_start must be at least 0"),
        ({"pct_start": 1.1}, ValueError, "pct_start must be at most 1"),
        ({"anneal_strategy": "sin"}, ValueError, "'cos' or 'linear', got 'sin'"),
        ({"anneal_strategy": np.ones(2)}, ValueError, "'cos' or 'linear', got array"),
        ({"div_factor": 0}, ValueError, "div_factor must be positive"),
        ({"final_div_factor": 0}, ValueError, "final_div_factor must be positive"),
        ({"max_momentum": [0.9]}, ValueError, "max_momentum must be one number or 2"),
        ({"base_momentum": -1}, ValueError, "base_momentum must be at least 0"),
    ]
]
REFUSED += [
    ("ReduceLROnPlateau", wrong, error, words)
    for wrong, error, words in [
        ({"mode": "best"}, ValueError, "mode must be 'min' or 'max', got 'best'"),
        ({"factor": 1.0}, ValueError, "factor must be below 1, got 1.0"),
        ({"factor": -0.1}, ValueError, "factor must be at least 0"),
        ({"patience": -1}, ValueError, "patience must be at least 0"),
        ({"patience": 0.5}, TypeError, "patience must be a whole number"),
        ({"threshold": -1}, ValueError, "threshold must be at least 0"),
        ({"threshold_mode": "x"}, ValueError, "threshold_mode must be 'rel' or 'abs'"),
        ({"cooldown": -1}, ValueError, "cooldown must be at least 0"),
        ({"min_lr": -1}, ValueError, "min_lr must be at least 0"),
        ({"min_lr": [0, 0, 0]}, ValueError, "min_lr must be one number or 2, one .* 3"),
        ({"eps": -1}, ValueError, "eps must be at least 0"),
    ]
]


@pytest.mark.parametrize(
    ("name", "options", "error", "words"), REFUSED, ids=range(len(REFUSED))
)
def test_wrong_options_are_refused_in_words(name, options, error, words):
    with pytest.raises(error, match=f"{name}: .*{words}"):
        scheduled(name, options, ours(momentum=0.9))


@pytest.mark.parametrize(
    "name", sorted({n for n, _ in OPTIONS} | {"ReduceLROnPlateau"})
)
def test_only_a_handmade_optimizer_is_scheduled(name):
    options = next((o for n, o in OPTIONS if n == name), {})
    with pytest.raises(TypeError, match=f"{name}: expected a handmade Optimizer, got"):
        getattr(lr_scheduler, name)(theirs(), **options)


def test_one_cycle_needs_a_momentum_to_cycle():
    with pytest.raises(ValueError, match="Plain has neither"):
        lr_scheduler.OneCycleLR(ours(Plain), 1, 9)
    lr_scheduler.OneCycleLR(ours(Plain), 1, 9, cycle_momentum=False).step()


def test_a_momentum_out_of_the_optimizers_range_is_refused():
    with pytest.raises(ValueError, match="betas must be below 1"):
        lr_scheduler.OneCycleLR(ours(Betas), 1, 9, max_momentum=1.0)


def test_a_schedule_takes_numpys_numbers_and_keeps_pythons():
    optimizer = ours()
    scheduler = lr_scheduler.StepLR(optimizer, np.int64(2), np.float64(0.5))
    scheduler.step()
    scheduler.step()
    assert json.dumps(scheduler.state_dict())
    assert {type(lr) for lr in scheduler.get_last_lr()} == {float}


def test_a_schedule_of_no_kind_says_nothing():
    with pytest.raises(NotImplementedError):
        lr_scheduler.LRScheduler(ours())
