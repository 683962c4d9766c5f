"""A learner whose whole hand-written step is one compiled function.

The step is traced: it runs once on stand-ins for arrays, and what it did to them is
compiled, by `jax.jit` or by torch's compiler, as a pure function from the numbers of
the learner's state, and a batch, to its next state and the loss.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from compare.backend import Backend
from compare.compile import backends
from compare.compile.buffers import Places
from compare.compile.cuda_graph import GraphCompiler
from handmade._array import compiling
from handmade.training import GradientLearner

COMPILERS = {**backends.COMPILERS, "graph": GraphCompiler()}


def prepared(learner: Any, backend: Backend) -> Any:
    """A hand-written learner moved to its arrays and, where asked for, compiled.

    Raises:
        ValueError: it cannot be compiled.
    """
    learner = learner.to(backend.handmade(np.zeros(1)))
    if backend.graph:
        return Compiled(learner, "graph")
    if backend.compile or backend.array == "jax":
        return Compiled(learner, backend.array)
    return learner


class Compiled:
    """A hand-written gradient learner, compiled once its state has got its form.

    The first step, in which most optimisers make their buffers, is taken as it stands.
    Between steps the numbers lie in the compiled function's own arrays; whoever asks
    for the learner's parts gets them up to date. What is changed in them (a mode, a
    rate, an attribute of a layer or of the loss) counts from the next step on, but only
    if they were asked for after the last one.

    Args:
        learner: on the arrays that the compiler is made for.
        compiler: "torch", "jax", or "graph" for a CUDA graph.
        gradients: whether each step also gives its gradients, which costs time where
            nobody asks for them.

    Raises:
        ValueError: the learner is no `GradientLearner`: other steps look at values.
    """

    def __init__(self, learner: Any, compiler: str, gradients: bool = True) -> None:
        if not isinstance(learner, GradientLearner):
            raise ValueError(
                f"only learners that follow a gradient can be compiled, not "
                f"{type(learner).__name__}: take --array numpy or torch, "
                f"and no --compile or --graph"
            )
        self._learner = learner
        self._compiler = COMPILERS[compiler]
        self._with_gradients = gradients
        self._moving = {"lr"} if learner.scheduler is not None else set[str]()
        self._runs: dict[Any, Callable[..., Any]] = {}
        self._settled: set[Any] = set()
        self._places: Places | None = None
        self._names: list[str] = []
        self._gradients: dict[str, Any] = {}
        self._run: Callable[..., Any] | None = None

    def step(self, x: Any, target: Any) -> float:
        """Forward, backward, update; returns the loss before the update.

        Raises:
            ValueError: the step cannot be compiled; why is said.
        """
        if self._run is None:
            self._run = self._found()
            if self._run is None:
                return self._first(x, target)
        run, given = self._run, self._given
        self._values, loss, gradients = run(self._values, given, x, target)
        if gradients:
            self._gradients = dict(zip(self._names, gradients, strict=True))
        if self._learner.scheduler is not None:
            self._schedule(loss)
        return float(loss)

    def _schedule(self, loss: Any) -> None:
        """Set the rates of the next step; other changes need another compiled step."""
        places = self._places
        assert places is not None
        self._learner._schedule(loss)
        if places.fixed_now() != places.fixed:
            _ = self.learner
        else:
            self._given = self._compiler.inputs(places.given())

    def _found(self) -> Callable[..., Any] | None:
        """The compiled step for the state as it now is; None if it must settle."""
        places = Places(self._learner, self._moving)
        if self._places is not None and (moved := places.moved_since(self._places)):
            self._moving |= moved
            places = Places(self._learner, self._moving)
        self._places = places
        if places.form not in self._settled:
            return None
        if places.key not in self._runs:
            self._runs[places.key] = self._compiler.compiled(self._traceable())
        self._values = self._compiler.inputs(places.values())
        self._given = self._compiler.inputs(places.given())
        return self._runs[places.key]

    def _first(self, x: Any, target: Any) -> float:
        """A step as it stands; if it leaves the state's form alone, that is settled."""
        before = Places(self._learner, self._moving).form
        loss = self._learner.step(x, target)
        if Places(self._learner, self._moving).form == before:
            self._settled.add(before)
        self._gradients = self._learner.gradients()
        return loss

    def _traceable(self) -> Callable[..., Any]:
        """The step as a pure function of arrays."""
        learner, with_gradients = self._learner, self._with_gradients
        writing_copies = self._compiler.writing_copies
        moving = frozenset(self._moving)

        def pure(values: list[Any], given: list[Any], x: Any, target: Any) -> Any:
            places = Places(learner, moving)
            before, before_given = places.values(), places.given()
            try:
                with compiling(writing_copies=writing_copies):
                    places.put(values)
                    places.put_given(given)
                    loss = learner._update(x, target)
                    gradients = learner.gradients() if with_gradients else {}
                    self._names = list(gradients)
                    return places.values(), loss, list(gradients.values())
            finally:
                places.put(before)
                places.put_given(before_given)
                learner.optimizer.zero_grad()

        return pure

    @property
    def learner(self) -> GradientLearner:
        """The learner itself, up to date; whoever has it may change it."""
        if self._run is not None and self._places is not None:
            self._places.put_back(self._values)
            self._run = None
        return self._learner

    @property
    def optimizer(self) -> Any:
        """The learner's optimiser, up to date."""
        return self.learner.optimizer

    @property
    def scheduler(self) -> Any:
        """The learner's schedule, or None."""
        return self.learner.scheduler

    def predict(self, x: Any) -> Any:
        """The model's output in evaluation mode, not compiled."""
        return self.learner.predict(x)

    def parameters(self) -> dict[str, Any]:
        """The data of every parameter and every floating buffer by name."""
        return self.learner.parameters()

    def gradients(self) -> dict[str, Any]:
        """The gradients of the last step, if they were asked for."""
        return self._gradients

    def state_dict(self) -> dict[str, Any]:
        """The states of model, optimiser and, if there is one, schedule."""
        return self.learner.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied."""
        self.learner.load_state_dict(state_dict)

    def to(self, other: Any) -> Self:
        """Move to the dtype and device of `other`, an array of the same library."""
        self.learner.to(other)
        self._runs.clear()
        self._settled.clear()
        return self
