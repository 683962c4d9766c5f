"""A change between compiled steps counts; a caller's arrays are not written into."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

import handmade
from compare.backend import Backend, to_numpy
from compare.compile import prepared
from compare.compile.backends import TorchCompiler, graph_of
from compare.compile.buffers import constants, module_constants
from compare.compile.tracing import col2im as tracing_col2im
from compare.compile.tracing import tracing
from compare.testing import LAYERS, LOSSES
from compare.testing.reference import built, drawn
from handmade import nn, optim, training
from handmade.nn import _im2col

NO_JAX = pytest.mark.skipif(find_spec("jax") is None, reason="the extra `jax`")
WITH_JAX = pytest.param("jax", marks=[NO_JAX, pytest.mark.slow])
LIBRARIES = ["torch", WITH_JAX]
INDUCTOR = pytest.param("torch", marks=pytest.mark.slow, id="inductor")
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


def pair(library, scheduler=None, layer=lambda: nn.LeakyReLU(0.1), **options):
    """The same learner compiled and plain, on NumPy, and the batch for either."""
    sides = []
    for backend in (Backend(library, compile=True), Backend("numpy")):
        handmade.manual_seed(0)
        learner = training.GradientLearner(
            nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), layer()),
            nn.CrossEntropyLoss(weight=np.array([1.0, 2.0, 3.0])),
            lambda p: optim.SGD(p, lr=0.1, momentum=0.9, **options),
            scheduler,
        )
        batch = backend.to_handmade(X), backend.to_handmade(TARGET)
        sides.append((prepared(learner, backend), batch, backend.to_handmade))
    return sides


def compare_steps(sides, steps=3):
    ours, want = [[one.step(*batch) for _ in range(steps)] for one, batch, _ in sides]
    assert ours == pytest.approx(want, rel=1e-12)


def plain(learner):
    return getattr(learner, "learner", learner)


CHANGES = {
    "eval": lambda made, give: made.model.eval(),
    "reduction": lambda made, give: setattr(made.criterion, "reduction", "sum"),
    "smoothing": lambda made, give: setattr(made.criterion, "label_smoothing", 0.3),
    "class weights": lambda made, give: setattr(
        made.criterion, "weight", give(np.array([3.0, 1.0, 1.0]))
    ),
    "a layer's number": lambda made, give: setattr(
        list(made.model)[2], "negative_slope", 0.7
    ),
    "the loss": lambda made, give: setattr(
        made, "criterion", nn.CrossEntropyLoss(reduction="sum")
    ),
    "clipping": lambda made, give: setattr(
        made, "clip", lambda ps: nn.utils.clip_grad_value_(ps, 1e-3)
    ),
    "momentum": lambda made, give: made.optimizer.param_groups[0].update(momentum=0.5),
    "no momentum": lambda made, give: made.optimizer.param_groups[0].update(
        momentum=0.0
    ),
    "decay": lambda made, give: made.optimizer.param_groups[0].update(weight_decay=0.2),
    "a flag": lambda made, give: made.optimizer.param_groups[0].update(maximize=True),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_between_steps_counts_from_the_next_one(library: str, name: str):
    sides = pair(library)
    compare_steps(sides, 4)
    for one, _, give in sides:
        CHANGES[name](plain(one), give)
    compare_steps(sides)


def test_dropout_is_refused_once_it_draws_and_runs_while_it_does_not():
    ((learner, batch, _), _) = pair("torch", layer=lambda: nn.Dropout(0.5))
    learner.learner.model.eval()
    for _ in range(4):
        learner.step(*batch)
    learner.learner.model.train()
    with pytest.raises(RuntimeError, match="draws random numbers"):
        learner.step(*batch)


@pytest.mark.slow
def test_what_comes_back_is_not_compiled_again():
    sides = pair("torch")
    compiled = sides[0][0]
    for mode in (True, False, True, False):
        for one, *_ in sides:
            plain(one).model.train(mode)
        compare_steps(sides)
    assert len(compiled._compiled) == 2


@pytest.mark.parametrize("library", [*LIBRARIES, INDUCTOR])
def test_a_schedule_may_move_the_momentum_too(library: str):
    sides = pair(
        library, lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=20)
    )
    compare_steps(sides, 12)
    assert len(sides[0][0]._compiled) == 1


def test_a_group_that_is_added_is_trained():
    sides = pair("torch")
    compare_steps(sides)
    for one, _, give in sides:
        made = plain(one)
        handmade.manual_seed(1)
        made.model.scale = nn.Linear(3, 3).to(give(np.zeros(1)))
        made.optimizer.add_param_group({"params": made.model.scale.parameters()})
    compare_steps(sides)


@pytest.mark.parametrize("library", [*LIBRARIES, INDUCTOR])
def test_an_array_that_a_caller_put_there_is_not_written_into(library: str):
    sides = pair(library)
    compare_steps(sides, 4)
    weight = RNG.normal(size=(3, 4))
    mine = [give(weight) for *_, give in sides]
    for (one, *_), array in zip(sides, mine, strict=True):
        next(iter(plain(one).model)).weight.data = array
    held = to_numpy(sides[0][0].state_dict()["model"]["0.bias"])
    before = held.copy()
    compare_steps(sides)
    np.testing.assert_array_equal(to_numpy(mine[0]), weight)
    np.testing.assert_array_equal(held, before)


@pytest.mark.slow
def test_a_batch_and_weights_may_lie_in_any_order_in_memory():
    sides = pair("torch")
    compare_steps(sides, 4)
    (compiled, batch, give), (_, _, _) = sides
    weight = RNG.normal(size=(4, 3))
    next(iter(compiled.learner.model)).weight.data = give(weight).T
    next(iter(sides[1][0].model)).weight.data = weight.T.copy()
    turned = give(X.T.copy()).T
    assert not turned.is_contiguous()
    compare_steps([(compiled, (turned, batch[1]), give), sides[1]])


@pytest.mark.parametrize("name", sorted({case.name for case in [*LAYERS, *LOSSES]}))
def test_a_step_changes_no_setting(name: str):
    give = Backend("numpy").to_handmade
    for case in (case for case in [*LAYERS, *LOSSES] if case.name == name):
        question = drawn(case)
        module = built(getattr(nn, question.name), question, give)
        before = [module_constants(one) for one in module.modules()]
        output = module(*map(give, question.inputs))
        upstream = question.grad_output(np.asarray(output))
        module.backward(*([] if upstream is None else [upstream]))
        assert {*before} == {module_constants(one) for one in module.modules()}


def test_a_prediction_changes_no_setting():
    learner = training.GradientLearner(
        nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)),
        nn.MSELoss(),
        lambda p: optim.SGD(p, lr=0.1),
    )
    x, target = np.ones((2, 4), np.float32), np.ones((2, 1), np.float32)
    before = constants(learner)
    learner.step(x, target)
    assert constants(learner) == before
    learner.predict(x)
    assert constants(learner) == before
    learner.model.eval()
    assert constants(learner) != before


@pytest.mark.parametrize("copies", [True, False])
def test_where_writing_copies_windows_are_added_up_without_it(copies: bool):
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2))
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    module.to(x)

    def step(x):
        with tracing(functional=copies):
            return (module.backward(module(x)),)

    written = [n for n in graph_of(step, [x]).graph.nodes if "copy_" in str(n.target)]
    assert bool(written) is not copies


@pytest.mark.parametrize("d", [1, 2])
def test_the_col2im_of_a_compiler_is_the_col2im_of_the_layers(d: int):
    rng, tried = np.random.default_rng(3), 0
    while tried < 150:
        kernel, stride, dilation = (
            tuple(rng.integers(1, 5, d).tolist()) for _ in range(3)
        )
        padding, sizes = (tuple(rng.integers(0, 4, d)), tuple(rng.integers(1, 8, d)))
        windows = _im2col.Windows(kernel, stride, padding, dilation, bool(tried % 2))
        x = torch.zeros(2, *sizes, 3, dtype=torch.float64)
        try:
            columns = _im2col.im2col("", x, windows, 1)
        except ValueError:
            continue
        columns = [torch.from_numpy(rng.normal(size=c.shape)) for c in columns]
        got = tracing_col2im(columns, windows, 1, sizes)
        want = _im2col.col2im(columns, windows, 1, sizes)
        torch.testing.assert_close(got, want, rtol=0, atol=1e-13)
        tried += 1


def test_while_tracing_no_value_is_asked_and_none_is_another():
    x, target = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 1])
    wrong = np.array([0, 2, 1, 3])
    criterion = nn.CrossEntropyLoss()
    want = criterion(x, target), criterion.backward()
    with tracing():
        got = criterion(x, target), criterion.backward()
        criterion(x, wrong)  # cannot be seen
    np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-5)
    with pytest.raises(ValueError, match="class index in 0 … 2"):
        criterion(x, wrong)
