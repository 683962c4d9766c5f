"""Micro-batches add up to the batch, in both libraries and whatever their sizes."""

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.experiment import backprop, with_micro_batches

SIDES = {"handmade": (handmade, np.asarray), "torch_ref": (torch_ref, torch.asarray)}
RNG = np.random.default_rng(0)
X, CLASSES = RNG.normal(size=(13, 4)), RNG.integers(0, 3, 13)
NET = backprop(
    model=lambda nn: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)),
    loss=lambda nn: nn.CrossEntropyLoss(),
    optimizer=lambda optim, parameters: optim.Adam(parameters, lr=0.1),
    scheduler=lambda optim, optimizer: optim.lr_scheduler.StepLR(optimizer, 2),
    clip=lambda nn, parameters: nn.utils.clip_grad_norm_(parameters, 0.1),
)


def trained(side, make, steps=5):
    """Losses, last gradients and weights after a few steps on all 13 examples."""
    library, give = SIDES[side]
    handmade.manual_seed(0)
    start = NET(handmade).to(np.zeros(1)).parameters()
    learner = make(library).to(give(np.zeros(1)))
    learner.model.load_state_dict({name: give(a) for name, a in start.items()})
    losses = [learner.step(give(X), give(CLASSES)) for _ in range(steps)]
    found = {"losses": losses, **learner.parameters()}
    found |= {f"gradient {name}": g for name, g in learner.gradients().items()}
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_micro_batches_make_the_whole_batch(side, count):
    whole = trained(side, NET)
    parts = trained(side, with_micro_batches(NET, count))
    assert whole.keys() == parts.keys()
    for name, want in whole.items():
        np.testing.assert_allclose(
            parts[name], want, rtol=1e-12, atol=1e-13, err_msg=name
        )


def test_a_share_that_is_wrong_would_be_seen(monkeypatch):
    parts = handmade.accumulation._parts
    plain = lambda n, k: ((rows, 1 / k) for rows, _ in parts(n, k))  # noqa: E731
    monkeypatch.setattr(handmade.accumulation, "_parts", plain)
    with pytest.raises(AssertionError, match="Not equal"):
        test_micro_batches_make_the_whole_batch("handmade", 5)


def test_both_libraries_give_batch_norm_the_same_micro_batches():
    norm = lambda nn: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))  # noqa: E731
    found = []
    for library, give in SIDES.values():
        handmade.manual_seed(0)
        start = norm(handmade.nn).to(np.zeros(1)).state_dict()
        learner = library.accumulation.AccumulatingLearner(
            norm(library.nn).to(give(np.zeros(1))),
            library.nn.CrossEntropyLoss(),
            lambda p, library=library: library.optim.SGD(p, lr=0.5),
            micro_batches=5,
        )
        learner.model.load_state_dict({n: give(a) for n, a in start.items()})
        learner.step(give(X), give(CLASSES))
        found.append({n: np.asarray(a) for n, a in learner.model.state_dict().items()})
    ours, theirs = found
    assert ours["1.num_batches_tracked"] == 5
    for name, want in theirs.items():
        np.testing.assert_allclose(ours[name], want, rtol=1e-12, atol=1e-14)


def learner(side, criterion=lambda nn: nn.CrossEntropyLoss(), count=2):
    library, give = SIDES[side]
    model = library.nn.Linear(4, 3).to(give(np.zeros(1)))
    return library.accumulation.AccumulatingLearner(
        model,
        criterion(library.nn),
        lambda parameters: library.optim.SGD(parameters, lr=0.1),
        micro_batches=count,
    )


@pytest.mark.parametrize("side", SIDES)
def test_what_micro_batches_cannot_add_up_to_is_refused(side):
    give = SIDES[side][1]
    with pytest.raises(ValueError, match=r"reduction='mean'.*got 'sum'"):
        learner(side, lambda nn: nn.MSELoss(reduction="sum"))
    weight = give(np.ones(3))
    with pytest.raises(ValueError, match="CrossEntropyLoss must have no weight"):
        learner(side, lambda nn: nn.CrossEntropyLoss(weight))
    with pytest.raises(ValueError, match="micro_batches must be at least 1, got 0"):
        learner(side, count=0)
    with pytest.raises(ValueError, match=r"13 examples.* 14 "):
        learner(side, count=14).step(give(X), give(CLASSES))
    ignoring = learner(side, lambda nn: nn.CrossEntropyLoss(ignore_index=2))
    with pytest.raises(ValueError, match="no target may be ignore_index 2"):
        ignoring.step(give(X), give(CLASSES))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_weights_must_be_the_same_for_all_examples(side, name):
    give, target = SIDES[side][1], (X[:, :3] > 0) * 1.0
    for shape in ((3,), (1, 3)):
        weight = {name: give(RNG.uniform(1, 2, shape))}
        one, many = (
            learner(side, lambda nn, w=weight: nn.BCEWithLogitsLoss(**w), count)
            for count in (1, 5)
        )
        many.model.load_state_dict(one.model.state_dict())
        want = one.step(give(X), give(target))
        assert many.step(give(X), give(target)) == pytest.approx(want, rel=1e-12)
    own = {name: give(np.ones((13, 1)))}
    with pytest.raises(ValueError, match=rf"{name} of BCEWithLogitsLoss.*\(13, 1\)"):
        learner(side, lambda nn: nn.BCEWithLogitsLoss(**own)).step(
            give(X), give(target)
        )


def test_only_learners_of_backprop_take_micro_batches():
    make = with_micro_batches(lambda library: library.cluster.KMeans(2, 2), 3)
    for library in (handmade, torch_ref):
        with pytest.raises(ValueError, match="accumulate cannot be set: KMeans"):
            make(library)


@pytest.mark.parametrize("side", SIDES)
def test_inputs_may_be_whole_numbers(side):
    library, give = SIDES[side]
    make = backprop(
        model=lambda nn: nn.Sequential(
            nn.Embedding(5, 2), nn.Flatten(), nn.Linear(6, 3)
        ),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    indices, losses = np.random.default_rng(1).integers(0, 5, (13, 3)), []
    for one in (make, with_micro_batches(make, 2)):
        library.manual_seed(0)
        learner = one(library).to(give(np.zeros(1)))
        losses.append([learner.step(give(indices), give(CLASSES)) for _ in range(3)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    assert losses[0][0] != losses[0][1]
