"""Calling a layer or a loss of a file in a test case, as its `Form` says.

An object keeps its parameters and their gradients; a function is given its parameters,
and its partner returns their gradients. A pass may return its result, leave it in an
attribute, or return several at once: value and cache, loss and gradient.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import handmade
from compare.backend import to_numpy
from compare.check.arguments import spelled
from compare.check.definitions import (
    BACKWARD,
    FORWARD,
    Definition,
    NotTested,
    find,
    plain,
    roles,
    words_for,
)
from compare.check.parameters import (
    Slot,
    attributes,
    find_slot,
    giver,
    set_parameters,
    torchs_layout,
)
from compare.check.results import COUNTS, Answer, BackwardFailed, NoNumbers
from compare.check.roles import (
    as_array,
    by_name,
    copied,
    in_rows,
    stacked,
    usual_roles,
    values_of,
)
from compare.check.signatures import required, taken
from compare.testing import resolved
from compare.testing.reference import Question, Results

UPSTREAM = ("g", "gc")
"""The roles of the upstream gradients of several outputs."""
OF_PARTS = ("output", "input gradient")
"""The results that each example has of its own."""
MODES = words_for("roles", "training")
OUTPUTS = ("output", "out", "outputs", "y", "a", "value", "loss", "result", "data")
INPUT_GRADIENTS = ("dinputs", "dinput", "dx", "gradinput", "inputgrad", "gradx", "da")


def answer(definition: Definition, question: Question) -> Answer:
    """Run a layer or a loss in a test case, forwards and backwards.

    Raises:
        NotTested: it does not take such arguments or inputs.
        BackwardFailed: the backward pass raises something.
        Exception: whatever the forward pass raises.
    """
    if definition.form.by_number or definition.form.one_by_one:
        return _by_parts(definition, question)
    if definition.form.flat and question.inputs[0].ndim != 1:
        return _of_vectors(definition, question)
    call = Call(definition, question)
    output = call.forward()
    try:
        results = call.backward()
    except (NotTested, NoNumbers):
        raise
    except Exception as error:
        raise BackwardFailed(output, error) from error
    names = tuple(dict.fromkeys(call.conventions))
    return Answer(results, call.upstream, names, tuple(call.mistakes()))


def _by_parts(definition: Definition, question: Question) -> Answer:
    """The same, one number or one example after another."""
    form, x = definition.form, question.inputs[0]
    what, shape, parts = "number", x.shape, [*np.ndindex(x.shape)]
    if form.one_by_one:
        what, shape = "example", (len(x), -1)
        numbers = range(len(x) * (x.ndim == 2))
        parts = [(i if form.flat else slice(i, i + 1),) for i in numbers]
    if not parts:
        raise NotTested(f"it takes one {what} at a time")
    form = replace(form, by_number=False, one_by_one=False, flat=False)
    one = replace(definition, form=form)
    calls = [Call(one, replace(question, inputs=(x[part],))) for part in parts]
    output = np.array([call.forward() for call in calls]).reshape(shape)
    upstream, found = question.grad_output(output), dict[str, Any]()
    for part, call in zip(parts, calls, strict=True):
        if upstream is not None:
            call.upstream = np.asarray(upstream[part], x.dtype)
        for name, value in call.backward().items():
            found.setdefault(name, []).append(value)
    dtype = x.dtype if definition.form.by_number else None  # Python's are float64
    of_parts = {n: np.array(found.pop(n), dtype) for n in OF_PARTS if n in found}
    results = {name: a.reshape(shape) for name, a in of_parts.items()}
    results |= {name: np.sum(each, axis=0) for name, each in found.items()}
    names = tuple(dict.fromkeys([*definition.form.conventions, *calls[0].conventions]))
    return Answer(results, upstream, names, tuple(calls[0].mistakes()))


def _of_vectors(definition: Definition, question: Question) -> Answer:
    """The same for a loss, whose inputs it is given as vectors."""
    shapes = {array.shape for array in question.inputs}
    if len(shapes) > 1 or "none" in question.kwargs.values():
        raise NotTested("it takes vectors")
    vectors = tuple(array.reshape(-1) for array in question.inputs)
    found = answer(definition, replace(question, inputs=vectors))
    gradients = found.results.keys() & {"input gradient"}
    shaped = {n: found.results[n].reshape(*shapes) for n in gradients}
    return replace(found, results=found.results | shaped)


class Call:
    """An object, or a function and its partner, made for a test case.

    `output` and the `upstream` gradient (None for a loss of one number) are those of
    the last forward pass.
    """

    def __init__(self, definition: Definition, question: Question) -> None:
        handmade.manual_seed(question.seed)
        self.definition, self.question = definition, question
        self.form, self.is_loss = definition.form, definition.kind == "loss"
        self.conventions = [*self.form.conventions]
        # What it is given, and how that was before.
        self.given = [(copied(array), array) for array in question.inputs]
        self.values = values_of(self.form, question, [own for own, _ in self.given])
        self.order = self.form.forward or usual_roles(question, definition)
        self.upstream: np.ndarray | None = None
        self.module: Any = None
        self.slots: dict[str, Slot] = {}
        self.changed = False
        hidden = ("reduction",) if self.form.reduction else ()  # only torch is told
        options = {k: v for k, v in question.kwargs.items() if k not in hidden}
        if definition.is_class:
            self._make_object(options)
        else:
            self._take_functions(options)

    def _take_functions(self, options: dict[str, Any]) -> None:
        # Whether there is a bias shows in the parameters.
        options = {k: v for k, v in options.items() if k != "bias"}
        forward, backward = self.definition.make, self.definition.backward
        own, names = spelled(forward, options), taken(forward)
        if names and "options" in self.form.forward:
            own = {k: v for k, v in own.items() if k in names}
        modes = _modes(forward, self.question.training)
        is_told = self.question.training or modes or "options" in self.order
        if self.question.buffers and not is_told:
            raise NotTested("evaluation mode: it is given no running statistics")
        own |= modes
        self.forward_pass = partial(forward, **own)
        self.backward_pass = None
        if backward is not None:
            names = taken(backward)
            own = {k: v for k, v in own.items() if names is None or k in names}
            self.backward_pass = partial(backward, **own)

    def _make_object(self, options: dict[str, Any]) -> None:
        question, args = self.question, resolved(self.question.args, handmade.nn)
        module = self.module = self._made(args, resolved(options, handmade.nn))
        buffers = _own_buffers(module, question)
        for owner, own in _owners(module, args, question.state | buffers):
            state = {name: value for name, _, value in own}
            slots = set_parameters(owner, state, self.form.transposed, self.conventions)
            self.slots |= {full: slots[name] for name, full, _ in own if name in slots}
        forward = find(module, FORWARD) or module
        modes = _modes(forward, question.training)
        if not question.training and not modes:
            evaluate(module)
        self.forward_pass = partial(forward, **modes)
        self.backward_pass = find(module, BACKWARD)

    def _made(self, args: Any, options: Mapping[str, Any]) -> Any:
        """The object; its constructor may want the parameters themselves."""
        make, kwargs = self.definition.make, spelled(self.definition.make, options)
        names = required(make)
        wanted = [name for name in roles(names) if name in self.question.state]
        if wanted and len(wanted) == len(names):
            with suppress(TypeError):
                own = (np.array(to_numpy(self.values[n])) for n in wanted)
                return make(*own, **kwargs)
        try:
            return make(*args, **kwargs)
        except TypeError:
            if names:
                raise
            return make(**kwargs)  # it takes no sizes

    def forward(self) -> np.ndarray:
        """Take the forward pass; returns the output as torch has it."""
        returned = self._run(self.forward_pass, self.order, OUTPUTS, "output")
        returned = stacked(returned, self.question)
        value, *others = returned if isinstance(returned, tuple) else (returned,)
        if self.is_loss and np.size(value) > 1 and len(others) == 1:
            value, others = others[0], [value]  # gradient and loss
        cache = others[0] if len(others) == 1 else tuple(others)
        self.is_pair = self.is_loss and bool(others)
        self.kept = {"y": value, "cache": cache if others else self.values["x"]}
        self.output = as_array("output", in_rows(value, self.form))
        if self.is_loss and (self.output.size == 1 or self.form.reduction == "mean"):
            self.output = np.asarray(self.output.mean())
        self.upstream = self.question.grad_output(self.output)
        if self.upstream is not None:
            x = self.output if self.question.of_index else self.question.inputs[0]
            self.upstream = self.upstream.astype(x.dtype)
        return self.output

    def _run(self, function: Any, order: Any, names: Any, what: str) -> Any:
        """What a pass returns, or leaves in one of these attributes."""
        values = self.values
        missing = [role for role in order if role not in values]
        if missing:
            raise NotTested(f"nothing is known to give for its argument {missing[0]!r}")
        before = {**attributes(self.module)}
        returned = function(*(values[role] for role in order))
        if returned is not None or self.module is None or not names:
            return returned
        kept = attributes(self.module)
        by_word = {plain(name): value for name, value in kept.items()}
        found = [by_word[name] for name in names if name in by_word]
        for name, value in reversed(kept.items()):
            is_new = before.get(name) is not value and value is not values["x"]
            found += [value] if is_new and isinstance(value, np.ndarray) else []
        if not found:
            what = f"it returns no {what}, and no attribute was found to hold it"
            raise NotTested(what)
        return found[0]

    def backward(self) -> Results:
        """Take the backward pass; returns the output and all gradients and buffers."""
        question, upstream = self.question, self.upstream
        if upstream is not None:
            self.given.append((upstream.copy(), upstream))
        if self.backward_pass is None and not self.is_pair:
            if self.module is not None:
                looked_for = ", ".join(BACKWARD[:6])
                raise NotTested(f"it has no backward pass (looked for {looked_for} …)")
            return {"output": self.output}  # the value alone is compared
        order = self._backward_roles()
        before = {name: to_numpy(self.values[name]) for name in question.state}
        before |= {name: np.array(to_numpy(s.get())) for name, s in self.slots.items()}
        self.values |= {**self.kept, **self._upstream_roles(), "lr": 1.0}
        names = () if question.of_index else INPUT_GRADIENTS
        if self.backward_pass is None:
            returned = self.kept["cache"]
        else:
            returned = self._run(self.backward_pass, order, names, "gradient")
        found = by_name(returned, self.definition, question, self.values)
        if "x" in found:
            found["x"] = self._times_upstream(found["x"], order)
        found |= self._parameter_gradients(found, before, "lr" in order)
        results = {"output": self.output, **self._buffers()}
        for name, value in found.items():
            name = "input gradient" if name == "x" else f"gradient {name}"
            results[name] = as_array(name, value)
        return results

    def _backward_roles(self) -> tuple[str, ...]:
        """What the backward pass is given."""
        order, is_number = self.form.backward, self.upstream is None
        is_each = bool(self.form.reduction)
        upstream = () if is_number or is_each else UPSTREAM[: self.question.outputs]
        if self.backward_pass is None:
            order = ()
        elif order is None:
            return upstream if self.definition.is_class else (*upstream, *self.order)
        if self.is_loss and upstream and "g" not in order:
            raise NotTested("reduction='none' has no place for grad_output")
        return order

    def _upstream_roles(self) -> dict[str, Any]:
        """The upstream gradient by its role; a loss of one number may be given a 1."""
        if self.upstream is None:
            return {"g": 1.0} if self.is_loss else {}
        give, (upstream, _) = giver(self.form.library), self.given[-1]
        if self.question.outputs > 1:
            gs = tuple(map(give, upstream))
            return {**dict(zip(UPSTREAM, gs, strict=True)), "gs": gs}
        return {"g": give(in_rows(upstream, self.form))}

    def _times_upstream(self, gradient: Any, order: tuple[str, ...]) -> Any:
        """The gradient by the input, of a file that gives the slope alone, too."""
        gradient, g = in_rows(gradient, self.form), self.upstream
        if g is None or {"g", "gs"} & {*order}:
            return gradient
        slope = to_numpy(gradient)
        return slope * (g[..., None] if slope.ndim == g.ndim + 1 else g)

    def _parameter_gradients(
        self, found: Mapping[str, Any], before: Results, learns: bool
    ) -> dict[str, Any]:
        """Those that are returned, or kept, or by which an object has learned."""
        results = {}
        for name, torchs in self.question.state.items():
            raw, slot = found.get(name), self.slots.get(name)
            if slot is not None:
                old, new = before[name], to_numpy(slot.get())
                is_same = np.array_equal(old, new, equal_nan=True)
                self.changed |= not is_same and not learns
                if learns and not (is_same and slot.has_gradient):
                    raw = old - new
                raw = slot.gradient() if raw is None else raw
            results[name] = torchs_layout(raw, torchs, before[name], self.conventions)
        return results

    def _buffers(self) -> Results:
        buffers = self.question.buffers
        own = {n: to_numpy(s.get()) for n, s in self.slots.items() if n in buffers}
        return {f"buffer {n}": a.reshape(buffers[n].shape) for n, a in own.items()}

    def mistakes(self) -> Iterator[str]:
        """Mistakes in what it changes of what it is given, or keeps."""
        if not all(np.array_equal(*pair, equal_nan=True) for pair in self.given):
            yield "input mutated"
        if self.changed:
            yield "weights changed inside backward"


def _modes(function: Any, training: bool) -> dict[str, bool]:
    """Its arguments that say whether it is training."""
    return {n: training for n in sorted(taken(function) or ()) if plain(n) in MODES}


def evaluate(module: Any) -> None:
    """Put a module into evaluation mode: by `eval()`, or by `training = False`."""
    if hasattr(module, "eval"):
        module.eval()
        return
    for name in (name for name in dir(module) if plain(name) in MODES):
        if isinstance(getattr(module, name), (bool, int)):
            setattr(module, name, False)
            return
    raise NotTested("it has no evaluation mode: neither eval() nor training")


def _own_buffers(module: Any, question: Question) -> dict[str, np.ndarray]:
    """The buffers that it has, and a count of batches only if it keeps one."""
    buffers, counts = question.buffers, {*COUNTS}
    own = {n: a for n, a in buffers.items() if find_slot(module, n) is not None}
    lacks = len(own.keys() - counts) < len(buffers.keys() - counts)
    if lacks and not question.training:
        raise NotTested("it has no running statistics for the evaluation mode")
    if question.kwargs.get("momentum", 0) is None and len(own) < len(buffers):
        raise NotTested("momentum=None without num_batches_tracked")
    return own


def _owners(
    module: Any, args: Any, state: dict[str, np.ndarray]
) -> Iterator[tuple[Any, list[tuple[str, str, np.ndarray]]]]:
    """Each module that owns parameters: their names in it, full names, and values.

    Inner modules are attributes ("out_proj.") or, by number, the constructor's
    arguments: layers, or pairs of weight and loss. A class may also keep the parameters
    of a layer itself, such as `out_proj_weight`.
    """
    if args and isinstance(args[0], list):
        args = [loss for _, loss in args[0]]
    places: dict[str, list[tuple[str, str, np.ndarray]]] = {}
    for full, value in state.items():
        place, _, name = full.rpartition(".")
        if (
            place
            and not place[0].isdigit()
            and not hasattr(module, place.split(".")[0])
        ):
            place, name = "", full.replace(".", "_")
        places.setdefault(place, []).append((name, full, value))
    for place, own in places.items():
        owner = module
        for part in place.split(".") if place else ():
            is_argument = owner is module and part.isdigit()
            owner = args[int(part)] if is_argument else getattr(owner, part)
        yield owner, own
