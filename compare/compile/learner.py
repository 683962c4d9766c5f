"""A hand-written learner whose whole step is one compiled function."""

from typing import Any, Self

import numpy as np

from compare.backend import Backend
from compare.compile.backends import GraphCompiler, JaxCompiler, Pure, TorchCompiler
from compare.compile.buffers import Buffers
from compare.compile.tracing import tracing
from handmade.amp import MixedPrecisionLearner
from handmade.training import GradientLearner

COMPILERS: dict[str, TorchCompiler | JaxCompiler] = {
    "torch": TorchCompiler(),
    "jax": JaxCompiler(),
    "graph": GraphCompiler(),
}


def prepared(learner: Any, backend: Backend) -> Any:
    """A hand-written learner on the backend's arrays, compiled if it says so."""
    learner = learner.to(backend.to_handmade(np.zeros(1)))
    if backend.graph:
        return Compiled(learner, "graph")
    if backend.compile or backend.array == "jax":
        return Compiled(learner, backend.array)
    return learner


class Compiled:
    """A hand-written gradient learner with a compiled step.

    The first steps, in which most optimizers make their buffers, run eagerly. After
    that the state is kept in the compiled function's own arrays. Every other attribute
    is the learner's, with the state up to date. A change (of a mode, a learning rate,
    an attribute of a layer) counts from the next step on, if the learner was accessed
    through this object after the last step.

    The compiler is "torch", "jax" or "graph", a CUDA graph, on whose arrays the learner
    already is. It is faster without `gradients`, which steps then do not return.

    Raises:
        ValueError: the learner is no `GradientLearner`, or skips steps; such branch on
            values.
    """

    def __init__(self, learner: Any, compiler: str, gradients: bool = True) -> None:
        mixed = isinstance(learner, MixedPrecisionLearner)
        if mixed or not isinstance(learner, GradientLearner):
            raise ValueError(
                "only learners that follow every gradient can be compiled, not "
                f"{type(learner).__name__}: take --array numpy or torch, "
                "and no --compile or --graph"
            )
        self._learner, self._with_gradients = learner, gradients
        self._compiler = COMPILERS[compiler]
        self._compiled: dict[Any, Pure] = {}
        self._stable_layout: Any = None
        self._buffers = Buffers(learner)
        self._run: Pure | None = None  # None where the learner itself holds the state
        self._state: list[Any] = []
        self._hyper: list[Any] = []
        self._names: list[str] = []
        self._gradients: dict[str, Any] = {}

    def step(self, x: Any, target: Any) -> float:
        """Forward, backward, update; returns the loss before the update.

        Raises:
            ValueError: the step cannot be compiled; the message says why.
        """
        run = self._run or self._start()
        if run is None:
            return self._eager_step(x, target)
        self._state, loss, gradients = run(self._state, self._hyper, x, target)
        if gradients:
            self._gradients = dict(zip(self._names, gradients, strict=True))
        if self._learner.scheduler is not None:
            self._learner._schedule(loss)
            if self._buffers.fixed_now() == self._buffers.fixed:
                self._hyper = self._compiler.inputs(self._buffers.hyperparameters())
            else:
                _ = self.learner  # compile another step
        return float(loss)

    def gradients(self) -> dict[str, Any]:
        """The gradients of the last step, if they were asked for."""
        return self._gradients

    @property
    def learner(self) -> GradientLearner:
        """The learner itself, up to date; it may be changed."""
        if self._run is not None:
            self._buffers.put(self._state, counts=True)
            self._run = None
        return self._learner

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.learner, name)

    def to(self, other: Any) -> Self:
        """Move to the dtype and device of `other`, an array of the same library."""
        self.learner.to(other)
        self._compiled.clear()
        self._stable_layout = None
        return self

    def _start(self) -> Pure | None:
        """Hand the state to the compiled step; None if its layout may still change."""
        self._buffers = buffers = Buffers(self._learner)
        if buffers.layout != self._stable_layout:
            return None
        if buffers.key not in self._compiled:
            self._compiled[buffers.key] = self._compiler.compile(self._pure_step())
        self._state = self._compiler.inputs(buffers.values())
        self._hyper = self._compiler.inputs(buffers.hyperparameters())
        self._run = self._compiled[buffers.key]
        return self._run

    def _eager_step(self, x: Any, target: Any) -> float:
        """A step that is not compiled; a layout that it does not change is stable."""
        loss = self._learner.step(x, target)
        if Buffers(self._learner).layout == self._buffers.layout:
            self._stable_layout = self._buffers.layout
        self._gradients = self._learner.gradients()
        return loss

    def _pure_step(self) -> Pure:
        """The learner's step as a pure function of its state."""
        learner, with_gradients = self._learner, self._with_gradients
        copies_on_write = self._compiler.copies_on_write

        def pure(state: list[Any], hyper: list[Any], x: Any, target: Any) -> Any:
            buffers = Buffers(learner)
            before, hyper_before = buffers.values(), buffers.hyperparameters()
            try:
                with tracing(functional=copies_on_write):
                    buffers.put(state)
                    buffers.put_hyperparameters(hyper)
                    loss = learner._update(x, target)
                    gradients = learner.gradients() if with_gradients else {}
                    self._names = list(gradients)
                    return buffers.values(), loss, list(gradients.values())
            finally:
                buffers.put(before)
                buffers.put_hyperparameters(hyper_before)
                learner.optimizer.zero_grad()

        return pure
