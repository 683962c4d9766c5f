"""Pseudo-labels and pretraining: which examples count, and when a phase ends."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.tolerance import difference

RNG = np.random.default_rng
X = RNG(0).normal(size=(12, 4))
Y = np.array([0, 1, 2, -1, -1, -1, -1, -1, -1, -1, -1, -1])


def pseudo(library, sure=0.5, every=3, lr=0.1):
    nn = library.nn
    return library.semi_supervised.PseudoLabels(
        nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)),
        lambda parameters: library.optim.Adam(parameters, lr=lr, eps=1e-4),
        sure=sure,
        every=every,
    )


def pretrained(library, pretrain=3):
    nn = library.nn
    model = library.semi_supervised.Autoencoder(
        nn.Sequential(nn.Linear(4, 2), nn.Tanh()), nn.Linear(2, 4), nn.Linear(2, 3)
    )
    return library.semi_supervised.Pretrained(
        model,
        lambda parameters: library.optim.Adam(parameters, lr=0.1, eps=1e-4),
        pretrain=pretrain,
    )


LEARNERS = {"pseudo": pseudo, "pretrained": pretrained}


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("array", ["numpy", "torch"])
def test_both_sides_take_the_same_steps_through_every_phase(name, array):
    give = np.asarray if array == "numpy" else torch.as_tensor
    ours, theirs = (LEARNERS[name](package) for package in (handmade, torch_ref))
    ours.to(give(X))
    theirs.to(torch.as_tensor(X))
    start = ours.state_dict()["model"]
    theirs.model.load_state_dict({n: torch.as_tensor(a) for n, a in start.items()})
    for _ in range(10):
        losses = ours.step(give(X), give(Y)), theirs.step(*map(torch.as_tensor, (X, Y)))
        assert losses[0] == pytest.approx(losses[1], rel=1e-12)
        want = theirs.gradients()
        assert ours.gradients().keys() == want.keys() != set()
        for part in (ours.gradients(), want), (ours.parameters(), theirs.parameters()):
            assert all(difference(part[0][n], part[1][n]).within(1e-11) for n in want)


def test_the_gradient_of_pseudo_labels_is_autograds_with_fixed_answers():
    learner = pseudo(handmade).to(X)
    for _ in range(4):
        before = {n: a.copy() for n, a in learner.parameters().items()}
        y = learner.labels(X, Y)
        learner.step(X, Y)
    assert (y[3:] >= 0).any()
    theirs = pseudo(torch_ref).model.double()
    theirs.load_state_dict({n: torch.tensor(a) for n, a in before.items()})
    loss = torch.nn.functional.cross_entropy(
        theirs(torch.tensor(X)), torch.tensor(y), ignore_index=-1
    )
    loss.backward()
    for name, parameter in theirs.named_parameters():
        want, got = parameter.grad.numpy(), learner.gradients()[name]
        size = np.abs(want).max()
        assert np.abs(got - want).max() <= 1e-12 * size
        for wrong in (0 * got, 2 * got, -got):
            assert np.abs(wrong - want).max() > 0.1 * size


PARTS = {"decoder": 0, "head": 1}
"""Which part besides the encoder learns in which phase."""


@pytest.mark.parametrize("factor", [1, 0, 2, -1])
@pytest.mark.parametrize("spoiled", ["part", "encoder"])
@pytest.mark.parametrize("part", PARTS)
def test_the_gradients_of_either_phase_are_autograds_and_wrong_ones_show(
    part, spoiled, factor
):
    learner = pretrained(handmade, pretrain=1 - PARTS[part]).to(X)
    theirs = pretrained(torch_ref).model.double()
    before = learner.model.state_dict()
    theirs.load_state_dict({n: torch.tensor(a) for n, a in before.items()})
    x, y = torch.tensor(X), torch.tensor(Y)
    if part == "decoder":
        torch.nn.functional.mse_loss(theirs.reproduced(x), x).backward()
    else:
        torch.nn.functional.cross_entropy(theirs(x), y, ignore_index=-1).backward()
    module = getattr(learner.model, part if spoiled == "part" else "encoder")
    right = module.backward
    module.backward = lambda upstream: right(factor * upstream)
    learner.step(X, Y)
    want = {
        n: p.grad.numpy() for n, p in theirs.named_parameters() if p.grad is not None
    }
    assert learner.gradients().keys() == want.keys()
    assert {name.split(".")[0] for name in want} == {"encoder", part}
    gap = max(
        np.abs(got - want[n]).max() / np.abs(want[n]).max()
        for n, got in learner.gradients().items()
    )
    assert gap <= 1e-12 if factor == 1 else gap > 0.1


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_the_net_answers_only_where_no_label_is_and_it_is_sure(library):
    give = np.asarray if library is handmade else torch.tensor
    learner = pseudo(library, sure=0.4, every=2).to(give(X))
    for _ in range(2):
        assert learner.labels(give(X), give(Y)).tolist() == Y.tolist()
        learner.step(give(X), give(Y))
    assert all(
        bool((a == b).all())
        for a, b in zip(
            learner.teacher.state_dict().values(),
            learner.model.state_dict().values(),
            strict=True,
        )
    )
    logits = np.asarray(learner.teacher(give(X)).tolist())
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sure = shares.max(axis=1) > 0.4
    assert sure[3:].any()
    want = np.where((Y == -1) & sure, shares.argmax(axis=1), Y)
    assert learner.labels(give(X), give(Y)).tolist() == want.tolist()
    assert want[:3].tolist() == [0, 1, 2]


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_a_label_stays_even_where_the_teacher_is_sure_of_another(library):
    give = np.asarray if library is handmade else torch.tensor
    x, y = np.vstack([X[:1], X[:1], X]), np.append([1, 2], Y)  # three labels for one
    learner = pseudo(library, sure=0.0, every=1).to(give(x))
    for _ in range(4):
        learner.step(give(x), give(y))
    assert learner.labels(give(x), give(y)).tolist()[:5] == [1, 2, 0, 1, 2]


def test_the_teacher_stays_until_its_time_is_over():
    learner = pseudo(handmade, every=3).to(X)
    taught = []
    for _ in range(7):
        learner.step(X, Y)
        taught.append(learner.teacher.state_dict()["0.weight"].copy())
    changed = [bool(np.any(a != b)) for a, b in pairwise(taught)]
    assert changed == [False, True, False, False, True, False]


def test_an_unlabelled_example_counts_nothing_until_there_is_a_teacher():
    learner, few = pseudo(handmade).to(X), pseudo(handmade).to(X)
    few.load_state_dict(learner.state_dict())
    loss = learner.step(X, Y)
    assert loss == pytest.approx(few.step(X[:3], Y[:3]), rel=1e-14)
    np.testing.assert_allclose(
        learner.parameters()["0.weight"], few.parameters()["0.weight"], rtol=1e-12
    )


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_compressing_comes_first_and_looks_at_no_label(library):
    give = np.asarray if library is handmade else torch.tensor
    learner = pretrained(library, pretrain=2).to(give(X))
    losses, reached = [], []
    for _ in range(4):
        rebuilt = learner.model.reproduced(give(X)).tolist()
        losses.append((learner.step(give(X), give(Y)), rebuilt))
        reached.append({name.split(".")[0] for name in learner.gradients()})
    for loss, rebuilt in losses[:2]:
        assert loss == pytest.approx(np.mean((np.array(rebuilt) - X) ** 2), rel=1e-12)
    assert reached == [{"encoder", "decoder"}] * 2 + [{"encoder", "head"}] * 2


def test_without_pretraining_the_head_learns_at_once():
    learner = pretrained(handmade, pretrain=0).to(X)
    learner.step(X, Y)
    assert "head.weight" in learner.gradients()


def test_the_code_is_backpropagated_as_autograd_does():
    model = pretrained(handmade).to(X).model
    theirs = pretrained(torch_ref).model.double()
    state = {n: torch.tensor(a) for n, a in model.state_dict().items()}
    theirs.load_state_dict(state)
    upstream, x = RNG(1).normal(size=(12, 3)), torch.tensor(X, requires_grad=True)
    theirs(x).backward(torch.tensor(upstream))
    model(X)
    np.testing.assert_allclose(
        model.backward(upstream), x.grad.numpy(), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("library", [handmade, torch_ref])
@pytest.mark.parametrize("taken", [1, 4])
def test_a_loaded_state_goes_on_where_it_was_taken(name, library, taken):
    give = np.asarray if library is handmade else torch.tensor
    learner, other = (LEARNERS[name](library).to(give(X)) for _ in range(2))
    for _ in range(taken):
        learner.step(give(X), give(Y))
    other.load_state_dict(learner.state_dict())
    for _ in range(4):
        assert learner.step(give(X), give(Y)) == other.step(give(X), give(Y))
    assert learner.predict(give(X)).tolist() == other.predict(give(X)).tolist()
    weights = learner.parameters(), other.parameters()
    assert weights[0].keys() == weights[1].keys()
    assert all(weights[0][n].tolist() == weights[1][n].tolist() for n in weights[0])


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_states_of_other_learners_are_refused_and_change_nothing(name, library):
    give = np.asarray if library is handmade else torch.tensor
    learner, other = (LEARNERS[name](library).to(give(X)) for _ in range(2))
    other.step(give(X), give(Y))
    state, before = other.state_dict(), learner.predict(give(X)).tolist()
    for odd in (
        {**state, "scheduler": {}},
        {k: state[k] for k in state if k != "steps"},
    ):
        with pytest.raises(KeyError, match=r"load_state_dict: expected .*'steps'"):
            learner.load_state_dict(odd)
    assert learner.predict(give(X)).tolist() == before


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_moves_to_another_library_and_dtype(name):
    learner = LEARNERS[name](handmade).to(X)
    learner.step(X, Y)
    x, y = torch.tensor(X).float(), torch.tensor(Y)
    moved = learner.to(x)
    for _ in range(4):
        moved.step(x, y)
    assert all(a.dtype == torch.float32 for a in moved.parameters().values())


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_labels_that_say_nothing_are_refused(name, library):
    give = np.asarray if library is handmade else torch.tensor
    more = {"pretrain": 0} if name == "pretrained" else {}
    learner = LEARNERS[name](library, **more).to(give(X))
    with pytest.raises(ValueError, match="at least one example must have a label"):
        learner.step(give(X), give(np.full(12, -1)))


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_compressing_needs_no_label_at_all_and_telling_apart_does(library):
    give = np.asarray if library is handmade else torch.tensor
    one, other = (pretrained(library, pretrain=2).to(give(X)) for _ in range(2))
    other.load_state_dict(one.state_dict())
    for _ in range(2):
        loss = one.step(give(X), give(np.full(12, -1)))
        assert loss == other.step(give(X), give(Y))
    before = {n: a.tolist() for n, a in one.parameters().items()}
    with pytest.raises(ValueError, match="at least one example must have a label"):
        one.step(give(X), give(np.full(12, -1)))
    assert {n: a.tolist() for n, a in one.parameters().items()} == before
    assert one.step(give(X), give(Y)) == other.step(give(X), give(Y))


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_the_teacher_is_asked_in_evaluation_mode(library):
    # In training mode its Dropout would draw anew for each answer, and its BatchNorm
    # would look at the other examples and count them.
    give, nn = (np.asarray if library is handmade else torch.tensor), library.nn
    learner = library.semi_supervised.PseudoLabels(
        nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)),
        lambda parameters: library.optim.SGD(parameters, lr=0.5),
        sure=0.0,
        every=2,
    ).to(give(X))
    for seed in range(2):
        library.manual_seed(seed)
        learner.step(give(X), give(Y))
    known = np.argmax(np.asarray(learner.predict(give(X)).tolist()), axis=1)
    want = np.where(Y == -1, known, Y).tolist()
    before = {n: a.tolist() for n, a in learner.teacher.state_dict().items()}
    for seed in range(5):
        library.manual_seed(seed)
        assert learner.labels(give(X), give(Y)).tolist() == want
        assert learner.labels(give(X[8:]), give(Y[8:])).tolist() == want[8:]
        drawn = library._random.fraction()
        library.manual_seed(seed)
        assert drawn == library._random.fraction()  # nobody drew before
    assert {n: a.tolist() for n, a in learner.teacher.state_dict().items()} == before
    assert learner.model.training
    assert "0.running_mean" in before


@pytest.mark.parametrize("wrong", [3, -2, -100])
@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_labels_out_of_range_are_refused(library, wrong):
    give = np.asarray if library is handmade else torch.tensor
    target = Y.copy()
    target[5] = wrong
    words = {
        handmade: rf"class index in 0 … 2, got {wrong}",
        torch_ref: rf"Target {wrong} is out of bounds",  # torch's own
    }
    for learner in (pseudo(library), pretrained(library, pretrain=0)):
        with pytest.raises((ValueError, IndexError), match=words[library]):
            learner.to(give(X)).step(give(X), give(target))


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_hyper_parameters_out_of_range_are_refused(library):
    with pytest.raises(ValueError, match="sure must be from 0 to below 1, got 1"):
        pseudo(library, sure=1)
    with pytest.raises(ValueError, match=r"sure must be from 0 to below 1, got -0\.1"):
        pseudo(library, sure=-0.1)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        pseudo(library, every=0)
    with pytest.raises(TypeError, match="every must be a whole number"):
        pseudo(library, every=2.5)
    with pytest.raises(ValueError, match="pretrain must be at least 0, got -1"):
        pretrained(library, pretrain=-1)
