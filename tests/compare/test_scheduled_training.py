"""Training with a schedule and clipping: equal on both sides, compared, resumable."""

import dataclasses

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import handmade
import torch_ref
from compare import checkpoint, registry
from compare.backend import Backend
from compare.experiment import Data, backprop
from compare.lockstep import Lockstep
from compare.trainer import RunConfig, run
from handmade.optim import lr_scheduler

SCHEDULES = {
    "OneCycleLR": {"max_lr": 0.3, "total_steps": 60},
    "CosineAnnealingLR": {"T_max": 20},
    "MultiStepLR": {"milestones": [5, 9]},
    "ReduceLROnPlateau": {"patience": 1, "threshold": 0.3, "factor": 0.7},
}


def clip(nn, parameters):
    return nn.utils.clip_grad_norm_(parameters, 0.3)


def two_groups(optim, parameters):
    weight, *others = parameters
    groups = [{"params": [weight], "lr": 0.2}, {"params": others}]
    return optim.SGD(groups, lr=0.1, momentum=0.8)


def learners(name, clip=clip, optimizer=two_groups, **options):
    options = options or SCHEDULES[name]
    return backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=optimizer,
        scheduler=lambda optim, it: getattr(optim.lr_scheduler, name)(it, **options),
        clip=clip,
    )


def batch(seed, n=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.normal(size=(n, 1))


def stepped(name, steps=12, backend=None, **kwargs):
    lockstep = Lockstep(learners(name, **kwargs), backend or Backend(), seed=2)
    found = []
    while len(found) < steps and lockstep.history.failure is None:
        found.append(lockstep.step(*batch(len(found))))
    return lockstep, found


@pytest.mark.parametrize(
    ("array", "dtype"), [("numpy", "float64"), ("torch", "float32")]
)
@pytest.mark.parametrize("name", SCHEDULES)
def test_both_sides_agree_under_a_schedule_and_a_clip(name, array, dtype):
    lockstep, steps = stepped(name, backend=Backend(array, "cpu", dtype))
    assert lockstep.verdict().agrees, lockstep.verdict().words
    first, last = steps[0].rates, steps[-1].rates
    assert first["handmade"] == first["torch_ref"] != last["handmade"]
    assert len(first["handmade"]) == 2
    assert last["handmade"] == last["torch_ref"]


def test_a_schedule_changes_the_rate_after_each_batch():
    _, steps = stepped("MultiStepLR", milestones=[1, 3], gamma=0.5, steps=5)
    rates = [step.rates["handmade"] for step in steps]
    assert rates == [[0.2, 0.1], *[[0.1, 0.05]] * 2, *[[0.05, 0.025]] * 2]


def test_a_clip_bounds_the_gradients_that_the_optimizer_sees():
    lockstep, _ = stepped("CosineAnnealingLR")
    for learner in (lockstep.handmade_learner, lockstep.torch_learner):
        squares = [float((g**2).sum()) for g in learner.gradients().values()]
        assert sum(squares) == pytest.approx(0.09, 1e-4)
    lockstep, _ = stepped("CosineAnnealingLR", clip=None)
    squares = [
        float((g**2).sum()) for g in lockstep.handmade_learner.gradients().values()
    ]
    assert sum(squares) > 0.2


def slow_momentum(self, group, name):
    return 0.5 if name == "momentum" else ANNEALED(self, group, name)


def without_threshold(self, metric):
    return metric < self.best


def not_in_a_row(self, metric):
    if self._is_better(metric):
        self.best = metric
    else:
        self.num_bad_epochs += 1


ANNEALED = lr_scheduler.OneCycleLR._annealed
WRONG = [
    (
        "CosineAnnealingLR.rate",
        lambda self, group, base_lr, first: group["lr"] * 0.99,
        "optimizer.param_groups.0.lr",
    ),
    ("OneCycleLR._annealed", slow_momentum, "optimizer.param_groups.0.momentum"),
    ("ReduceLROnPlateau._is_better", without_threshold, "scheduler.best"),
    ("ReduceLROnPlateau._count", not_in_a_row, "scheduler.num_bad_epochs"),
    ("ReduceLROnPlateau._reduce", lambda self: None, "optimizer.param_groups.0.lr"),
]


@pytest.mark.parametrize(("what", "wrong", "words"), WRONG)
def test_a_wrong_schedule_is_a_mistake(what, wrong, words, monkeypatch):
    """Though the re-synced side takes over torch's rates before every step."""
    name, method = what.split(".")
    monkeypatch.setattr(getattr(lr_scheduler, name), method, wrong)
    if method in ("_is_better", "_count"):
        monkeypatch.setitem(SCHEDULES[name], "patience", 4)
    lockstep, _ = stepped(name, steps=20)
    assert not lockstep.verdict().agrees
    assert words in lockstep.verdict().words


@pytest.mark.parametrize("wrong", [lambda nn, p: None, lambda nn, p: half(nn, p)])
def test_a_wrong_clip_is_a_mistake(wrong):
    def make(library):
        side = wrong if library is handmade else clip
        return learners("CosineAnnealingLR", clip=side)(library)

    lockstep = Lockstep(make, Backend(), seed=2)
    lockstep.step(*batch(0))
    assert not lockstep.verdict().agrees


def half(nn, parameters):
    nn.utils.clip_grad_norm_(parameters, 0.15)


PACKAGES = {"handmade": (handmade, np.asarray), "torch_ref": (torch_ref, torch.tensor)}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_resumed_learner_goes_on_with_its_schedule(package, name, tmp_path):
    library, give = PACKAGES[package]
    give_batch = [tuple(give(a) for a in batch(i)) for i in range(30)]
    straight, resumed = (learners(name)(library).to(give(np.zeros(1))) for _ in "ab")
    library.training.fit(straight, give_batch[:11])
    state = straight.state_dict()
    resumed.load_state_dict(state)
    before = repr(resumed.state_dict())
    library.training.fit(straight, give_batch[11:])
    assert repr(resumed.state_dict()) == before, "what was loaded is no copy"
    library.training.fit(resumed, give_batch[11:])
    assert repr(resumed.state_dict()) == repr(straight.state_dict())
    assert {*state} == {"model", "optimizer", "scheduler"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_learner_moved_in_the_middle_keeps_its_schedule(package):
    library, give = PACKAGES[package]
    learner, twin = (
        learners("OneCycleLR")(library).to(give(np.zeros(1))) for _ in "ab"
    )
    for one in (learner, twin):
        library.training.fit(one, [tuple(give(a) for a in batch(0))] * 5)
    learner.to(give(np.zeros(1, np.float32)))
    small = tuple(give(a.astype(np.float32)) for a in batch(1))
    library.training.fit(learner, [small] * 5)
    library.training.fit(twin, [tuple(give(a) for a in batch(1))] * 5)
    assert learner.scheduler.get_last_lr() == twin.scheduler.get_last_lr()
    for one, two in zip(
        learner.optimizer.param_groups, twin.optimizer.param_groups, strict=True
    ):
        assert {k: v for k, v in one.items() if k != "params"} == {
            k: v for k, v in two.items() if k != "params"
        }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_state_with_a_schedule_needs_one_and_a_schedule_its_state(package):
    library, _ = PACKAGES[package]
    scheduled = learners("OneCycleLR")(library)
    plain = library.training.GradientLearner(
        scheduled.model, scheduled.criterion, lambda p: two_groups(library.optim, p)
    )
    with pytest.raises(KeyError, match=r"expected .*'scheduler'.* got"):
        scheduled.load_state_dict(plain.state_dict())
    with pytest.raises(KeyError, match=r"expected .* got .*'scheduler'"):
        plain.load_state_dict(scheduled.state_dict())


def lesson(name, **changes):
    """Digits under a schedule, clipped, in batches."""
    _, digits = registry.load("digits_mlp")
    made = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 10)),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, 0.2, momentum=0.9),
        scheduler=lambda optim, it: getattr(optim.lr_scheduler, name)(
            it, **SCHEDULES[name]
        ),
        clip=clip,
    )
    own = {"learners": {"mlp": made}, "steps": 50, "metrics": {}, "figures": {}}
    claims = {"it ran": lambda side: (True, "")}
    return dataclasses.replace(digits, **{**own, "claims": claims, **changes})


def cut_after(steps):
    def progress(walk, label, total):
        for step in walk:
            yield step
            if step.number == steps:
                raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("name", ["OneCycleLR", "ReduceLROnPlateau"])
def test_a_resumed_lesson_ends_bit_identical(name, tmp_path, monkeypatch):
    monkeypatch.setattr("compare.trainer.SAVE_SECONDS", 0.01)
    settings = RunConfig(logdir=tmp_path)
    whole = run("whole", lesson(name), settings)
    assert whole.ok, whole.verdict.words
    with pytest.raises(KeyboardInterrupt):
        run("cut", lesson(name), settings, cut_after(23))
    (cut,) = (tmp_path / "cut").iterdir()
    assert run("cut", lesson(name), settings, resumed=cut).verdict == whole.verdict
    folders = cut, whole.folder
    curves = [(folder / "curves.csv").read_bytes() for folder in folders]
    states = [checkpoint.load(f / checkpoint.NAME)["trials"] for f in folders]
    assert curves[0] == curves[1]
    with np.printoptions(threshold=10**6, floatmode="unique"):
        assert repr(states[0]) == repr(states[1])


def rates(folder, side):
    events = EventAccumulator(str(folder / side), size_guidance={"scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("lr/")]
    return {tag: [point.value for point in events.Scalars(tag)] for tag in tags}


def test_the_rate_of_each_step_is_logged_on_both_sides(tmp_path):
    result = run("digits", lesson("OneCycleLR"), RunConfig(logdir=tmp_path))
    ours, theirs = (rates(result.folder, side) for side in ("handmade", "torch_ref"))
    assert ours == theirs
    assert [*ours] == ["lr/train"]
    assert ours["lr/train"][0] == pytest.approx(0.3 / 25)
    assert max(ours["lr/train"]) == pytest.approx(0.3, rel=1e-2)
    assert len(ours["lr/train"]) == 50


def test_rates_of_several_groups_are_told_apart_and_fixed_ones_not_logged(tmp_path):
    x, y = batch(0)
    data = {"data": lambda rng: Data(x=x, target=y), "batch_size": None, "steps": 3}
    made = {"learners": {"net": learners("CosineAnnealingLR")}, **data}
    result = run("two", lesson("OneCycleLR", **made), RunConfig(logdir=tmp_path))
    found = rates(result.folder, "handmade")
    assert [*found] == ["lr/train/group0", "lr/train/group1"]
    assert found["lr/train/group1"][0] == pytest.approx(0.1)
    plain = run(*registry.load("or_gate"), RunConfig(steps=3, logdir=tmp_path))
    assert rates(plain.folder, "handmade") == {}


OPTIMIZERS = [("SGD", {"lr": 0.3, "momentum": 0.9}), ("Adam", {"lr": 0.3})]


SINKING = [
    ("LinearLR", {"start_factor": 1 / 3, "end_factor": 0.0, "total_iters": 5}, 5),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "linear"}, 9),
]


@pytest.mark.parametrize(("schedule", "how", "steps"), SINKING)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_both_sides_agree_at_a_rate_just_below_0(name, options, schedule, how, steps):
    more = 3 if schedule == "LinearLR" else 0
    make = learners(schedule, None, lambda o, p: getattr(o, name)(p, **options), **how)
    lockstep = Lockstep(make, Backend(), seed=2)
    for number in range(steps + more):
        lockstep.step(*batch(number))
    assert lockstep.history.failure is None
    assert lockstep.verdict().agrees, lockstep.verdict().words
    assert lockstep.handmade_learner.optimizer.param_groups[0]["lr"] < 0


@pytest.mark.parametrize("name", registry.names())
def test_a_lesson_whose_schedule_ends_says_how_long_it_lasts(name):
    _, experiment = registry.load(name)
    makers = experiment.learners.values()
    schedules = [getattr(make(handmade), "scheduler", None) for make in makers]
    planned = {lr_scheduler.OneCycleLR: "total_steps"}
    if experiment.longest is not None:  # a cosine rises again, if a run may go on
        planned[lr_scheduler.CosineAnnealingLR] = "T_max"
    ends = [
        getattr(schedule, planned[type(schedule)])
        for schedule in schedules
        if type(schedule) in planned
    ]
    assert experiment.longest == min(ends, default=None)


def lasting(**changes):
    _, gate = registry.load("or_gate")
    return dataclasses.replace(gate, **{"steps": 3, "longest": 20, **changes})


def test_a_run_beyond_a_lessons_longest_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"can take at most 20 steps, .* got 21"):
        run("gate", lasting(), RunConfig(steps=21, logdir=tmp_path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="longest must be at least steps, got 2 and 3"):
        lasting(longest=2)


@pytest.mark.parametrize(
    ("steps", "fast", "taken"), [(None, False, 3), (20, False, 20), (99, True, 10)]
)
def test_a_run_within_a_lessons_longest_is_taken(steps, fast, taken):
    assert RunConfig(steps=steps, fast=fast).steps_of(lasting()) == taken
