"""Settings of torch while a lesson runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.optim import SGD, Adadelta, Adagrad, Adam, NAdam, Optimizer, RMSprop, Rprop

from compare.backend import eager_optimizers

OPTIMIZERS = (SGD, Adadelta, Adagrad, Adam, NAdam, RMSprop, Rprop, torch.optim.AdamW)


def trained(make: type[Optimizer]) -> torch.Tensor:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = make([weight], lr=0.1)  # pyright: ignore[reportCallIssue]
    for _ in range(3):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return weight.detach()


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_an_optimizer_takes_the_same_steps_without_the_compiler(make):
    expected = trained(make)
    with eager_optimizers():
        found = trained(make)
    assert torch.equal(found, expected)


def test_a_differentiable_step_stays_differentiable_without_the_compiler():
    weight = torch.ones(1, requires_grad=True)
    with eager_optimizers():
        optimizer = SGD([copy := weight.clone()], lr=0.5, differentiable=True)
        copy.grad = 3 * weight
        optimizer.step()
    (gradient,) = torch.autograd.grad(copy.sum(), weight)
    assert gradient.item() == 1 - 0.5 * 3


def test_torchs_own_methods_come_back():
    before = SGD.step, Optimizer.zero_grad
    with eager_optimizers():
        assert before[0] is not SGD.step
        assert before[1] is not Optimizer.zero_grad
    assert (SGD.step, Optimizer.zero_grad) == before


@pytest.mark.slow
def test_a_gate_imports_neither_the_compiler_nor_scikit_learn(tmp_path: Path):
    code = (
        "import sys\nfrom compare.cli import app\n"
        "app(['run', 'or_gate', '--fast', *sys.argv[1:]], standalone_mode=False)\n"
        "unused = {'torch._dynamo', 'sympy', 'sklearn', 'scipy', 'pandas', 'jax'}\n"
        "sys.exit(', '.join(sorted(unused & sys.modules.keys())))\n"
    )
    command = [sys.executable, "-c", code, "--logdir", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stderr.strip() == ""
