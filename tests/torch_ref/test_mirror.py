"""Every public name exists in both implementations, with torch's signature."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import handmade
import torch_ref

# Deprecated arguments of torch, and those that change how it computes, not what.
NOT_OURS = {"size_average", "reduce", "inplace", "device", "dtype", "args", "kwargs"}
NOT_OURS |= {"foreach", "differentiable", "fused", "capturable"}
NOT_OURS |= {"generator", "verbose"}


def public_modules(package):
    found = {m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_"}
    return sorted(found)


def test_both_implementations_have_the_same_modules():
    assert public_modules(handmade) == public_modules(torch_ref)
    assert sorted(handmade.__all__) == sorted(torch_ref.__all__)


@pytest.mark.parametrize("module", public_modules(handmade))
def test_every_public_name_exists_in_both_implementations(module):
    ours = importlib.import_module(f"handmade.{module}")
    theirs = importlib.import_module(f"torch_ref.{module}")
    assert set(ours.__all__) == set(theirs.__all__)
    for name in ours.__all__:
        assert hasattr(ours, name)
        assert hasattr(theirs, name)


@pytest.mark.parametrize("module", public_modules(handmade))
def test_all_lists_every_public_definition(module):
    ours = importlib.import_module(f"handmade.{module}")
    defined = {
        name
        for name, value in vars(ours).items()
        if name[0] != "_" and getattr(value, "__module__", "") == ours.__name__
    }
    assert defined <= {*ours.__all__}


def parameters(function):
    return dict(list(inspect.signature(function).parameters.items())[1:])


CLASSES = [
    pytest.param(area, name, id=f"{area}.{name}")
    for area in ("nn", "optim")
    for name in getattr(handmade, area).__all__
    if name
    not in ("Module", "Parameter", "Optimizer", "Step", "Sequential", "Residual")
]


@pytest.mark.parametrize(("area", "name"), CLASSES)
def test_constructor_arguments_and_defaults_are_torchs(area, name):
    ours = parameters(getattr(getattr(handmade, area), name).__init__)
    theirs = parameters(getattr(getattr(torch_ref, area), name).__init__)
    if set(theirs) <= {"args", "kwargs"}:
        theirs = {}
    if ours.keys() <= {"args", "kwargs"}:
        ours = {}
    assert ours.keys() - NOT_OURS == theirs.keys() - NOT_OURS
    for argument, parameter in ours.items():
        assert parameter.default == theirs[argument].default, argument
    ours_by_place = [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert ours_by_place == list(theirs)[: len(ours_by_place)]


SUBMODULES = ["nn.init", "nn.utils", "optim.lr_scheduler"]


def submodule(library, dotted):
    area, name = dotted.split(".")
    return getattr(getattr(library, area), name)


@pytest.mark.parametrize("dotted", SUBMODULES)
def test_submodules_hold_the_same_names_in_both_implementations(dotted):
    ours, theirs = submodule(handmade, dotted), submodule(torch_ref, dotted)
    assert ours.__all__ == theirs.__all__
    for name in ours.__all__:
        assert getattr(ours, name).__module__.startswith("handmade.")
        assert getattr(theirs, name).__module__.startswith(f"torch.{dotted}")


@pytest.mark.parametrize(
    ("dotted", "name"),
    [(d, n) for d in SUBMODULES for n in submodule(handmade, d).__all__],
)
def test_arguments_and_defaults_in_submodules_are_torchs(dotted, name):
    ours, theirs = (
        inspect.signature(getattr(submodule(library, dotted), name)).parameters
        for library in (handmade, torch_ref)
    )
    assert [*ours] == [n for n in theirs if n not in NOT_OURS]
    for argument, parameter in ours.items():
        assert parameter.default == theirs[argument].default, argument


def test_importing_handmade_leaves_torch_unloaded():
    code = "import handmade, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_handmade_loads_of_numpy_only_what_numpy_does():
    code = (
        "import numpy, sys; before = {*sys.modules}; import handmade; "
        "sys.exit(any(n.startswith('numpy.') for n in {*sys.modules} - before))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_layer_loss_and_optimizer_has_a_case():
    from compare.testing import LAYERS, LOSSES, OPTIMIZERS

    covered = {case.name for case in [*LAYERS, *LOSSES, *OPTIMIZERS]}
    wanted = {*handmade.nn.__all__, *handmade.optim.__all__}
    assert wanted - covered == {"Module", "Parameter", "Optimizer"}
