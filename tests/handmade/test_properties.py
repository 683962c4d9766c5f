"""Both implementations agree for any shape, dtype, scale, layout and option.

A small, fixed part of `make fuzz`; hypothesis shrinks what fails.
"""

import dataclasses
import inspect

import fuzz
import numpy as np
import pytest
from agreement import Mismatch, check, check_gradient_belongs_to_value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import LAYERS, LOSSES, NAMES, OPTIMIZERS, example, examples, seeded
from strategies.spec import DTYPES, LAYOUTS, SCALES, Descent, Example

import handmade
from handmade import nn

ordinary = settings(
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LOOK = 300
"""How many examples of a class are drawn to see what is met."""
SHARE = 100
"""How many of a class the fuzzer checks even here."""


def some(name):
    """Many examples of a class: drawn, not checked."""
    for seed in range(LOOK):
        rng = np.random.default_rng(seed)
        yield example(
            name, lambda options, rng=rng: options[rng.integers(len(options))]
        )


def for_some(name, check_one):
    for drawn in some(name):
        check_one(drawn)


@pytest.mark.parametrize("name", [*LAYERS, *LOSSES])
@given(data=st.data())
@ordinary
def test_value_and_gradients_are_torchs(name, data):
    check(data.draw(examples(name)))


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(data=st.data())
@ordinary
def test_every_step_of_an_optimizer_is_torchs(name, data):
    check(data.draw(examples(name)))


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
@ordinary
def test_the_gradient_of_a_loss_is_the_slope_of_its_own_value(name, data):
    check_gradient_belongs_to_value(data.draw(examples(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_first_examples_of_the_fuzzer_agree(name):
    for seed in range(NAMES.index(name), SHARE * len(NAMES), len(NAMES)):
        check(seeded(seed)[1])


def test_every_class_has_its_drawer():
    layers = set(nn.__all__) - {"Module", "Parameter"}
    optimizers = set(handmade.optim.__all__) - {"Optimizer"}
    assert set(NAMES) == layers | optimizers


def options_of(drawn):
    if isinstance(drawn, Example):
        return [(drawn.args, drawn.kwargs)]
    return [((), drawn.kwargs), *(((), own) for own, _ in drawn.groups)]


ONE_VALUE = {
    *("padding_mode", "return_indices", "inplace", "min_value", "max_value"),
    *("_weight", "_freeze", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"),
    *("dropout", "add_bias_kv", "add_zero_attn", "kdim", "vdim", "batch_first"),
}
"""Options of torch's that are refused unless they have their default."""


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_constructor_option_is_varied(name):
    package = handmade.optim if name in OPTIMIZERS else nn
    signature = inspect.signature(getattr(package, name))
    fixed = {"params", *ONE_VALUE}
    seen = {option: set() for option in signature.parameters if option not in fixed}
    for drawn in some(name):
        for args, kwargs in options_of(drawn):
            bound = signature.bind_partial(*args, **kwargs)
            bound.apply_defaults()
            for option in seen:
                seen[option].add(str(bound.arguments.get(option)))
    assert {option for option, values in seen.items() if len(values) < 2} == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_array_is_met(name):
    drawn = list(some(name))
    assert {e.dtype for e in drawn} == set(DTYPES)
    kinds = {(library, layout) for library, them in LAYOUTS.items() for layout in them}
    assert {(e.library, e.layout) for e in drawn} == kinds


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LAYERS, *LOSSES])
def test_batches_of_none_and_one_and_every_scale_are_met(name):
    inputs = [e.inputs[0] for e in some(name)]
    assert {0, 1} <= {x.shape[0] for x in inputs if x.ndim}
    if name not in ("BCELoss", "Sequential", "Embedding", "MultiheadAttention"):
        largest = [np.abs(x).max(initial=0) for x in inputs]
        assert min(a for a in largest if a) < 10 * min(SCALES)
        assert max(largest) > max(SCALES) / 10


MISMATCHED = {
    "half in the value only": (0.5, 1.0),
    "factor in the gradient only": (1.0, 2.0),
    "sign turned in the gradient": (1.0, -1.0),
    "gradient a thousandth off": (1.0, 1.001),
}


@pytest.mark.parametrize("how", MISMATCHED)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_with_the_gradient_of_another_is_caught(name, how, monkeypatch):
    in_value, in_gradient = MISMATCHED[how]

    class Mismatched(getattr(nn, name)):
        def forward(self, *inputs):
            return in_value * super().forward(*inputs)

        def backward(self, *upstream):
            return in_gradient * super().backward(*upstream)

    monkeypatch.setattr(nn, name, Mismatched)
    with pytest.raises(Mismatch, match="does not belong to the value"):
        for_some(name, check_gradient_belongs_to_value)


class WritesIntoItsInput(nn.ReLU):
    def forward(self, x):
        y = super().forward(x)
        x[...] = y
        return y


class AnswersInFloat64(nn.ReLU):
    def backward(self, grad_output):
        return np.asarray(super().backward(grad_output), np.float64)


class HasSlopeOneAtZero(nn.ReLU):
    def backward(self, grad_output):
        return grad_output * (self.saved >= 0)


class IsALittleOff(nn.ReLU):
    def forward(self, x):
        return super().forward(x) * (1 + 1e-11)


FAULTS = [
    (WritesIntoItsInput, "an array was written to"),
    (AnswersInFloat64, "float64 came of float32|came of arrays of torch"),
    (HasSlopeOneAtZero, "input gradient is .* from torch's"),
    (IsALittleOff, "output is .* from torch's"),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_a_fault_is_named(fault, words, monkeypatch):
    monkeypatch.setattr(nn, "ReLU", fault)
    with pytest.raises(Mismatch, match=words):
        for_some("ReLU", check)


def test_an_optimizer_that_differs_in_one_option_is_caught(monkeypatch):
    class Undamped(handmade.optim.SGD):
        def updated(self, data, grad, state, group):
            return super().updated(data, grad, state, {**group, "dampening": 0})

    monkeypatch.setattr(handmade.optim, "SGD", Undamped)
    with pytest.raises(Mismatch, match=r"parameter . is .* from torch's"):
        for_some("SGD", check)


TINY = (np.array([1e-6]), np.array([0.0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_of_a_tiny_probability_keeps_its_digits(dtype):
    check(Example("BCELoss", inputs=TINY, dtype=dtype))


def test_no_velocity_lives_in_a_gradient_that_is_overwritten():
    params = [np.ones(2)]
    check(Descent("SGD", {"lr": 0.1, "momentum": 0.9}, (({}, params),), steps=3))


def test_one_seed_is_one_example():
    for seed in range(len(NAMES)):
        assert repr(seeded(seed)) == repr(seeded(seed))
    assert {seeded(seed)[0] for seed in range(len(NAMES))} == set(NAMES)


def test_the_fuzzer_counts_what_it_checked(capsys):
    assert fuzz.main(["--examples", str(2 * len(NAMES)), "--processes", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed[:-1]] == [[name, "2"] for name in NAMES]
    assert f"{2 * len(NAMES)} examples, 0 mismatches" in printed[-1]


def test_the_fuzzer_stops_at_a_mismatch_that_its_seed_reproduces(monkeypatch, capsys):
    class Wrong(nn.MSELoss):
        def backward(self, *upstream):
            return 1.5 * super().backward(*upstream)

    monkeypatch.setattr(nn, "MSELoss", Wrong)
    assert fuzz.main(["--examples", "1000", "--processes", "1"]) == 1
    first = capsys.readouterr().err.splitlines()
    seed = first[0].removeprefix("MISMATCH: MSELoss, seed ")
    assert fuzz.main(["--seed", seed, "--examples", "1", "--processes", "1"]) == 1
    assert capsys.readouterr().err.splitlines() == first


def test_a_descent_is_described_in_full():
    drawn = next(some("SGD"))
    assert isinstance(drawn, Descent)
    fields = {f.name for f in dataclasses.fields(drawn)}
    assert all(f"{name}=" in repr(drawn) for name in fields)
