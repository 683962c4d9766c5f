"""Random calls of all that is public with random garbage, against torch: `make fuzz`.

A call that `handmade` cannot answer is refused with a documented type and in its own
words: the last line of the traceback is a `raise` of its own. One that it answers
changes no input, and agrees with torch where torch accepts it. A refused state leaves
the old one whole.

One seed is one call: `python tests/garbage.py --seed SEED --examples 1`.
"""

import argparse
import copy
import inspect
import linecache
import random
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import FunctionType
from typing import Any

import garbage_calls
import numpy as np
import torch
from agreement import cancellation, stated
from garbage_calls import DRAWN, FUNCTIONS, LEARNERS, TARGETS, X
from strategies import LAYERS, LOSSES, OPTIMIZERS, example

import handmade
import torch_ref
from compare.testing.case import resolved
from compare.testing.reference import found, torchs

HOME = str(Path(handmade.__file__).parent)
DOCUMENTED = (
    *(ValueError, TypeError, RuntimeError, KeyError, IndexError, ArithmeticError),
)
SCHEDULERS = [
    name
    for name in handmade.optim.lr_scheduler.__all__
    if name not in ("LRScheduler", "ReduceLROnPlateau")
]
NAN_THERE = {"BCEWithLogitsLoss", "CrossEntropyLoss", "ELU", "GELU", "RMSprop"}
NAN_HERE = {"L1Loss", "SmoothL1Loss"}
"""Classes whose docstring says where only torch's, or only their own answer is NaN."""
CALLED = {"scheduler", "clip", "criterion", "optimizer"}
"""Arguments that are functions: Python calls what stands there."""
NAMES = (*LAYERS, *LOSSES, *OPTIMIZERS, *SCHEDULERS, *FUNCTIONS, *LEARNERS)
GARBAGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 10**30, -(10**30), 0.5, -0.5, 1j),
    *(np.nan, np.inf, -np.inf, 1e300, 1e-300, "", "a", "mean", "none", b"x"),
    *((), (2,), (1, 1), (0, -1), [], [1, 2], [0.5], ["a"], [None], set(), {}),
    *({"a": 1}, {"weight": None}, {"weight": [1.0]}, range(2), slice(1), object()),
    *(
        np.int64(2),
        np.float32(0.5),
        np.float64("nan"),
        np.bool_(),
        len,
        int,
        np.ndarray,
    ),
    *(np.array(0.5), np.array(2), np.array(np.nan), np.zeros(0), np.ones(3)),
    *(-np.ones((2, 3)) / 3, np.ones((1, 2, 3, 4)), np.full((2, 3), np.nan)),
    *(np.array([np.inf, 1.0]), np.array([1e308, -1e308]), np.arange(3)),
    *(np.array([0, 99]), np.array([-1, 1]), np.ones(3, np.float16), np.ones(2, bool)),
    *(np.ones(2, "c8"), np.ones((2, 2), "f4"), np.array(["a"]), np.array([None, 1])),
    *(np.ma.masked_array([1.0, 2.0]), torch.ones(2, 3), iter([1.0])),
    *(handmade.nn.ReLU, handmade.nn.ReLU(), handmade.nn.MSELoss()),
    *(handmade.nn.Parameter(np.ones(2)), [handmade.nn.Linear(2, 2)]),
)
"""What stands in the place of an argument, copied each time."""


class Finding(AssertionError):
    """A call that breaks one of the laws above."""


class Refused(Exception):
    """A call that was refused as it should be."""


def guarded(what: str, call: Callable[[], Any], *inputs: Any) -> Any:
    """The answer of a call; its inputs stay as they are, also if it is refused."""
    before = copy_of(inputs)
    try:
        return call()
    except Exception as error:
        *_, last = traceback.walk_tb(error.__traceback__)
        frame, line = last
        file = frame.f_code.co_filename
        words = linecache.getline(file, line).strip()
        own = file.startswith(HOME) and words.startswith("raise")
        # Python's own words where arguments are missing or too many, also further in.
        binding = "positional argument" in str(error)
        binding |= file in (__file__, garbage_calls.__file__)
        if not (own or binding) or not isinstance(error, DOCUMENTED):
            raise Finding(
                f"{what} is refused in others' words: {type(error).__name__}: {error} "
                f"({file}, line {line}: {words})"
            ) from error
        raise Refused from None
    finally:
        if not same(before, inputs):
            raise Finding(f"{what} changes its input: {before} became {inputs}")


def copy_of(value: Any) -> Any:
    """A copy of arrays, and of tuples, lists and dicts of them."""
    if isinstance(value, np.ndarray | torch.Tensor):
        return copy.deepcopy(value)
    if isinstance(value, list | tuple):
        return [copy_of(inner) for inner in value]
    return (
        {k: copy_of(v) for k, v in value.items()} if isinstance(value, dict) else value
    )


def same(before: Any, now: Any) -> bool:
    """Whether arrays hold the same bits."""
    if isinstance(now, np.ndarray):
        equal = before.dtype == now.dtype and before.shape == now.shape
        if now.dtype == object:
            return equal and before.tolist() == now.tolist()
        return equal and before.tobytes() == now.tobytes()
    if isinstance(now, torch.Tensor):
        return before.shape == now.shape and same(before.numpy(), now.numpy())
    if isinstance(now, list | tuple):
        return len(before) == len(now) and all(map(same, before, now))
    if isinstance(now, dict):
        return before.keys() == now.keys() and all(same(before[k], now[k]) for k in now)
    return before is now or type(before) is type(now)


class Caller:
    """One random call of a class."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.name = NAMES[seed % len(NAMES)]

    def choose(self, options: Any) -> Any:
        return options[self.rng.randrange(len(options))]

    def garbage(self) -> Any:
        return copy.deepcopy(self.choose(GARBAGE))

    def spoiled(self, values: Any) -> Any:
        """Positional values of which one, sometimes, is garbage."""
        values = list(values)
        if values and self.rng.random() < 0.4:
            at = self.rng.randrange(len(values))
            if not isinstance(values[at], FunctionType | partial):  # Python calls it
                values[at] = self.garbage()
        return tuple(values)

    def options(self, make: Any, given: Any) -> dict[str, Any]:
        """Keyword arguments, of which one, sometimes, is garbage."""
        options = dict(given)
        keywords = [
            name
            for name, p in inspect.signature(make).parameters.items()
            if (p.default is not p.empty or name in options) and name not in CALLED
        ]
        if keywords and self.rng.random() < 0.4:
            options[self.choose(keywords)] = self.garbage()
        return options

    def run(self) -> str:
        """What became of the call: "refused", "answered" or "agrees"."""
        try:
            if self.name in OPTIMIZERS:
                return self.optimizer()
            if self.name in FUNCTIONS:
                return self.function()
            if self.name in LEARNERS:
                return self.learner()
            return self.scheduler() if self.name in SCHEDULERS else self.layer()
        except Refused:
            return "refused"

    def layer(self) -> str:
        drawn: Any = example(self.name, self.choose)
        make = getattr(handmade.nn, self.name)
        args, given, inputs = drawn.args, drawn.kwargs, drawn.inputs
        if self.rng.random() < 0.7:
            args, given = self.spoiled(args), self.options(make, given)
        if self.rng.random() < 0.7:
            inputs = self.spoiled(inputs)
        built_args, built_given = guarded(
            f"{self.name}: arguments",
            lambda: resolved((args, given), handmade.nn),
        )
        module = guarded(
            self.name,
            lambda: make(*built_args, **built_given),
            built_args,
            built_given,
        )
        dtype = self.choose((np.float64, np.float32))
        guarded("to", lambda: module.to(np.zeros(1, dtype)))
        if self.rng.random() < 0.2:
            self.load(module)
        handmade.manual_seed(drawn.seed)
        arrays = tuple(in_dtype(a, dtype) for a in inputs)
        output = guarded(f"{self.name}.forward", lambda: module(*arrays), arrays)
        upstream: tuple[Any, ...] = ()
        if np.ndim(output) or self.name not in LOSSES:
            upstream = (np.ones(np.shape(output), dtype),)
        spoiled = self.spoiled(upstream)
        grad = guarded(
            f"{self.name}.backward", lambda: module.backward(*spoiled), spoiled
        )
        gradients = [p.grad for p in module.parameters()]
        self.require_dtype(dtype, [output, grad, *gradients])
        question = replace(
            drawn,
            args=args,
            kwargs=given,
            inputs=inputs,
            library="numpy",
            dtype="float64",
            layout="contiguous",
        )
        return self.compare(question)

    def require_dtype(self, dtype: Any, arrays: list[Any]) -> None:
        """No hyper-parameter, whatever its kind, widens a floating-point result."""
        found = {np.asarray(a).dtype for a in arrays if a is not None}
        if {d for d in found if d.kind == "f"} - {np.dtype(dtype)}:
            raise Finding(f"{self.name} makes {found} of {np.dtype(dtype)}")

    def load(self, module: Any) -> None:
        """Load garbage; what is refused leaves everything as it was."""
        before = copy_of(module.state_dict())
        state = self.garbage()
        if self.rng.random() < 0.7 and before:
            state = copy_of(before)
            state[self.choose([*before, "odd"])] = self.garbage()
        try:
            guarded(
                f"{self.name}.load_state_dict", lambda: module.load_state_dict(state)
            )
        except Refused:
            if not same(before, copy_of(module.state_dict())):
                raise Finding(f"{self.name} has loaded half of a state") from None
            raise

    def compare(self, question: Any) -> str:
        """Torch's values and gradients, where torch accepts the question."""
        inputs = question.inputs
        if not all(type(a) is np.ndarray and a.dtype.kind in "fi" for a in inputs):
            return "answered"
        double = tuple(a.astype(float) if a.dtype.kind == "f" else a for a in inputs)
        question = replace(question, inputs=double)
        try:
            question = stated(question)
            floors = cancellation(question, question.upstream or 1.0)
            wanted = torchs(question)
        except Exception:
            return "answered"
        got = found(getattr(handmade.nn, self.name), question, np.array)
        for name, want in wanted.items():
            size = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
            floor = np.nan_to_num(floors.get(name, 0.0), posinf=0.0)
            size = 1e-7 * size + 1e-12 * floor + 1e-300
            if not self.close(got[name], want, size):
                raise Finding(f"{name} is {got[name]}, torch's is {want}: {question}")
        return "agrees"

    def close(self, got: Any, want: Any, size: float) -> bool:
        """Whether an answer is torch's, but for a NaN that the docstring tells of."""
        if got.shape != want.shape:
            return False
        other = np.isnan(want) & (self.name in NAN_THERE)
        other |= np.isnan(got) & (self.name in NAN_HERE)
        return np.allclose(np.where(other, want, got), want, 1e-6, size, equal_nan=True)

    def optimizer(self) -> str:
        drawn: Any = example(self.name, self.choose)
        make = getattr(handmade.optim, self.name)
        arrays = drawn.groups[0][1]
        dtype = self.choose((np.float64, np.float32))
        params = [handmade.nn.Parameter(np.array(a, dtype)) for a in arrays]
        given = self.options(make, drawn.kwargs)
        (groups,) = self.spoiled((params,))
        optimizer = guarded(self.name, lambda: make(groups, **given))
        # Nothing cancels a random gradient: without ε that would leave 0/0.
        rng = np.random.default_rng(drawn.seed)
        gradients = [rng.normal(size=array.shape) for array in arrays]
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient.astype(dtype)
        if self.rng.random() < 0.3:
            before, state = copy_of(optimizer.state_dict()), self.garbage()
            if self.rng.random() < 0.7:
                state = copy_of(before)
                state[self.choose([*state])] = self.garbage()
            try:
                guarded(
                    f"{self.name}.load_state_dict",
                    lambda: optimizer.load_state_dict(state),
                )
            except Refused:
                if not same(before, copy_of(optimizer.state_dict())):
                    raise Finding(f"{self.name} has loaded half of a state") from None
                raise
            return "answered"
        spoilt = self.rng.random() < 0.3
        if spoilt:

            def assign() -> None:
                params[0].grad = self.garbage()

            guarded("grad", assign)
        guarded(f"{self.name}.step", optimizer.step)
        if spoilt:
            return "answered"
        self.require_dtype(dtype, [parameter.data for parameter in params])
        if dtype == np.float32:
            return "answered"
        return self.compare_step(given, arrays, gradients, params)

    def compare_step(self, given: Any, arrays: Any, gradients: Any, params: Any) -> str:
        """Torch's parameters after one step, where torch accepts the arguments."""
        if given.get("centered") and given.get("alpha", 0.99) < 1e-6:
            return "answered"  # v − ḡ² is nothing but rounding
        twins = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
        try:
            optimizer = getattr(torch_ref.optim, self.name)(twins, **given)
            for twin, gradient in zip(twins, gradients, strict=True):
                twin.grad = torch.tensor(gradient)
            optimizer.step()
        except Exception:
            return "answered"
        for parameter, twin in zip(params, twins, strict=True):
            want = twin.detach().numpy()
            if not self.close(parameter.data, want, 1e-9):
                raise Finding(f"{self.name}({given}): {parameter.data}, torch's {want}")
        return "agrees"

    def scheduler(self) -> str:
        make = getattr(handmade.optim.lr_scheduler, self.name)
        optimizer = handmade.optim.SGD([handmade.nn.Parameter(np.ones(2))], lr=0.1)
        sane = {"step_size": 2, "gamma": 0.5, "milestones": [1, 3], "T_max": 4}
        sane |= {"max_lr": 1.0, "total_steps": 10}
        known = inspect.signature(make).parameters
        given = self.options(make, {n: v for n, v in sane.items() if n in known})
        (first,) = self.spoiled((optimizer,))
        schedule = guarded(self.name, lambda: make(first, **given))
        for _ in range(3):
            guarded(f"{self.name}.step", schedule.step)
        return "answered"

    def function(self) -> str:
        make = attrgetter(self.name)(handmade)
        args, given = FUNCTIONS[self.name]()
        args, given = self.spoiled(args), self.options(make, given)
        twins = twin((args, given))
        result = guarded(self.name, lambda: make(*args, **given), args, given)
        if self.name in DRAWN or twins is None:
            return "answered"
        try:
            wanted = attrgetter(self.name)(torch_ref)(*twins[0], **twins[1])
        except Exception:
            return "answered"
        pairs = zip(flat((result, args)), flat((wanted, twins[0])), strict=True)
        for got, want in pairs:
            if got.dtype != want.dtype:  # exp of integers is float32 in torch
                continue
            if not self.close(got, want, 1e-9 * np.max(np.abs(want), initial=1e-290)):
                raise Finding(f"{self.name}{args, given}: {got}, torch's {want}")
        return "agrees"

    def learner(self) -> str:
        make = attrgetter(self.name)(handmade)
        args, given = LEARNERS[self.name]()
        if self.rng.random() < 0.6:
            args, given = self.spoiled(args), self.options(make, given)
        learner = guarded(self.name, lambda: make(*args, **given), args, given)
        guarded(f"{self.name}.to", lambda: learner.to(np.zeros(1)))
        if self.rng.random() < 0.3:
            self.load(learner)
        inputs = (X.copy(), TARGETS.get(self.name, TARGETS[""]).copy())
        inputs = self.spoiled(inputs)
        guarded(f"{self.name}.step", lambda: learner.step(*inputs), inputs)
        (x,) = self.spoiled((X.copy(),))
        guarded(f"{self.name}.predict", lambda: learner.predict(x), x)
        return "answered"


def in_dtype(value: Any, dtype: Any) -> Any:
    """An array of float32 or float64 in one of these; anything else as it is."""
    if isinstance(value, torch.Tensor):
        return torch.from_numpy(value.numpy().astype(dtype))
    plain = type(value) in (np.ndarray, np.float32, np.float64)
    floating = plain and value.dtype in (np.float32, np.float64)
    return value.astype(dtype) if floating else value


def twin(value: Any) -> Any:
    """The same in torch's tensors; None where there is no such thing."""
    if isinstance(value, np.ndarray):
        return torch.tensor(value) if value.dtype in (np.float64, np.int64) else None
    if isinstance(value, handmade.nn.Parameter):
        parameter = torch.nn.Parameter(torch.tensor(value.data))
        parameter.grad = None if value.grad is None else torch.tensor(value.grad)
        return parameter
    if isinstance(value, list | tuple):
        twins = [twin(inner) for inner in value]
        lacking = any(
            a is None and b is not None for a, b in zip(twins, value, strict=True)
        )
        return None if lacking else type(value)(twins)
    if isinstance(value, dict):
        twins = twin([*value.values()])
        return None if twins is None else dict(zip(value, twins, strict=True))
    plain = int | float | str | FunctionType | None
    return value if isinstance(value, plain) else None


def flat(value: Any) -> list[np.ndarray]:
    """All numbers in a result, array by array."""
    if isinstance(value, list | tuple):
        return [array for inner in value for array in flat(inner)]
    if isinstance(value, dict):
        return flat([*value.values()])
    if isinstance(value, handmade.nn.Parameter):
        return flat([value.data, value.grad])
    if isinstance(value, torch.nn.Parameter):
        return flat([value.data, value.grad])
    if isinstance(value, torch.Tensor):
        return [value.detach().numpy()]
    if isinstance(value, np.ndarray | np.number | int | float):
        array = np.asarray(float(value) if isinstance(value, int) else value)
        return [array] if array.dtype.kind in "fiub" else []
    return flat(vars(value)) if hasattr(value, "errors") else []


def strictly() -> None:
    """One thread; numbers may overflow, other warnings are errors."""
    warnings.simplefilter("error")
    for words in (
        "reduction: 'mean' divides",
        ".*encountered in",
        "overflow",
        ".*deprecat",
    ):
        warnings.filterwarnings("ignore", words)
    torch.set_num_threads(1)


def run(seed: int, examples: int) -> tuple[Counter[str], list[str]]:
    """What became of the calls, and the findings."""
    counts: Counter[str] = Counter()
    findings: list[str] = []
    with np.errstate(all="ignore"):
        for one in range(seed, seed + examples):
            caller = Caller(one)
            try:
                counts[caller.run()] += 1
            except Finding as error:
                findings.append(f"seed {one}, {caller.name}: {error}")
            except Exception as error:
                findings.append(
                    f"seed {one}, {caller.name}: {type(error).__name__}: {error}"
                )
    return counts, findings


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first call")
    given = parser.parse_args()
    counts, findings = run(given.seed, given.examples)
    print(*findings, sep="\n", file=sys.stderr)
    told = ", ".join(f"{n:,} {words}" for words, n in sorted(counts.items()))
    print(f"{given.examples:,} calls: {told}, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    strictly()
    sys.exit(main())
