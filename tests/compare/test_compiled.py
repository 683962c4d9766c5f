"""A compiled step is the same step; what cannot be compiled is refused."""

from importlib.util import find_spec

import numpy as np
import pytest
from typer.testing import CliRunner

import handmade
from compare.backend import Backend, to_numpy
from compare.cli import app
from compare.compile import Compiled, prepared
from compare.compile.backends import TorchCompiler, graph_of
from compare.experiment import backprop
from compare.lockstep import Lockstep
from handmade import nn, optim, training

NO_JAX = pytest.mark.skipif(find_spec("jax") is None, reason="the extra `jax`")
WITH_JAX = pytest.param("jax", marks=[NO_JAX, pytest.mark.slow])
LIBRARIES = ["torch", WITH_JAX]
INDUCTOR = pytest.param("torch", marks=pytest.mark.slow, id="inductor")
OPTIMIZERS = {
    "sgd": lambda optim, p: optim.SGD(p, lr=0.1),
    "momentum": lambda optim, p: optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda optim, p: optim.AdamW(p, lr=0.01),
}
RNG = np.random.default_rng(0)
X, TARGET = RNG.standard_normal((6, 4)), RNG.integers(0, 3, 6)
pytestmark = pytest.mark.timeout(300)  # a compiler takes its time


@pytest.fixture(autouse=True)
def traced(request, monkeypatch):
    """Runs the traced graph as it is; slow tests compile it with Inductor."""

    def build(self, step, inputs):
        graph = graph_of(step, inputs)
        return lambda inputs: (inputs, graph(*inputs))

    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(TorchCompiler, "build", build)


def _learner(optimizer: str, scheduler=None):
    return backprop(
        model=lambda nn: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=OPTIMIZERS[optimizer],
        scheduler=scheduler,
    )


def _one_cycle(optim, optimizer):
    return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=20)


@pytest.mark.parametrize("library", [*LIBRARIES, INDUCTOR])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_compiled_learner_takes_the_same_steps(library: str, optimizer: str):
    results = []
    for compiled in (False, True):
        handmade.manual_seed(0)
        backend = Backend(library if compiled else "numpy", compile=compiled)
        learner = prepared(_learner(optimizer)(handmade), backend)
        batch = backend.to_handmade(X), backend.to_handmade(TARGET)
        losses = [learner.step(*batch) for _ in range(6)]
        results.append((losses, learner.parameters(), learner.gradients()))
    (want, weights, gradients), (losses, theirs, slopes) = results
    assert losses == pytest.approx(want, rel=1e-13)
    for name in weights:
        np.testing.assert_allclose(to_numpy(theirs[name]), weights[name], rtol=1e-11)
        np.testing.assert_allclose(
            to_numpy(slopes[name]), gradients[name], rtol=1e-9, atol=1e-15
        )


@pytest.mark.parametrize("library", [*LIBRARIES, INDUCTOR])
def test_the_lockstep_compares_a_compiled_step_under_a_schedule(library: str):
    backend = Backend(library, compile=True)
    lockstep = Lockstep(_learner("adamw", _one_cycle), backend, seed=0)
    for _ in range(8):
        lockstep.step(X, TARGET)
    assert isinstance(lockstep.handmade_learner, Compiled)
    assert (
        len(lockstep.handmade_learner._compiled) == 1
    )  # a moving rate is no reason to recompile
    assert lockstep.verdict().agrees


@pytest.mark.parametrize("library", [*LIBRARIES, INDUCTOR])
def test_a_batch_may_have_another_size(library: str):
    backend = Backend(library, dtype="float32", compile=True)
    handmade.manual_seed(0)
    learner = prepared(_learner("sgd")(handmade), backend)
    handmade.manual_seed(0)
    plain = prepared(_learner("sgd")(handmade), Backend("numpy", dtype="float32"))
    for n in (6, 6, 3, 6, 5):
        loss = learner.step(backend.to_handmade(X[:n]), backend.to_handmade(TARGET[:n]))
        want = plain.step(np.float32(X[:n]), TARGET[:n])
        assert loss == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_drawn_in_a_step_cannot_be_compiled(library: str):
    backend = Backend(library, compile=True)
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3))
    learner = prepared(
        training.GradientLearner(
            model, nn.CrossEntropyLoss(), lambda p: optim.SGD(p, lr=0.1)
        ),
        backend,
    )
    batch = backend.to_handmade(X), backend.to_handmade(TARGET)
    learner.step(*batch)  # as it stands
    with pytest.raises(RuntimeError, match="draws random numbers"):
        learner.step(*batch)


@pytest.mark.slow
def test_a_lesson_can_be_compiled(tmp_path):
    words = ["run", "or_gate", "--compile", "--fast", "--logdir", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["or_gate", "--compile", "--array", "numpy"], "no compiler"),
        (["or_rosenblatt", "--compile"], "Rosenblatt"),
        (["or_gate", "--array", "jax", "--device", "cuda"], "on the CPU"),
    ],
)
def test_what_cannot_be_compiled_is_a_usage_error(words, complaint: str, tmp_path):
    result = CliRunner().invoke(app, ["run", *words, "--logdir", str(tmp_path)])
    assert result.exit_code == 2
    assert complaint in result.stderr
