"""Steps in float16 are compared by its rounding; mistakes are still found."""

from functools import partial

import numpy as np
import pytest

import handmade
from compare import registry
from compare.backend import Backend
from compare.compile.learner import Compiled
from compare.experiments import half_precision
from compare.experiments.common import digits, mlp
from compare.lockstep import Lockstep, NonFinite
from compare.results import Side

NET = mlp(64, 16, 10, activation="Tanh")


def make(library, learner=None, scaler=None, dtype="float16", **scaling):
    ours = library is handmade
    kind = learner if learner and ours else library.amp.MixedPrecisionLearner
    scale = scaler if scaler and ours else library.amp.GradScaler
    return kind(
        NET(library.nn),
        library.nn.CrossEntropyLoss(),
        partial(library.optim.SGD, lr=0.1, momentum=0.9),
        scaler=scale(**{"growth_interval": 3, **scaling}),
        dtype=dtype,
    )


def lockstep(steps=25, backend=Backend(), **options):  # noqa: B008
    """Both sides after so many steps, and how many of them were skipped."""
    found, data = Lockstep(partial(make, **options), backend, seed=0), digits.small()
    rng, skipped = np.random.default_rng(0), 0
    for _ in range(steps):
        rows = rng.permutation(len(data.x))[:32]
        step = found.step(data.x[rows], data.target[rows])
        skipped += not step.gradients
    return found, skipped


@pytest.mark.parametrize("backend", [Backend(), Backend("torch", "cpu", "float32")])
def test_both_sides_agree_within_the_rounding_of_float16(backend):
    found, skipped = lockstep(backend=backend)
    verdict = found.verdict()
    assert verdict.kind == "rounding", verdict.words
    assert 1e-5 < verdict.difference <= found.tolerance.bound < 0.02
    assert skipped > 0
    assert found.history.divergence is None


def test_bfloat16_has_a_tolerance_of_its_own():
    found, skipped = lockstep(backend=Backend("torch"), dtype="bfloat16")
    assert found.verdict().agrees
    assert skipped == 0
    assert found.tolerance.eps == 2.0**-7


class Impatient(handmade.amp.GradScaler):
    """Grows a step too early."""

    def update(self):
        self._growth_tracker += self._growth_tracker == 1
        super().update()


class Forgetful(handmade.amp.GradScaler):
    """Divides by nothing."""

    def unscale_(self, optimizer):
        super().unscale_(optimizer)
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.grad = parameter.grad * self.get_scale()


class Reckless(handmade.amp.GradScaler):
    """Steps whatever the gradients are."""

    def step(self, optimizer):
        optimizer.step()
        self._stepped.add(optimizer)


@pytest.mark.parametrize("scaler", [Impatient, Forgetful])
def test_a_wrong_scaler_is_a_mistake(scaler):
    assert lockstep(scaler=scaler)[0].verdict().kind == "mistake"


def test_a_step_that_should_have_been_skipped_is_reported():
    with pytest.raises(NonFinite, match=r"parameter 0\.weight .* of handmade"):
        lockstep(scaler=Reckless, init_scale=2.0**22)


class Wrong(handmade.amp.MixedPrecisionLearner):
    """Its loss is 10 % too large, and so are its gradients."""

    def _update(self, x, target):
        loss = super()._update(x, target)
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad = 1.1 * parameter.grad
        return 1.1 * loss


def test_a_tenth_too_much_is_more_than_the_rounding_of_float16():
    assert lockstep(learner=Wrong)[0].verdict().kind == "mistake"


def test_a_step_that_may_be_skipped_cannot_be_compiled():
    with pytest.raises(ValueError, match="not MixedPrecisionLearner"):
        Compiled(make(handmade), "torch")


@pytest.mark.parametrize(
    ("unscaled", "scaled", "holds"),
    [(2.3, 1.9, True), (2.3, 2.2, False), (2, 1, False)],
)
def test_the_claim_about_the_deep_net_can_fail(unscaled, scaled, holds, monkeypatch):
    losses = {
        half_precision.DEEP[half_precision.FULL]: 1.95,
        half_precision.DEEP[half_precision.SCALED]: scaled,
        half_precision.DEEP[half_precision.UNSCALED]: unscaled,
    }
    trained = lambda library, make, *_: (None, [losses[make]] * 10, None)  # noqa: E731
    monkeypatch.setattr(half_precision, "train", trained)
    assert half_precision.hardly_learns(Side("handmade"))[0] == holds


def test_the_claim_about_the_gradient_fails_where_nothing_is_lost(monkeypatch):
    for_all = lambda library, name: [[np.zeros(4, bool)] * 2] * 3  # noqa: E731
    monkeypatch.setattr(half_precision, "lost", for_all)
    assert not half_precision.keeps_the_gradient(Side("handmade"))[0]


@pytest.mark.parametrize(
    ("theirs", "holds"),
    [([2.0, 4.0, 2.0], True), ([2.0, 4.0, 4.0], False), ([2.0, 2.0, 2.0], False)],
)
def test_the_claim_about_the_scales_can_fail(theirs, holds, monkeypatch):
    scales = {"handmade": [2.0, 4.0, 2.0] if holds else theirs[::-1]}
    trained = lambda library, *_: (None, None, scales.get(library, theirs))  # noqa: E731
    monkeypatch.setattr(half_precision, "train", trained)
    assert half_precision.skips_the_same(Side("handmade"))[0] == holds


@pytest.mark.slow
def test_gradients_vanish_in_float16_unless_the_loss_is_scaled():
    _, lesson = registry.load("half_precision")
    claim = lesson.claims["scaling keeps a deep net's gradient from becoming 0"]
    for library in ("handmade", "torch_ref"):
        holds, words = claim(Side(library))
        assert holds, words
