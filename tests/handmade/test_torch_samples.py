"""The inputs of PyTorch's own tests: each agrees, or is refused.

They come in torch's wheel; reading them needs `expecttest`, the extra "samples".
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
from compare.backend import to_numpy
from compare.tolerance import difference
from handmade import nn

pytest.importorskip("expecttest", reason="the extra 'samples' is not installed")

BOUND = 1e-12
TABLED_FOR = "2.13"
"""The version of torch whose samples are counted below."""

MODULES = {
    "AvgPool1d": (4, 0),
    "AvgPool2d": (7, 0),
    "ELU": (4, 0),
    "GELU": (3, 0),
    "Hardtanh": (3, 0),
    "PReLU": (8, 0),
    "ReLU6": (4, 0),
    "SiLU": (3, 0),
    "Softplus": (5, 0),
    "BCELoss": (6, 0),
    "BCEWithLogitsLoss": (6, 0),
    "Conv1d": (4, 0),
    "Conv2d": (4, 0),
    "BatchNorm1d": (8, 0),
    "BatchNorm2d": (7, 0),
    "CrossEntropyLoss": (105, 0),
    "Embedding": (2, 0),
    "GroupNorm": (10, 0),
    "HingeEmbeddingLoss": (10, 0),
    "HuberLoss": (4, 0),
    "KLDivLoss": (4, 6),
    "L1Loss": (5, 0),
    "LayerNorm": (7, 0),
    "LeakyReLU": (5, 0),
    "Linear": (3, 0),
    "LogSoftmax": (4, 0),
    "MSELoss": (8, 0),
    "MaxPool1d": (2, 1),
    "MaxPool2d": (2, 1),
    "MultiMarginLoss": (7, 0),
    "MultiheadAttention": (2, 62),
    "NLLLoss": (28, 0),
    "RMSNorm": (6, 0),
    "ReLU": (4, 0),
    "Sigmoid": (4, 0),
    "SmoothL1Loss": (8, 0),
    "Softmax": (3, 0),
    "Tanh": (3, 0),
}
"""By module: how many samples match, and how many are refused."""

FUNCTIONS = {
    "flatten": ("Flatten", 45, 0),
    "log_softmax": ("LogSoftmax", 7, 7),
    "nn.functional.avg_pool1d": ("AvgPool1d", 9, 0),
    "nn.functional.avg_pool2d": ("AvgPool2d", 4, 3),
    "nn.functional.binary_cross_entropy": ("BCELoss", 11, 0),
    "nn.functional.binary_cross_entropy_with_logits": ("BCEWithLogitsLoss", 26, 0),
    "nn.functional.conv1d": ("Conv1d", 10, 0),
    "nn.functional.conv2d": ("Conv2d", 28, 2),
    "nn.functional.cross_entropy": ("CrossEntropyLoss", 21, 0),
    "nn.functional.embedding": ("Embedding", 3, 0),
    "nn.functional.group_norm": ("GroupNorm", 29, 4),
    "nn.functional.hinge_embedding_loss": ("HingeEmbeddingLoss", 15, 4),
    "nn.functional.huber_loss": ("HuberLoss", 9, 0),
    "nn.functional.kl_div": ("KLDivLoss", 16, 0),
    "nn.functional.l1_loss": ("L1Loss", 6, 0),
    "nn.functional.layer_norm": ("LayerNorm", 5, 1),
    "nn.functional.elu": ("ELU", 39, 0),
    "nn.functional.gelu": ("GELU", 8, 0),
    "nn.functional.hardtanh": ("Hardtanh", 41, 2),
    "nn.functional.prelu": ("PReLU", 108, 0),
    "nn.functional.relu6": ("ReLU6", 39, 0),
    "nn.functional.silu": ("SiLU", 78, 0),
    "nn.functional.softplus": ("Softplus", 39, 0),
    "nn.functional.leaky_relu": ("LeakyReLU", 9, 0),
    "nn.functional.linear": ("Linear", 18, 0),
    "nn.functional.max_pool1d": ("MaxPool1d", 432, 432),
    "nn.functional.max_pool2d": ("MaxPool2d", 720, 720),
    "nn.functional.mse_loss": ("MSELoss", 6, 0),
    "nn.functional.multi_margin_loss": ("MultiMarginLoss", 104, 98),
    "nn.functional.nll_loss": ("NLLLoss", 61, 0),
    "nn.functional.relu": ("ReLU", 41, 0),
    "nn.functional.rms_norm": ("RMSNorm", 5, 1),
    "nn.functional.smooth_l1_loss": ("SmoothL1Loss", 8, 0),
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

NOT_TESTED = {
    "ELU": torch.isnan,
    "Hardtanh": torch.isnan,
    "ReLU6": torch.isnan,
    "PReLU": torch.isinf,
}
"""Numbers that a class is not tested with: at NaN torch's slope depends on the layout
in memory, and a weight's gradient of ∞ − ∞ makes NumPy warn."""

REASONS = {
    "unexpected keyword argument 'dtype'": "convert the input instead",
    "return_indices must be False": "there is one output here",
    "must be a whole number or 2 of them": "torch takes (3,) for (3, 3)",
    "padding='same' needs": "torch pads more at one end than at the other",
    "eps must be positive": "the root of a variance less ε may not exist",
    "max_val must be above min_val": "torch's own class refuses that",
    "target must have shape": "nothing broadcasts by accident",
    "every target must be 1 or -1": "torch adds the terms of both",
    "every element of target must be a probability": "torch's own are logs, mostly NaN",
    "add_bias_kv must be False": "one option of those that are refused",
    "add_zero_attn must be False": "one option of those that are refused",
    "batch_first must be True": "torch takes the sequence first by default",
    "positional arguments but": "there is no mask but the causal one",
    "got shape ()": "a single number is no choice among classes",
}
"""What a refusal may say, and why it is accepted."""


TAKEN = {"betas must be either both floats or both Tensors"}
"""Errors of torch about the type of an argument that is accepted here."""


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
        size: of numbers that are subtracted and may leave less than they are.
    """

    theirs: Callable[[torch.Tensor], torch.Tensor]
    input: torch.Tensor
    weights: list[torch.Tensor]
    make: Callable[[str], nn.Module]
    others: tuple[Any, ...] = ()
    size: float = 0.0


def of_module(name):
    """The samples of a module of torch.nn."""
    (info,) = entries("modules", f"nn.{name}")
    for drawn in info.module_inputs_func(info, "cpu", torch.float64, True, True):
        build, forward = drawn.constructor_input, drawn.forward_input
        module = info.module_cls(*build.args, **build.kwargs).double()
        args = [*forward.args, *forward.kwargs.values()]
        theirs, others = partial(called, module, args[1:]), args[1:]
        if name == "MultiheadAttention":  # the query is key and value, too
            theirs = partial(of_one_input, module, forward.kwargs)
            others = [mask for mask in forward.kwargs.values() if mask is not None]
        yield Sample(
            theirs,
            args[0],
            list(module.parameters()),
            partial(made, name, build.args, build.kwargs),
            tuple(others),
        )


def called(module, others, x):
    return module(x, *others)


def of_one_input(module, masks, x):
    return module(x, x, x, **masks)


def of_function(name):
    """The samples of a function, as calls of the class that does its work."""
    cls = FUNCTIONS[name][0]
    variants = entries("functions", name)
    for info, drawn in ((i, d) for i in variants for d in references(i)):
        if cls in SPECIAL:
            yield SPECIAL[cls](info.op, drawn)
            continue
        args, kwargs, others, weights = drawn.args, drawn.kwargs, (), []
        if cls.endswith("Loss"):
            args, others = (), drawn.args
        if cls == "Linear":
            weights = [a.detach().requires_grad_() for a in args]
            args, kwargs = tuple(weights[0].T.shape), {"bias": len(weights) > 1}
        if cls.startswith("Conv"):
            weights = [a.detach().requires_grad_() for a in args if a is not None]
            o, i, *kernel = weights[0].shape
            args = i * kwargs.get("groups", 1), o, tuple(kernel)
            kwargs = {**kwargs, "bias": len(weights) > 1}
        if cls == "PReLU":
            (weight,) = (*args, *kwargs.values())
            weights = [weight.detach().reshape(-1).requires_grad_()]
            args, kwargs = (weight.numel(),), {}
            drawn.kwargs = {}
        if cls in NOT_TESTED:
            untested = NOT_TESTED[cls](drawn.input)
            drawn.input = torch.where(untested, 0.5, drawn.input).detach()
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


def of_embedding(op, drawn):
    """An embedding by index; torch's samples have the table first."""
    table, index = drawn.input, drawn.args[0]
    make = partial(made, "Embedding", tuple(table.shape), drawn.kwargs)
    return Sample(lambda x: op(table, x, **drawn.kwargs), index, [table], make)


def of_norm(name, op, drawn):
    """A normalisation whose weight or bias alone may be absent."""
    size, *affine = drawn.args
    names = ("weight",) if name == "RMSNorm" else ("weight", "bias")
    both = affine or [drawn.kwargs.get(k) for k in names]
    absent = [k for k, a in zip(names, both, strict=True) if a is None]
    args = (size, drawn.input.shape[1]) if name == "GroupNorm" else (size,)
    kwargs = {k: v for k, v in drawn.kwargs.items() if k == "eps"}

    def make(library):
        module = made(name, args, kwargs, library)
        for parameter in absent:
            setattr(module, parameter, None)
        return module

    weights = [a for a in both if a is not None]
    # Of two values, nearly all of the gradient cancels against its own means.
    return Sample(
        lambda x: op(x, *drawn.args, **drawn.kwargs),
        drawn.input,
        weights,
        make,
        size=1.0,
    )


SPECIAL = {
    "Embedding": of_embedding,
    "GroupNorm": partial(of_norm, "GroupNorm"),
    "LayerNorm": partial(of_norm, "LayerNorm"),
    "RMSNorm": partial(of_norm, "RMSNorm"),
}


def made(name, args, kwargs, library):
    """Our class with the same arguments."""
    kwargs = {k: given(v, library) for k, v in kwargs.items()}
    return getattr(nn, name)(*args, **kwargs).to(
        given(torch.zeros(1).double(), library)
    )


def references(info):
    """The samples of a function, and those that it is compared with NumPy on."""
    # Each seeding of torch formats a stack trace, and there may be 1440 samples.
    options = {"requires_grad": True, "set_seed": False}
    return info.reference_inputs("cpu", torch.float64, **options)


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
    x = sample.input.detach()
    leaves = [x, *sample.weights] if x.is_floating_point() else sample.weights
    output = sample.theirs(x.requires_grad_(x.is_floating_point()))
    output = output[0] if isinstance(output, tuple) else output
    values = np.random.default_rng(0).normal(size=tuple(output.shape))
    upstream = torch.from_numpy(np.asarray(values))
    gradients = torch.autograd.grad(output, leaves, upstream)
    return output.detach(), upstream, gradients


@np.errstate(divide="ignore", invalid="ignore")  # means over nothing
def answered(sample, library, upstream):
    """Our value and gradients."""
    module = sample.make(library)
    for parameter, weight in zip(module.parameters(), sample.weights, strict=True):
        parameter.data = given(weight, library)
    output = module(*(given(a, library) for a in (sample.input, *sample.others)))
    gradient = module.backward(given(upstream, library))
    results = [output, gradient, *(p.grad for p in module.parameters())]
    return [result for result in results if result is not None]


def refusal(sample, library):
    """Why our class refuses the sample; empty if it matches; an error otherwise."""
    output, upstream, gradients = differentiated(sample)
    try:
        ours = answered(sample, library, upstream)
    except (TypeError, ValueError) as error:
        return accepted(error, output)
    for got, want in zip(ours, [output, *gradients], strict=True):
        assert distance(to_numpy(got), to_numpy(want), sample.size) <= BOUND
    return ""


def accepted(error, output):
    """The entry of `REASONS` that the error's words stand under."""
    for words in REASONS:
        if words in str(error):
            assert "probability" not in words or bool(torch.isnan(output).any())
            return words
    raise error


def distance(got, want, size=0.0):
    """Max |got − want|, relative to max |want| or `size`."""
    found = difference(got, want, same_dtype=True)
    return found.max_abs / (max(found.scale, size) or 1.0)


def tally(name, reasons, matched, refused):
    """Print how many samples match and are refused; compare that with the table."""
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_sample_of_a_function_matches_or_is_refused(name, library):
    reasons = [refusal(sample, library) for sample in of_function(name)]
    tally(f"{name} on {library}", reasons, *FUNCTIONS[name][1:])


def walked(package, name, options, give, steps=20):
    """Where an optimizer ends with these options."""
    rng = np.random.default_rng(0)
    shapes = ((10, 5), (3, 4)) if name == "Muon" else ((10, 5), (10,))
    params = [package.nn.Parameter(give(rng.normal(size=s))) for s in shapes]
    optimizer = getattr(package.optim, name)(params, **options)
    for _ in range(steps):
        for parameter in params:
            parameter.grad = give(rng.normal(size=tuple(parameter.shape)))
        optimizer.step()
    return [to_numpy(p.data) for p in params]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_sample_of_an_optimizer_matches(name, library):
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


REFUSING = ["NLLLoss", "CrossEntropyLoss", "BatchNorm1d", "BatchNorm2d", "GroupNorm"]
REFUSING += ["Embedding"]


@pytest.mark.parametrize("name", REFUSING)
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
def test_what_torchs_optimizer_refuses_is_refused(name):
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
