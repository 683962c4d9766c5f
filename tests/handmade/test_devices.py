"""What a layer, a loss or an optimizer returns and keeps lies where its inputs lie.

No GPU is needed: fake tensors hold no values, say that they are on some device, and
refuse to meet those of another.
"""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from parameters import first_of_each
from torch._subclasses import FakeTensorMode
from torch.utils._pytree import tree_leaves

import handmade
from compare.compile.tracing import replaced, unknown
from compare.testing import LAYERS, LOSSES, OPTIMIZERS
from compare.testing.reference import built, drawn
from handmade import _array, nn

THERE = "meta"
"""A device without memory; on "cuda" a torch without CUDA cannot index."""


@contextmanager
def fake_tensors():
    """Within this no tensor has values, and no value is looked at."""
    mode = FakeTensorMode()
    mode.allow_meta = True
    with mode, replaced({_array.holds: unknown}):
        yield


def there(array):
    """A tensor of the shape and kind of an array, on the other device."""
    values = torch.as_tensor(np.asarray(array))
    kind = torch.float64 if values.is_floating_point() else torch.int64
    return torch.empty(tuple(values.shape), dtype=kind, device=THERE)


def tensors(*values):
    return [a for a in tree_leaves(values) if isinstance(a, torch.Tensor)]


def over(cases):
    return pytest.mark.parametrize("case", first_of_each(cases, lambda c: c.name))


def run(make, case):
    """All tensors that a layer or a loss returns and keeps, with the inputs there."""
    question = drawn(case)
    output = built(make, question, np.asarray)(*question.inputs)
    upstream = question.grad_output(np.asarray(output))
    module = built(make, question, np.asarray)
    with fake_tensors():
        for _, holder, name in [*module._state()]:
            setattr(holder, name, there(getattr(holder, name)))
        output = module(*map(there, question.inputs))
        grad = module.backward(*([] if upstream is None else [there(upstream)]))
        saved = [vars(inner).get("saved") for inner in module.modules()]
        gradients = [parameter.grad for parameter in module.parameters()]
        return tensors(output, grad, saved, gradients, dict(module.named_buffers()))


# Without momentum, batch norm divides by the number of batches, a value.
@over([case for case in [*LAYERS, *LOSSES] if "momentum=None" not in case.id])
def test_a_layer_or_loss_works_where_its_inputs_lie(case):
    made = run(getattr(nn, case.name), case)
    assert {tensor.device.type for tensor in made} == {THERE}


class Here(nn.Tanh):
    """Makes an array without saying where."""

    def forward(self, x):
        ones = torch.ones if isinstance(x, torch.Tensor) else np.ones
        return super().forward(x) + ones(tuple(x.shape))


def test_an_array_made_elsewhere_is_noticed():
    case = next(case for case in LAYERS if case.name == "Tanh")
    with pytest.raises(RuntimeError, match=r"device.* meta and cpu"):
        run(Here, case)


@over(OPTIMIZERS)
def test_an_optimizer_works_where_its_parameters_lie(case):
    with fake_tensors():
        parameters = [nn.Parameter(there(np.zeros(shape))) for shape in case.shapes]
        optimizer = getattr(handmade.optim, case.name)(parameters, **case.kwargs)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = there(np.zeros(parameter.shape))
            optimizer.step()
        kept = tensors(list(optimizer.state.values()), [p.data for p in parameters])
    assert {tensor.device.type for tensor in kept} == {THERE}
