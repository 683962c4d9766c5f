"""A CUDA graph replays the step itself; options for CUDA are refused elsewhere."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import handmade
from compare import registry
from compare.backend import TF32_EPS, Backend, tf32, tf32_settings, to_numpy
from compare.bench.timing import cuda_clock, interleaved
from compare.cli import app
from compare.compile import backends
from compare.compile.learner import COMPILERS, Compiled
from compare.experiment import backprop
from compare.lockstep import Lockstep
from compare.run_folder import read_summary
from compare.trainer import RunConfig, run

RNG = np.random.default_rng(0)
X, DIGIT = RNG.normal(size=(8, 5)), RNG.integers(0, 3, 8)
OPTIMIZERS = {
    "SGD": lambda optim, p: optim.SGD(p, lr=0.1),
    "momentum": lambda optim, p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1),
    "Adam": lambda optim, p: optim.Adam(p, lr=0.01),
}
needs_cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def tf32_now():
    return [getattr(owner, name) for owner, name in tf32_settings()]


def maker(optimizer="momentum", scheduler=None, layer=None):
    return backprop(
        model=lambda nn: nn.Sequential(
            nn.Linear(5, 7), layer(nn) if layer else nn.ReLU(), nn.Linear(7, 3)
        ),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=OPTIMIZERS[optimizer],
        scheduler=scheduler,
    )


def learner(device="cpu", dtype="float64", **how):
    handmade.manual_seed(1)
    place = torch.zeros(1, dtype=getattr(torch, dtype), device=device)
    return maker(**how)(handmade).to(place)


def batch(device="cpu", dtype="float64"):
    x = torch.tensor(X, dtype=getattr(torch, dtype), device=device)
    return x, torch.tensor(DIGIT, device=device)


def train(made, steps=12, **where):
    losses = [made.step(*batch(**where)) for _ in range(steps)]
    return losses, {n: to_numpy(a) for n, a in made.parameters().items()}


# On the CPU: a simulated graph replays by calling the step again


@pytest.fixture
def simulated(monkeypatch):
    """Recordings without a device; counts them and their replays."""
    counts = {"recordings": 0, "replays": 0}

    def record(work, buffers):
        counts["recordings"] += 1
        outputs = work(*[buffer.clone() for buffer in buffers])

        def replay():
            counts["replays"] += 1
            for old, new in zip(outputs, work(*buffers), strict=True):
                old.copy_(new)

        return replay, outputs

    monkeypatch.setattr(backends, "record", record)
    monkeypatch.setitem(COMPILERS, "graph", backends.GraphCompiler("cpu"))
    return counts


def cosine(optim, optimizer):
    return optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)


@pytest.mark.parametrize("scheduler", [None, cosine])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_replayed_step_is_the_step(simulated, optimizer, scheduler):
    how = {"optimizer": optimizer, "scheduler": scheduler}
    losses, parameters = train(learner(**how))
    replayed, own = train(Compiled(learner(**how), "graph"))
    np.testing.assert_allclose(replayed, losses, rtol=1e-14)
    for name, array in parameters.items():
        np.testing.assert_allclose(own[name], array, rtol=1e-13, atol=1e-14)
    assert simulated["recordings"] == 1
    assert simulated["replays"] >= 9


def test_a_state_that_is_loaded_goes_into_the_recording(simulated):
    plain, replayed = learner(), Compiled(learner(), "graph")
    train(plain, 4)
    train(replayed, 6)
    other = learner()
    train(other, 2)
    for made in (plain, replayed):
        made.load_state_dict(other.state_dict())
    assert train(plain, 3)[0] == pytest.approx(train(replayed, 3)[0], rel=1e-14)
    assert simulated["recordings"] == 1


def test_what_is_read_between_steps_does_not_change_under_the_reader(simulated):
    made = Compiled(learner(), "graph")
    train(made, 4)
    before = {n: to_numpy(a).copy() for n, a in made.parameters().items()}
    gradients = made.gradients()
    assert gradients.keys() == before.keys()
    train(made, 1)
    after = {n: to_numpy(a) for n, a in made.parameters().items()}
    assert all(np.any(after[n] != before[n]) for n in before)


def test_another_shape_of_the_batch_is_another_recording(simulated):
    made, plain = Compiled(learner(), "graph"), learner()
    x, target = batch()
    for rows in (8, 8, 8, 4, 4, 8):
        found = made.step(x[:rows], target[:rows])
        assert found == pytest.approx(plain.step(x[:rows], target[:rows]), rel=1e-14)
    assert simulated["recordings"] == 2


def test_dropout_is_refused_since_a_replay_would_drop_the_same_units_forever(simulated):
    made = Compiled(learner(layer=lambda nn: nn.Dropout(0.5)), "graph")
    with pytest.raises(RuntimeError, match="draws random numbers, as dropout does"):
        train(made, 4)


@pytest.fixture
def pretended_graph(monkeypatch):
    """The names of torch.cuda that a recording calls; notes where its work is done."""
    where = ["host"]

    @contextmanager
    def on(place):
        where.append(place)
        try:
            yield
        finally:
            where.pop()

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None),
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda one: on("side stream"),
        "graph": lambda one: on("recording"),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return where


def test_a_recording_warms_up_on_copies_and_on_a_side_stream(pretended_graph):
    seen, buffer = [], torch.ones(3)

    def work(a):
        seen.append((pretended_graph[-1], a is buffer))
        return (a.add_(1),)

    _, (found,) = backends.record(work, [buffer])
    warm = [("side stream", False)] * backends.WARM_UP_STEPS
    assert seen == [*warm, ("recording", True)]
    assert found.tolist() == [2, 2, 2]  # a recording itself would leave it at 1


def test_what_cannot_be_recorded_is_said_in_one_line(pretended_graph):
    def work(a):
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    with pytest.raises(ValueError, match=r"in a CUDA graph: operation not permitted$"):
        backends.record(work, [torch.ones(1)])


def test_a_learner_without_a_gradient_cannot_be_recorded():
    perceptron = handmade.perceptron.Rosenblatt(2)
    with pytest.raises(ValueError, match=r"not Rosenblatt: .* no --compile or --graph"):
        Compiled(perceptron, "graph")


@pytest.mark.parametrize("name", ["graph", "tf32"])
def test_what_only_cuda_has_is_refused_elsewhere(name):
    with pytest.raises(ValueError, match=f"{name} needs device cuda, got cpu"):
        Backend("torch", "cpu", "float32", **{name: True})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--graph",), "graph needs device cuda, got cpu"),
        (("--tf32", "--dtype", "float32"), "tf32 needs device cuda, got cpu"),
        (
            ("--graph", "--distributed"),
            "--distributed cannot be combined with --compile or --graph",
        ),
        (
            ("--resume", "runs/x/y", "--distributed"),
            "--resume takes the options from the run itself",
        ),
    ],
)
def test_the_command_refuses_what_only_cuda_has(words, expected, tmp_path):
    lesson = [] if "--resume" in words else ["or_gate"]
    where = [] if "--resume" in words else ["--logdir", str(tmp_path / "runs")]
    answer = CliRunner().invoke(app, ["run", *lesson, *words, *where])
    assert answer.exit_code == 2
    assert expected in " ".join(answer.output.split())
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"array": "numpy", "graph": True}, "NumPy arrays live on the CPU"),
        ({"graph": True, "compile": True}, "use one of them"),
        ({"tf32": True}, "tf32 is a way to multiply float32, got float64"),
    ],
)
def test_what_does_not_go_together_is_refused(pretended, how, words):
    with pytest.raises(ValueError, match=words):
        Backend(**{"array": "torch", "device": "cuda", **how})


def test_the_tolerance_knows_how_coarse_tf32_is(pretended):
    fine = Backend("torch", "cuda", "float32")
    coarse = Backend("torch", "cuda", "float32", tf32=True)
    assert fine.eps == np.finfo(np.float32).eps
    assert coarse.eps == TF32_EPS == 2.0**-10


@pytest.mark.parametrize("allowed", [True, False])
def test_tf32_is_set_for_both_kinds_of_product_and_restored(allowed):
    before = tf32_now()
    words = "tf32" if allowed else "ieee"
    names = [name for _, name in tf32_settings()]
    want = [allowed if name == "allow_tf32" else words for name in names]
    with pytest.raises(KeyError), tf32(allowed):  # noqa: PT012
        assert tf32_now() == want
        raise KeyError
    assert tf32_now() == before


# On a device


class TestOnCuda:
    pytestmark = needs_cuda

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_the_graph_gives_what_eager_steps_give(self, optimizer, dtype):
        where = {"device": "cuda", "dtype": dtype}
        eager, parameters = train(learner(**where, optimizer=optimizer), **where)
        made = Compiled(learner(**where, optimizer=optimizer), "graph")
        losses, own = train(made, **where)
        eps = float(np.finfo(dtype).eps)
        np.testing.assert_allclose(losses, eager, rtol=64 * eps)
        for name, array in parameters.items():
            bound = 64 * eps * np.abs(array).max()
            np.testing.assert_allclose(own[name], array, rtol=0, atol=bound)

    def test_a_schedule_reaches_the_recording(self):
        where = {"device": "cuda"}
        eager, _ = train(learner(**where, scheduler=cosine), **where)
        made = Compiled(learner(**where, scheduler=cosine), "graph")
        np.testing.assert_allclose(train(made, **where)[0], eager, rtol=1e-13)

    def test_a_step_that_looks_at_values_is_refused_and_leaves_the_device_usable(self):
        class Looking(handmade.nn.Identity):
            def forward(self, x):
                assert float(x.sum()) < 1e9
                return super().forward(x)

        where = {"device": "cuda"}
        made = Compiled(learner(**where, layer=lambda nn: Looking()), "graph")
        with pytest.raises(ValueError, match="cannot be recorded in a CUDA graph"):
            train(made, **where)
        assert float(torch.ones(3, device="cuda").sum()) == 3

    @pytest.mark.parametrize("graph", [False, True])
    @pytest.mark.parametrize("lesson", ["or_gate", "digits_mlp", "digits_cnn"])
    def test_lessons_agree_and_their_curves_are_the_cpus(self, lesson, graph, tmp_path):
        found = {}
        for device in ("cpu", "cuda"):
            backend = Backend("torch", device, graph=graph and device == "cuda")
            settings = RunConfig(backend, steps=20, logdir=tmp_path / device)
            result = run(*registry.load(lesson), settings)
            assert result.verdict.agrees, result.verdict.words
            said = read_summary(result.folder)
            assert (said["tf32"], said["graph"]) == (False, backend.graph)
            text = (result.folder / "curves.csv").read_text(encoding="utf-8")
            rows = [line.split(",") for line in text.splitlines()[1:]]
            found[device] = np.array([row[3:5] for row in rows], float)
        np.testing.assert_allclose(found["cuda"], found["cpu"], rtol=1e-10)

    def test_tf32_is_used_only_if_asked_for_and_never_after_the_run(self, tmp_path):
        before, worst = tf32_now(), {}
        for allowed in (False, True):
            backend = Backend("torch", "cuda", "float32", tf32=allowed)
            settings = RunConfig(backend, steps=5, logdir=tmp_path)
            assert run(*registry.load("digits_mlp"), settings).verdict.agrees
            assert tf32_now() == before
            a = torch.tensor(RNG.normal(size=(256, 256)), device="cuda")
            with tf32(allowed):
                error = a.float() @ a.float() - a @ a
            worst[allowed] = float(error.abs().max() / (a @ a).abs().max())
        assert worst[False] < 1e-6
        if torch.cuda.get_device_capability() >= (8, 0):
            assert 1e-5 < worst[True] < 1e-2

    def test_events_measure_what_the_device_does(self):
        a = torch.ones(2048, 2048, device="cuda")
        works = {n: lambda n=n: [a @ a for _ in range(n)] for n in (1, 10)}
        seconds = interleaved(works, 5, cuda_clock())
        assert 0 < np.median(seconds[1]) < np.median(seconds[10])

    def test_lockstep_compares_the_recorded_step(self):
        lockstep = Lockstep(maker(), Backend("torch", "cuda", graph=True), 0)
        for _ in range(10):
            lockstep.step(X, DIGIT)
        assert lockstep.verdict().agrees, lockstep.verdict().words
