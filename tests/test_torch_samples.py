"""PyTorch's own sample inputs, those that its tests run on: each matches or is refused.

The samples come in torch's wheel; reading them needs `expecttest`, the extra "samples".
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.arrays import to_numpy
from handmade import nn

pytest.importorskip("expecttest", reason="the extra 'samples' is not installed")

BOUND = 1e-12
TABLED_FOR = "2.13"
"""The version of torch whose samples are counted below."""

MODULES = {
    "BCELoss": (6, 0),
    "BCEWithLogitsLoss": (6, 0),
    "CrossEntropyLoss": (104, 1),
    "L1Loss": (5, 0),
    "LeakyReLU": (5, 0),
    "Linear": (3, 0),
    "LogSoftmax": (4, 0),
    "MSELoss": (8, 0),
    "NLLLoss": (28, 0),
    "ReLU": (4, 0),
    "Sigmoid": (4, 0),
    "Softmax": (3, 0),
    "Tanh": (3, 0),
}
"""By module: how many samples match, and how many are refused."""

FUNCTIONS = {
    "flatten": ("Flatten", 45, 0),
    "log_softmax": ("LogSoftmax", 7, 7),
    "nn.functional.binary_cross_entropy": ("BCELoss", 11, 0),
    "nn.functional.binary_cross_entropy_with_logits": ("BCEWithLogitsLoss", 26, 0),
    "nn.functional.cross_entropy": ("CrossEntropyLoss", 21, 0),
    "nn.functional.l1_loss": ("L1Loss", 6, 0),
    "nn.functional.leaky_relu": ("LeakyReLU", 9, 0),
    "nn.functional.linear": ("Linear", 18, 0),
    "nn.functional.mse_loss": ("MSELoss", 6, 0),
    "nn.functional.nll_loss": ("NLLLoss", 61, 0),
    "nn.functional.relu": ("ReLU", 41, 0),
    "sigmoid": ("Sigmoid", 39, 0),
    "softmax": ("Softmax", 7, 7),
    "tanh": ("Tanh", 35, 0),
}
"""By function: the class that does its work, matches and refusals."""

OPTIMIZERS = {
    "Adadelta": (6, 0),
    "Adagrad": (7, 0),
    "Adam": (5, 0),
    "AdamW": (5, 0),
    "Muon": (7, 0),
    "NAdam": (7, 0),
    "RMSprop": (8, 0),
    "Rprop": (5, 0),
    "SGD": (9, 0),
}

REASONS = {
    "unexpected keyword argument 'dtype'": "convert the input instead",
    "the mean over no examples": "torch answers NaN",
}
"""What a refusal may say, and why it is accepted."""


TAKEN = {"betas must be either both floats or both Tensors"}
"""Errors of torch's that say nothing against the numbers."""


@cache
def database(kind):
    """One of torch's three databases, as a list."""
    frozen = torch.backends.flags_frozen()
    if kind == "modules":
        from torch.testing._internal.common_modules import module_db as found
    elif kind == "functions":
        from torch.testing._internal.common_methods_invocations import op_db as found
    else:
        from torch.testing._internal.common_optimizers import optim_db as found
    if not frozen:
        # Reading them freezes torch.backends for the whole process: undo that.
        flags = torch.backends.flags_frozen.__globals__
        flags["__allow_nonbracketed_mutation_flag"] = True
    return list(found)


@dataclass
class Sample:
    """One call that torch is tested with.

    Args:
        theirs: from the input to torch's answer.
        input: what is differentiated by.
        weights: torch's parameters, in our order.
        make: builds ours for a library.
        others: what forward is given besides the input.
    """

    theirs: Callable[[torch.Tensor], torch.Tensor]
    input: torch.Tensor
    weights: list[torch.Tensor]
    make: Callable[[str], nn.Module]
    others: tuple[Any, ...] = ()


def of_module(name):
    """The samples of a module of torch.nn."""
    (info,) = entries("modules", f"nn.{name}")
    for drawn in info.module_inputs_func(info, "cpu", torch.float64, True, True):
        build, forward = drawn.constructor_input, drawn.forward_input
        module = info.module_cls(*build.args, **build.kwargs).double()
        args = [*forward.args, *forward.kwargs.values()]
        yield Sample(
            lambda x, module=module, args=args: module(x, *args[1:]),
            args[0],
            list(module.parameters()),
            partial(made, name, build.args, build.kwargs),
            tuple(args[1:]),
        )


def of_function(name):
    """The samples of a function, as calls of the class that does its work."""
    cls = FUNCTIONS[name][0]
    variants = entries("functions", name)
    for info, drawn in ((i, d) for i in variants for d in references(i)):
        args, kwargs, others, weights = drawn.args, drawn.kwargs, (), []
        if cls.endswith("Loss"):
            args, others = (), drawn.args
        if cls == "Linear":
            weights = [a.detach().requires_grad_() for a in args]
            args, kwargs = tuple(weights[0].T.shape), {"bias": len(weights) > 1}
        if cls == "Flatten":
            args = args or (kwargs.get("start_dim", 0), kwargs.get("end_dim", -1))
            kwargs = {}
        rest = weights or drawn.args
        yield Sample(
            lambda x, rest=rest, drawn=drawn, op=info.op: op(x, *rest, **drawn.kwargs),
            drawn.input,
            weights,
            partial(made, cls, args, kwargs),
            others,
        )


def made(name, args, kwargs, library):
    """Our class with the same arguments."""
    kwargs = {k: given(v, library) for k, v in kwargs.items()}
    return getattr(nn, name)(*args, **kwargs).to(
        given(torch.zeros(1).double(), library)
    )


def references(info):
    """The samples of a function, and those that it is compared with NumPy on."""
    return info.reference_inputs("cpu", torch.float64, requires_grad=True)


def entries(kind, name):
    """A name's entries: a function may have one for each variant."""
    return [info for info in database(kind) if name_of(info) == name]


def name_of(info):
    """How a database calls its entry."""
    return info.optim_cls.__name__ if hasattr(info, "optim_cls") else info.name


def given(value, library):
    """A tensor as an array of the library, in its own strides; others as they are."""
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach()
    return value.numpy() if library == "numpy" else value


def differentiated(sample):
    """Torch's value, the upstream gradient, and the gradients."""
    x = sample.input.detach().requires_grad_()
    output = sample.theirs(x)
    values = np.random.default_rng(0).normal(size=tuple(output.shape))
    upstream = torch.from_numpy(np.asarray(values))
    gradients = torch.autograd.grad(output, [x, *sample.weights], upstream)
    return output.detach(), upstream, gradients


def answered(sample, library, upstream):
    """Our value and gradients."""
    module = sample.make(library)
    for parameter, weight in zip(module.parameters(), sample.weights, strict=True):
        parameter.data = given(weight, library)
    output = module(*(given(a, library) for a in (sample.input, *sample.others)))
    gradient = module.backward(given(upstream, library))
    return [output, gradient, *(p.grad for p in module.parameters())]


def refusal(sample, library):
    """Why our class refuses the sample; empty if it matches; an error otherwise."""
    output, upstream, gradients = differentiated(sample)
    try:
        ours = answered(sample, library, upstream)
    except (TypeError, ValueError) as error:
        return accepted(error, output)
    for got, want in zip(ours, [output, *gradients], strict=True):
        assert distance(to_numpy(got), to_numpy(want)) <= BOUND
    return ""


def accepted(error, output):
    """The entry of `REASONS` that the error's words stand under."""
    for words in REASONS:
        if words in str(error):
            assert "mean" not in words or bool(torch.isnan(output))
            return words
    raise error


def distance(got, want):
    """Relative max-norm; NaN and infinity must stand in the same places."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite])
    scale = np.max(np.abs(want[finite]), initial=0.0) or 1.0
    return np.max(np.abs(got[finite] - want[finite]), initial=0.0) / scale


def tally(name, reasons, matched, refused):
    """Print what became of all samples of a name, and compare it with the table."""
    found = Counter(reasons)
    right = found.pop("", 0)
    print(f"{name}: {right} match, {found.total()} are refused {dict(found) or ''}")
    if torch.__version__.startswith(TABLED_FOR):
        assert (right, found.total()) == (matched, refused)
    assert right > 0


@pytest.fixture(autouse=True)
def the_same_samples_each_time():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", MODULES)
def test_every_sample_of_a_module_matches_or_is_refused(name, library):
    reasons = [refusal(sample, library) for sample in of_module(name)]
    tally(f"nn.{name} on {library}", reasons, *MODULES[name])


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_sample_of_a_function_matches_or_is_refused(name, library):
    reasons = [refusal(sample, library) for sample in of_function(name)]
    tally(f"{name} on {library}", reasons, *FUNCTIONS[name][1:])


def walked(wing, name, options, give, steps=20):
    """Where an optimiser ends with these options."""
    rng = np.random.default_rng(0)
    shapes = ((10, 5), (3, 4)) if name == "Muon" else ((10, 5), (10,))
    params = [wing.nn.Parameter(give(rng.normal(size=s))) for s in shapes]
    optimizer = getattr(wing.optim, name)(params, **options)
    for _ in range(steps):
        for parameter in params:
            parameter.grad = give(rng.normal(size=tuple(parameter.shape)))
        optimizer.step()
    return [to_numpy(p.data) for p in params]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_sample_of_an_optimiser_matches(name, library):
    give = np.asarray if library == "numpy" else torch.from_numpy
    reasons = []
    (info,) = entries("optimizers", name)
    for drawn in info.optim_inputs_func("cpu"):
        # A tensor's lr, torch multiplies in float32; ours is the number it holds.
        kwargs = {
            k: v.item() if hasattr(v, "item") else v for k, v in drawn.kwargs.items()
        }
        want = walked(torch_ref, name, kwargs, torch.from_numpy)
        got = walked(handmade, name, drawn.kwargs, give)
        distances = [distance(g, w) for g, w in zip(got, want, strict=True)]
        assert max(distances) <= BOUND, drawn.desc
        reasons.append("")
    tally(f"optim.{name} on {library}", reasons, *OPTIMIZERS[name])


@pytest.mark.parametrize("name", ["NLLLoss", "CrossEntropyLoss"])
def test_a_call_that_torchs_module_refuses_is_refused(name):
    (info,) = entries("modules", f"nn.{name}")
    options = {"dtype": torch.float64, "requires_grad": False, "training": True}
    for drawn in info.module_error_inputs_func(info, device="cpu", **options):
        build = drawn.module_error_input.constructor_input
        inputs = drawn.module_error_input.forward_input.args
        with pytest.raises((TypeError, ValueError), match=name):
            getattr(nn, name)(*build.args, **build.kwargs)(*inputs)


def test_a_call_that_torchs_function_refuses_is_refused():
    (info,) = entries("functions", "nn.functional.l1_loss")
    for drawn in info.error_inputs("cpu"):
        call = drawn.sample_input
        with pytest.raises(ValueError, match="L1Loss"):
            nn.L1Loss(**call.kwargs)(call.input, *call.args)


def as_ours(params, known):
    """Torch's parameters as ours, however they are grouped or named; `known` by id."""
    if isinstance(params, torch.Tensor):
        parameter = known.setdefault(id(params), nn.Parameter(params.detach()))
        parameter.grad = params.grad
        return parameter
    if isinstance(params, dict):
        return {k: as_ours(v, known) for k, v in params.items()}
    if isinstance(params, (list, tuple)):
        return type(params)(as_ours(p, known) for p in params)
    return params


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_torchs_optimiser_refuses_is_refused(name):
    (info,) = entries("optimizers", name)
    for drawn in info.optim_error_inputs_func("cpu", torch.float64):
        wrong = drawn.optimizer_error_input
        if wrong.desc in TAKEN:
            continue
        params = as_ours(wrong.params, {}) or [nn.Parameter(torch.ones(2))]
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            getattr(handmade.optim, name)(params, **wrong.kwargs).step()


def test_every_class_that_torch_has_samples_for_is_tabled():
    known = {name_of(info).removeprefix("nn.") for info in database("modules")}
    assert known & set(nn.__all__) == set(MODULES)
    known = {name_of(info) for info in database("optimizers")}
    assert known & set(handmade.optim.__all__) == known & set(OPTIMIZERS)
    assert set(OPTIMIZERS) == set(handmade.optim.__all__) - {"Optimizer"}
    known = {name_of(info) for info in database("functions")}
    assert set(FUNCTIONS) <= known


def test_reading_the_samples_leaves_torchs_flags_free():
    database("functions")
    assert not torch.backends.flags_frozen()
