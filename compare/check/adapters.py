"""Calling a layer or a loss of a file in a test case, in whatever form it is written.

A class has a forward and a backward pass, its parameters as attributes, in lists or in
dicts; a function has a partner that returns its gradients, or returns both together.
`forms` finds out which `Form` a definition has.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import handmade
from compare.backend import to_numpy
from compare.check.arguments import required, spelled, taken
from compare.check.definitions import (
    BACKWARD,
    FORWARD,
    Definition,
    Form,
    NotTested,
    plain,
    roles,
)
from compare.check.parameters import (
    IN_OUT,
    Slot,
    find_slot,
    giver,
    gradient_of,
    gradient_words,
    kept_as_row,
    set_parameters,
    torchs_layout,
)
from compare.check.results import COUNTS, Answer, BackwardFailed, NoNumbers
from compare.testing import resolved
from compare.testing.reference import Question

Passes = tuple[Callable[[], Any], Callable[..., dict[str, Any]]]
"""To the output; from the upstream gradient to all other results."""
UPSTREAM = ("g", "gc")
"""The roles of the upstream gradients of several outputs."""
MODES = ("training", "train", "is_training", "train_flg", "train_flag", "is_train")
OUTPUTS = ("output", "out", "outputs", "y", "a", "value", "loss", "result", "data")
INPUT_GRADIENTS = ("dinputs", "dinput", "dx", "gradinput", "inputgrad", "gradx", "da")


class NoUpstream(NotTested):
    """A loss of many numbers has a backward pass that takes no upstream gradient."""


def answer(
    definition: Definition,
    question: Question,
    passes: int = 1,
    other: Question | None = None,
    backward_twice: bool = False,
) -> Answer:
    """Run a layer or a loss in a test case; gradients add up over `passes`.

    Between the passes another instance can take the forward pass of a test case
    `other`; the backward pass can be taken twice.

    Raises:
        NotTested: it does not take such arguments or inputs.
        Exception: whatever the file raises.
    """
    handmade.manual_seed(question.seed)
    form = definition.form
    if form.by_number:
        return _by_number(definition, question)
    given = replace(question, inputs=tuple(map(_copied, question.inputs)))
    conventions = list(_conventions(form))
    build = _module if definition.is_class else _functions
    forward, backward = build(definition, given, passes, conventions)
    results: dict[str, Any] = {}
    upstream: np.ndarray | None = None
    changed: list[np.ndarray] = []
    for _ in range(passes):
        output = _rows(_loss_value(definition, forward()), form)
        upstream = _grad_output(given, output)
        changed = [] if upstream is None else [upstream.copy()]
        if other is not None:
            build(definition, other, 1, [])[0]()
        try:
            if backward_twice:
                backward(*(a.copy() for a in changed))
            results = {"output": output, **backward(*changed)}
        except NotTested:
            raise
        except Exception as error:
            raise BackwardFailed(np.asarray(to_numpy(output))) from error
    before = [*question.inputs, *([] if upstream is None else [upstream])]
    pairs = zip([*given.inputs, *changed], before, strict=True)
    mutated = not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    learned = results.pop("learned", {})
    arrays = {name: np.array(to_numpy(value)) for name, value in results.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiubc":
            kind = type(results[name]).__name__
            raise NoNumbers(f"{name} must be an array of numbers, got {kind}")
    return Answer(arrays, upstream, mutated, tuple(dict.fromkeys(conventions)), learned)


def _conventions(form: Form) -> Iterator[str]:
    if form.target_first:
        yield "target first"
    if form.one_hot:
        yield "one-hot targets only"
    if form.columns:
        yield "examples in columns"
    if form.transposed:
        yield IN_OUT
    if form.reduction:
        yield "loss of each example, not their mean"
    if "y" in (form.backward or ()) and "g" not in (form.backward or ()):
        yield "slope by the output"


def _copied(array: np.ndarray) -> np.ndarray:
    """A copy with gaps in memory where the original has gaps."""
    if array.flags.c_contiguous:
        return array.copy()
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _rows(array: Any, form: Form) -> Any:
    """An output or a gradient by the input with the examples in rows."""
    return array.T if form.columns and getattr(array, "ndim", 0) == 2 else array


def _loss_value(definition: Definition, value: Any) -> Any:
    """A loss of one number without dimensions."""
    if definition.kind != "loss" or not getattr(value, "ndim", 0):
        return value
    if definition.form.reduction == "mean":
        return value.mean()
    return value.reshape(()) if np.size(to_numpy(value)) == 1 else value


def _grad_output(question: Question, output: Any) -> np.ndarray | None:
    output = np.asarray(to_numpy(output))
    upstream = question.grad_output(output)
    if upstream is None:
        return None
    return upstream.astype((output if question.of_index else question.inputs[0]).dtype)


def _by_number(definition: Definition, question: Question) -> Answer:
    """The same for something that takes one number at a time."""
    x, one = question.inputs[0], replace(definition.form, by_number=False)
    scalar = replace(definition, form=one)
    upstream = question.grad_output(x)
    assert upstream is not None
    found: dict[str, np.ndarray] = {}
    if not x.size:
        raise NotTested("it takes one number at a time")
    for index in np.ndindex(x.shape):
        fields: dict[str, Any] = {**vars(question), "inputs": (x[index],)}
        of_number = _OfNumber(**fields, given=upstream[index])
        for name, value in answer(scalar, of_number).results.items():
            found.setdefault(name, np.zeros(x.shape, x.dtype))[index] = value
    return Answer(found, upstream)


@dataclass(frozen=True)
class _OfNumber(Question):
    """One number of a test case, with its own upstream gradient."""

    given: Any = None

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        return np.asarray(self.given)


# -- arguments by their roles ----------------------------------------------------------


def _values(definition: Definition, question: Question) -> dict[str, Any]:
    """Everything that a pass may be given, by its role."""
    form, (x, *others) = definition.form, question.inputs
    values: dict[str, Any] = {"x": _rows(x, form), "training": question.training}
    values |= {name: _rows(a, form).copy() for name, a in question.further.items()}
    if others:
        target = others[0]
        if form.one_hot and x.ndim != 2:
            raise NotTested("it takes one-hot targets of two dimensions only")
        if form.one_hot and target.dtype.kind in "iu":
            target = np.eye(x.shape[1])[target].astype(x.dtype)
        values["target"] = _rows(target, form)
    for name, array in question.state.items():
        is_matrix = array.ndim == 2 and "weight" in name
        values[name] = array.T.copy() if form.transposed and is_matrix else array.copy()
        if form.columns and array.ndim == 1:
            values[name] = array[:, None].copy()
    values["options"] = _options(question, values)
    give = giver(form.library)
    values = {k: give(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}
    return values | {"further": tuple(values[name] for name in question.further)}


def _options(question: Question, values: Mapping[str, Any]) -> dict[str, Any]:
    """All options in one dict, under the names that are common for such dicts."""
    kwargs, k = dict(question.kwargs), question.kwargs.get("kernel_size", 1)
    height, width = k if isinstance(k, tuple) else (k, k)
    common = {
        **{"mode": "train" if question.training else "test", "eps": 1e-5},
        **{"momentum": 0.9, "stride": k if "kernel_size" in kwargs else 1, "pad": 0},
        **{"pool_height": height, "pool_width": width, "f": k, **kwargs},
    }
    return common | {"pad": kwargs.get("padding", 0)} | dict(question.buffers)


def _given(question: Question, form: Form) -> dict[str, Any]:
    """The options that a file is given; some are only said to torch."""
    hidden = ("reduction",) if form.reduction else ()
    return {k: v for k, v in question.kwargs.items() if k not in hidden}


def _arguments(given: tuple[str, ...], values: Mapping[str, Any]) -> list[Any]:
    missing = [role for role in given if role not in values]
    if missing:
        raise NotTested(f"nothing is known to give for its argument {missing[0]!r}")
    return [values[role] for role in given]


def _mode(function: Any, question: Question) -> dict[str, bool]:
    """The mode by name, for a forward pass that is told it in every call."""
    names = sorted(taken(function) or ())
    return {n: question.training for n in names if n.lower() in MODES}


# -- functions -------------------------------------------------------------------------


def _functions(
    definition: Definition, question: Question, passes: int, conventions: list[str]
) -> Passes:
    """The passes of a function and its partner, both given inputs and parameters."""
    form, values = definition.form, _values(definition, question)
    # Whether there is a bias shows in the parameters.
    given = {k: v for k, v in _given(question, form).items() if k != "bias"}
    kwargs, names = spelled(definition.make, given), taken(definition.make)
    if names and "options" in form.forward:
        kwargs = {k: v for k, v in kwargs.items() if k in names}
    left_out = ("options", "training", "further")
    order = form.forward or tuple(k for k in values if k not in left_out)
    kept: dict[str, Any] = {}

    def forward() -> Any:
        returned = definition.make(*_arguments(order, values), **kwargs)
        kept["value"], others = _split(definition, _stacked(returned, question))
        kept["cache"] = others[0] if len(others) == 1 else others
        kept["others"] = others
        return kept["value"]

    def backward(*upstream: Any) -> dict[str, Any]:
        if definition.backward is None:
            if definition.kind != "loss" or not kept["others"]:
                return {}  # the value alone can be compared
            if upstream and not form.reduction:
                raise NoUpstream("reduction='none' has no place for grad_output")
            gradient = _times_upstream(kept["cache"], (), upstream, form)
            return {"input gradient": gradient}
        named, own = taken(definition.backward), definition.backward
        options = {k: v for k, v in kwargs.items() if named is None or k in named}
        own_values = values | _upstream(definition, upstream, form, question)
        own_values |= {"cache": kept["cache"], "y": kept["value"]}
        if form.backward is None:
            by_order = (*UPSTREAM[: question.outputs], *order) if upstream else order
        else:
            by_order = form.backward
        if _lacks_upstream(definition, upstream, by_order):
            raise NoUpstream("reduction='none' has no place for grad_output")
        returned = own(*_arguments(by_order, own_values), **options)
        found = _named(returned, question, values)
        _require(found, [*question.further, *question.state])
        found["input gradient"] = _times_upstream(
            found.get("input gradient"), by_order, upstream, form
        )
        shapes = {n: a.shape for n, a in question.state.items()}
        for name in shapes:
            key = f"gradient {name}"
            if key in found:
                array = torchs_layout(found[key], question.state[name], values[name])
                found[key] = passes * kept_as_row(array, shapes[name], conventions)
        return {k: v for k, v in found.items() if v is not None}

    return forward, backward


def _stacked(returned: Any, question: Question) -> Any:
    """What a forward pass returns, several outputs as one array."""
    n = question.outputs
    if n == 1:
        return returned
    arrays = _flat(returned)
    if len(arrays) < n:
        raise NotTested(f"its forward pass returns {len(arrays)} outputs, not {n}")
    return np.stack([to_numpy(a) for a in arrays[:n]]), *arrays[n:]


def _flat(returned: Any) -> list[Any]:
    """The values of a tuple and of the tuples in it."""
    if not isinstance(returned, tuple):
        return [returned]
    return [value for inner in returned for value in _flat(inner)]


def _split(definition: Definition, returned: Any) -> tuple[Any, tuple[Any, ...]]:
    """The value, and what a forward pass returns beside it."""
    if not isinstance(returned, tuple):
        return returned, ()
    first, *others = returned
    if definition.kind == "loss" and np.size(first) > 1 and len(others) == 1:
        return others[0], (first,)
    return first, tuple(others)


def _lacks_upstream(
    definition: Definition, upstream: tuple[Any, ...], given: tuple[str, ...]
) -> bool:
    """Whether a loss of many numbers takes no upstream gradient."""
    is_reduced = definition.kind == "loss" and not definition.form.reduction
    return bool(is_reduced and upstream and "g" not in given)


def _upstream(
    definition: Definition, upstream: tuple[Any, ...], form: Form, question: Question
) -> dict[str, Any]:
    """The upstream gradient by its role; a loss of one number may be given a 1."""
    give = giver(form.library)
    if question.outputs > 1:
        gs = tuple(map(give, upstream[0]))
        return {**dict(zip(UPSTREAM, gs, strict=True)), "gs": gs}
    if upstream:
        return {"g": give(_rows(upstream[0], form))}
    return {"g": 1.0} if definition.kind == "loss" else {}


def _times_upstream(
    gradient: Any, roles: tuple[str, ...], upstream: tuple[Any, ...], form: Form
) -> Any:
    """The gradient by the input, of a file that gives the slope alone, too."""
    if gradient is None:
        return None
    gradient = _rows(gradient, form)
    if not upstream or {"g", "gs"} & {*roles}:
        return gradient
    slope, g = to_numpy(gradient), upstream[0]
    return slope * (g[..., None] if slope.ndim == g.ndim + 1 else g)


def _named(
    returned: Any, question: Question, values: Mapping[str, Any]
) -> dict[str, Any]:
    """What a backward pass returns, by the names of results."""
    names = [] if question.of_index else ["x"]
    names += [*question.further, *question.state]
    if isinstance(returned, Mapping):
        found = {}
        for name in names:
            for key, value in returned.items():
                word = plain(key)
                if word in gradient_words(name) or word == name:
                    found[name] = value
    elif isinstance(returned, (tuple, list)) and len(names) > 1:
        arrays = _flat(tuple(returned))[: len(names)]
        shapes = [np.shape(values[name]) for name in names]
        if [np.shape(a) for a in arrays] != shapes[: len(arrays)]:
            by_shape = [[a for a in arrays if np.shape(a) == s] for s in shapes]
            if all(len(each) == 1 for each in by_shape):
                arrays = [each[0] for each in by_shape]
        found = dict(zip(names, arrays, strict=False))
    else:
        one = returned[0] if isinstance(returned, (tuple, list)) else returned
        found = {names[0]: one}
    given = {"x": "input gradient"}
    return {given.get(k, f"gradient {k}"): v for k, v in found.items()}


def _require(found: Mapping[str, Any], names: list[str]) -> None:
    missing = [name for name in names if f"gradient {name}" not in found]
    if missing:
        raise NotTested(f"its backward pass returns no gradient of {missing[0]}")


# -- classes ---------------------------------------------------------------------------


def forward_of(module: Any) -> Any:
    """Its forward pass: `forward`, or the module itself."""
    return next((getattr(module, n) for n in FORWARD if hasattr(module, n)), module)


def backward_of(module: Any) -> Any:
    """Its backward pass, under any of the usual names."""
    for name in BACKWARD:
        if callable(getattr(module, name, None)):
            return getattr(module, name)
    raise NotTested(f"it has no backward pass (looked for {', '.join(BACKWARD[:6])} …)")


def evaluate(module: Any) -> None:
    """Put a module into evaluation mode: by `eval()`, or by `training = False`."""
    if hasattr(module, "eval"):
        module.eval()
        return
    for name in ("training", "train", "is_training", "train_mode"):
        if isinstance(getattr(module, name, None), (bool, int)):
            setattr(module, name, False)
            return
    raise NotTested("it has no evaluation mode: neither eval() nor training")


def _module(
    definition: Definition, question: Question, passes: int, conventions: list[str]
) -> Passes:
    """The passes of a class: attributes or torch's interface hold its parameters."""
    form, values = definition.form, _values(definition, question)
    args = resolved(question.args, handmade.nn)
    options = {k: resolved(v, handmade.nn) for k, v in _given(question, form).items()}
    module = _made(definition, question, args, options, values)
    buffers = _own_buffers(module, question)
    owners = list(_owners(module, args, question.state | buffers))
    slots: dict[str, Slot] = {}
    for owner, place, state in owners:
        for name, slot in set_parameters(owner, state, form, conventions).items():
            slots[place + name] = slot
    mode = _mode(forward_of(module), question)
    if not question.training and not mode:
        evaluate(module)
    kept: dict[str, Any] = {}
    default = ("x", "target") if "target" in values else ("x", *question.further)

    def forward() -> Any:
        given = form.forward or default
        if form.target_first and not form.forward:
            given = ("target", "x")
        before = (
            {k: id(v) for k, v in vars(module).items()} if _has_vars(module) else {}
        )
        returned = forward_of(module)(*_arguments(given, values), **mode)
        if returned is None:
            returned = _left_behind(module, OUTPUTS, before, values["x"], "output")
        kept["value"], others = _split(definition, _stacked(returned, question))
        kept["cache"] = others[0] if len(others) == 1 else others
        kept["others"] = others
        return kept["value"]

    def backward(*upstream: Any) -> dict[str, Any]:
        own_values = values | _upstream(definition, upstream, form, question)
        own_values |= {"cache": kept["cache"], "y": kept["value"], "lr": 1.0}
        given = form.backward
        if given is None:
            upstreams = UPSTREAM[: question.outputs]
            given = upstreams if upstream and not form.reduction else ()
        elif _lacks_upstream(definition, upstream, given):
            raise NoUpstream("reduction='none' has no place for grad_output")
        state = {name: slot.get() for name, slot in slots.items()}
        before = (
            {k: id(v) for k, v in vars(module).items()} if _has_vars(module) else {}
        )
        if definition.kind == "loss" and kept["others"] and not _can_go_back(module):
            returned = kept["cache"]
        else:
            returned = backward_of(module)(*_arguments(given, own_values))
        if returned is None and not question.of_index:
            names = INPUT_GRADIENTS
            returned = _left_behind(module, names, before, values["x"], "gradient")
        after = {name: slot.get() for name, slot in slots.items()}
        found = _named(returned, question, values)
        _require(found, [*question.further])
        results = {}
        if not question.of_index:
            gradient = found.get("input gradient")
            results["input gradient"] = _times_upstream(gradient, given, upstream, form)
        results |= {(n := f"gradient {name}"): found[n] for name in question.further}
        for owner, place, own in owners:
            for number, name in enumerate(
                n for n in own if place + n in question.state
            ):
                full, key = place + name, f"gradient {place + name}"
                if "lr" in given and not np.array_equal(state[full], after[full]):
                    raw = state[full] - after[full]
                else:
                    raw = found.get(key)
                    raw = gradient_of(owner, name, number) if raw is None else raw
                torchs = question.state[full]
                array = torchs_layout(raw, torchs, state[full])
                results[key] = kept_as_row(array, torchs.shape, conventions)
        for name in buffers:
            results[f"buffer {name}"] = to_numpy(slots[name].get()).reshape(
                buffers[name].shape
            )
        if "lr" not in given:
            results["learned"] = {
                name: np.array(to_numpy(after[name]))
                for name in question.state
                if name in after
                and not np.array_equal(
                    to_numpy(state[name]), to_numpy(after[name]), equal_nan=True
                )
            }
        return results

    return forward, backward


def _can_go_back(module: Any) -> bool:
    return any(callable(getattr(module, name, None)) for name in BACKWARD)


def _has_vars(module: Any) -> bool:
    return hasattr(module, "__dict__")


def _made(
    definition: Definition,
    question: Question,
    args: Any,
    options: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Any:
    """The object that is tested; its constructor may want the parameters themselves."""
    make, kwargs = definition.make, spelled(definition.make, options)
    names = required(make)
    wanted = [name for name in roles(names) if name in question.state]
    if wanted and len(wanted) == len(names):
        with suppress(TypeError):
            return make(*(np.array(to_numpy(values[n])) for n in wanted), **kwargs)
    try:
        return make(*args, **kwargs)
    except TypeError:
        if names:
            raise
        return make(**kwargs)  # it takes no sizes


def _left_behind(
    module: Any, names: tuple[str, ...], before: dict[str, int], x: Any, what: str
) -> Any:
    """A result that a pass has left in an attribute instead of returning it."""
    kept = {plain(k): k for k in getattr(module, "__dict__", {})}
    for name in names:
        if name in kept:
            return getattr(module, kept[name])
    new = [k for k, v in vars(module).items() if before.get(k) != id(v) and v is not x]
    arrays = [k for k in new if isinstance(getattr(module, k), np.ndarray)]
    if arrays:
        return getattr(module, arrays[-1])
    raise NotTested(f"it returns no {what}, and no attribute was found to hold it")


def _own_buffers(module: Any, question: Question) -> dict[str, np.ndarray]:
    """The buffers that it has, and a count of batches only if it keeps one."""
    buffers = {}
    for name, value in question.buffers.items():
        if find_slot(module, name, 0) is not None:
            buffers[name] = value
    if not question.training and len(buffers.keys() - {*COUNTS}) < len(
        question.buffers.keys() - {*COUNTS}
    ):
        raise NotTested("it has no running statistics for the evaluation mode")
    by_count = question.kwargs.get("momentum", 0) is None
    if by_count and len(buffers) < len(question.buffers):
        raise NotTested("momentum=None without num_batches_tracked")
    return buffers


def _owners(
    module: Any, args: Any, state: dict[str, np.ndarray]
) -> Iterator[tuple[Any, str, dict[str, np.ndarray]]]:
    """Each module that owns parameters, its place ("0." …), and those by name.

    Inner modules are attributes ("out_proj.") or, by number, the constructor's
    arguments: layers, or pairs of weight and loss.
    """
    if args and isinstance(args[0], list):
        args = [loss for _, loss in args[0]]
    places: dict[str, dict[str, np.ndarray]] = {}
    for name, value in state.items():
        place, dot, key = name.rpartition(".")
        places.setdefault(place + dot, {})[key] = value
    for place, own in places.items():
        owner = module
        for part in place.split(".")[:-1]:
            is_argument = owner is module and part.isdigit()
            owner = args[int(part)] if is_argument else getattr(owner, part)
        yield owner, place, own
