"""A training step copies nothing from the host, so a CUDA graph can record it."""

import re
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import handmade
from compare.backend import Backend
from compare.compile.tracing import tracing
from compare.testing import LAYERS, LOSSES, OPTIMIZERS
from compare.testing.reference import built, drawn


class Watch(TorchDispatchMode):
    """Refuses every operation on a tensor in host memory."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs, found))
        devices = {a.device.type for a in leaves if isinstance(a, torch.Tensor)}
        # index_put_ passes the number that it writes as a host tensor.
        if "cpu" in devices and func is not torch.ops.aten.index_put_.default:
            raise RuntimeError(f"{func} meets an array of the host")
        return found


@pytest.fixture
def watched(monkeypatch):
    """A context that refuses copies from the host and to it."""

    def of_the_host(make):
        def made(data, *args, **how):
            if not isinstance(data, torch.Tensor):
                raise RuntimeError(f"{data!r} is copied from the host")
            return make(data, *args, **how)

        return made

    @contextmanager
    def watch():
        with monkeypatch.context() as patch, tracing(), Watch():
            for name in ("asarray", "as_tensor", "tensor"):
                patch.setattr(torch, name, of_the_host(getattr(torch, name)))
            yield

    return watch


def without_values(array):
    """A tensor of this shape and kind on the meta device, which holds no values."""
    values = torch.as_tensor(array)
    kind = torch.float64 if values.is_floating_point() else torch.int64
    return torch.empty(values.shape, dtype=kind, device="meta")


def emptied(module):
    for _, holder, name in [*module._state()]:
        setattr(holder, name, without_values(getattr(holder, name)))
    return module


NEEDS_THE_HOST = {
    "Dropout": "draws random numbers",
    "GaussianSample": "draws random numbers",
    "BatchNorm1d": r"item\(\) cannot be called on meta tensors",  # momentum=None
    "BatchNorm2d": r"item\(\) cannot be called on meta tensors",
}
"""Layers that a graph cannot record with some arguments, and why."""


def error_of(case, watch):
    """The error of one step of a layer or loss that needs the host; or ""."""
    question = drawn(case)
    give = Backend("torch").to_torch
    module = emptied(built(getattr(handmade.nn, question.name), question, give))
    inputs = [without_values(a) for a in question.inputs]
    with suppress(RuntimeError):
        module(*inputs)  # the steps before the recording may keep what they made
    try:
        with watch():
            output = module(*inputs)
            upstream = question.grad_output(np.empty(tuple(output.shape)))
            module.backward(*([] if upstream is None else [torch.empty_like(output)]))
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", sorted({case.name for case in [*LAYERS, *LOSSES]}))
def test_a_step_copies_nothing_from_the_host(name, watched):
    cases = [case for case in [*LAYERS, *LOSSES] if case.name == name]
    answers = {error_of(case, watched) for case in cases}
    wanted = NEEDS_THE_HOST.get(name)
    for answer in answers - {""}:
        assert wanted is not None, answer
        assert re.search(wanted, answer), answer


@pytest.mark.parametrize(
    "case", OPTIMIZERS, ids=[f"{c.name}-{i}" for i, c in enumerate(OPTIMIZERS)]
)
def test_an_update_copies_nothing_from_the_host(case, watched):
    parameter = handmade.nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    optimizer = getattr(handmade.optim, case.name)([parameter], **case.kwargs)
    for _ in range(2):
        parameter.grad = torch.ones(3, 2, dtype=torch.float64)
        optimizer.step()
    parameter.data = without_values(parameter.data)
    parameter.grad = without_values(parameter.data)
    state = optimizer.state[parameter]
    state |= {name: without_values(v * 1.0) for name, v in state.items()}
    with watched():
        optimizer.step()
    assert parameter.data.device.type == "meta"
