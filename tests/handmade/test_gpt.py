"""Attention, RMSNorm, and a GPT of both with tied weights."""

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode

import handmade
import torch_ref
from compare.compile.tracing import replaced, unknown
from compare.tolerance import difference
from handmade import _array, nn
from handmade.gpt import GPT

VOCAB, LENGTH = 7, 5
RNG = np.random.default_rng(0)
X, TARGET = RNG.integers(0, VOCAB, (2, 3, LENGTH))
TARGET[1, 3:] = -100  # a sequence that ends earlier


def twins(n_layer=2, seed=0):
    """Both models with the same weights, which are none too small."""
    rng = np.random.default_rng(seed)
    ours, theirs = (
        package.gpt.GPT(VOCAB, LENGTH + 1, 8, 2, n_layer)
        for package in (handmade, torch_ref)
    )
    ours.to(np.zeros(1))
    for parameter, twin in zip(ours.parameters(), theirs.parameters(), strict=True):
        parameter.data = rng.normal(size=parameter.shape)
        twin.data = torch.from_numpy(parameter.data)
    return ours, theirs


def backward(ours):
    """Run both passes of the hand-written model; returns its loss."""
    criterion = nn.CrossEntropyLoss()
    loss = criterion(ours(X), TARGET)
    ours.backward(criterion.backward())
    return loss


def largest_error(ours, theirs):
    """The largest relative difference of all gradients, none of which is 0."""
    criterion = torch.nn.CrossEntropyLoss()
    criterion(theirs(torch.from_numpy(X)), torch.from_numpy(TARGET)).backward()
    wanted = dict(theirs.named_parameters())
    pairs = [(p.grad, wanted[name].grad) for name, p in ours.named_parameters()]
    assert len(pairs) == len(wanted)
    found = [difference(got, want) for got, want in pairs]
    assert min(one.scale for one in found) > 1e-6
    return max(one.relative for one in found)


@pytest.mark.parametrize("n_layer", [0, 1, 3])
def test_loss_and_all_gradients_of_a_gpt_are_autograds(n_layer):
    ours, theirs = twins(n_layer)
    loss = backward(ours)
    logits = theirs(torch.from_numpy(X))
    want = torch.nn.functional.cross_entropy(logits, torch.from_numpy(TARGET))
    assert loss == pytest.approx(want.item(), rel=1e-13)
    assert largest_error(ours, theirs) <= 1e-12


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-4)])
def test_a_gpt_computes_the_same_on_torch_arrays_of_both_precisions(dtype, rtol):
    ours, moved = (twins()[0] for _ in range(2))
    moved.to(torch.zeros(1, dtype=getattr(torch, dtype)))
    backward(ours)
    criterion = nn.CrossEntropyLoss()
    criterion(moved(torch.from_numpy(X)), torch.from_numpy(TARGET))
    moved.backward(criterion.backward())
    for got, want in zip(moved.parameters(), ours.parameters(), strict=True):
        assert got.grad.dtype == getattr(torch, dtype)
        assert difference(got.grad, want.grad).relative <= rtol


def test_a_gpt_works_where_its_inputs_lie():
    ours, mode = twins()[0], FakeTensorMode()
    mode.allow_meta = True
    with mode, replaced({_array.holds: unknown}):
        for parameter in ours.parameters():
            parameter.data = torch.empty(
                parameter.shape, dtype=torch.float64, device="meta"
            )
        logits = ours(torch.empty(X.shape, dtype=torch.int64, device="meta"))
        ours.backward(torch.empty_like(logits))
        made = [logits, *(parameter.grad for parameter in ours.parameters())]
        assert {array.device.type for array in made} == {"meta"}


PARTS = ["head", "token", "position", "blocks.0.0.1", "blocks.0.1", "blocks.2"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("factor", [0, -1, 2])
def test_a_spoiled_part_of_the_backward_pass_is_seen(part, factor):
    ours, theirs = twins()
    spoiled = dict(named_modules(ours))[part]
    right = spoiled.backward
    spoiled.backward = lambda grad_output: right(factor * grad_output)
    backward(ours)
    assert largest_error(ours, theirs) > 1e-3


def named_modules(module, name=""):
    yield name, module
    for inner, child in module.named_children():
        yield from named_modules(child, f"{name}.{inner}".removeprefix("."))


def test_a_tied_weight_is_one_parameter_with_the_gradients_of_both_places():
    ours, _ = twins()
    assert ours.head.weight is ours.token.weight
    backward(ours)
    both = ours.token.weight.grad
    untied, _ = twins()
    untied.head.weight = nn.Parameter(untied.token.weight.data)
    backward(untied)
    parts = untied.token.weight.grad, untied.head.weight.grad
    assert all(np.abs(part).max() > 1e-3 for part in parts)
    np.testing.assert_allclose(both, sum(parts), rtol=1e-13)


def test_a_tied_weight_stays_tied_when_loaded_moved_and_trained():
    ours, _ = twins()
    names = [name for name, _ in ours.named_parameters()]
    assert "token.weight" in names
    assert "head.weight" not in names
    ours.load_state_dict({n: a.copy() for n, a in ours.state_dict().items()})
    optimizer = handmade.optim.Adam(ours.parameters(), lr=0.1)
    backward(ours)
    optimizer.step()
    state = ours.to(np.zeros(1, np.float32)).state_dict()
    np.testing.assert_array_equal(state["head.weight"], state["token.weight"])
    assert ours.head.weight is ours.token.weight


@pytest.mark.parametrize("place", range(1, LENGTH))
def test_a_later_token_changes_no_logit_at_all(place):
    other = X.copy()
    other[:, place] = (X[:, place] + 1) % VOCAB
    ours, theirs = twins()
    changed = ours(X), ours(other)
    torchs = (theirs(torch.from_numpy(a)).detach().numpy() for a in (X, other))
    for one, two in (changed, torchs):
        np.testing.assert_array_equal(one[:, :, :place], two[:, :, :place])
        assert np.abs(one - two)[:, :, place:].max(axis=(0, 1)).min() > 1e-3


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (np.zeros((1, LENGTH + 2), int), ValueError),
        (np.zeros(3, int), ValueError),
        (np.zeros((2, 3)), TypeError),
        (np.full((2, 3), VOCAB), (IndexError, ValueError)),
    ],
)
def test_what_are_no_sequences_of_tokens_is_refused(x, error):
    with pytest.raises(error):
        GPT(VOCAB, LENGTH + 1, 8, 2, 1)(x)


def test_each_query_spreads_a_weight_of_1_over_the_keys_up_to_it():
    attention = nn.MultiheadAttention(6, 3, batch_first=True, is_causal=True)
    attention.to(np.zeros(1))(RNG.normal(size=(2, 4, 6)))
    p = attention.saved[-1]
    assert p.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-15)
    assert (p > 0).sum() == 2 * 3 * (1 + 2 + 3 + 4)
    assert np.all(np.triu(p, 1) == 0)


REFUSED = {
    "dropout": 0.1,
    "add_bias_kv": True,
    "add_zero_attn": True,
    "kdim": 4,
    "vdim": 4,
    "batch_first": False,
    "num_heads": 4,
    "embed_dim": 0,
    "is_causal": "yes",
}


@pytest.mark.parametrize("option", REFUSED)
def test_an_attention_names_the_option_that_it_refuses(option):
    options = {"embed_dim": 6, "num_heads": 2, "batch_first": True}
    with pytest.raises((TypeError, ValueError), match=option):
        nn.MultiheadAttention(**{**options, option: REFUSED[option]})


@pytest.mark.parametrize("shape", [(6,), (2, 3, 5), (1, 2, 3, 6)])
def test_an_attention_refuses_what_are_no_sequences(shape):
    attention = nn.MultiheadAttention(6, 2, batch_first=True).to(np.zeros(1))
    with pytest.raises(ValueError, match="embed_dim = 6"):
        attention(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_rms_norm_of_tiny_numbers_shows_its_epsilon_of_the_dtype(dtype):
    x = np.array([[1e-9, -2e-9]], dtype)
    t = torch.from_numpy(x)
    want = torch.nn.RMSNorm(2, dtype=t.dtype)(t)
    got = nn.RMSNorm(2).to(x)(x)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, want.detach().numpy(), rtol=1e-6)
    without = x / np.sqrt(np.mean(x * x))
    assert np.abs(got - without).max() > 0.1 * np.abs(without).max()


@pytest.mark.parametrize(
    ("args", "error"),
    [((0,), ValueError), (((),), ValueError), ((2, -1.0), ValueError)],
)
def test_an_rms_norm_refuses_what_it_cannot_divide_by(args, error):
    with pytest.raises(error, match="RMSNorm"):
        nn.RMSNorm(*args)


def test_the_start_of_an_attention_is_torchs():
    ours, theirs = (
        package.nn.MultiheadAttention(64, 4, batch_first=True)
        for package in (handmade, torch_ref)
    )
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    for name, twin in theirs.named_parameters():
        own, other = ours.state_dict()[name], twin.detach().numpy()
        assert own.shape == other.shape
        assert own.dtype == other.dtype
        assert np.abs(own).max() == pytest.approx(np.abs(other).max(), rel=0.01)
        assert own.std() == pytest.approx(other.std(), rel=0.05)
