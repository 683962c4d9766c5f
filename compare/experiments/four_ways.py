"""Four ways to differentiate: how exact they are, what they cost, what they train."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import handmade
import torch_ref
from compare import figures
from compare.arrays import Backend, to_numpy
from compare.experiment import Experiment, backprop
from compare.experiments import _digits
from compare.experiments._tape import tape_learner
from compare.trained import Side

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
EPS = float(np.finfo(float).eps)
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "SumOfSquares": lambda ad, p: p[0] ** 2 + p[1] ** 2,
    "SumOfCubes": lambda ad, p: ad.sum(p**3),
    "InverseSquare": lambda ad, p: 1 / (p[0] ** 2 + p[1] ** 2),
    "SquaredDifference": lambda ad, p: p[0] ** 2 - 2 * p[0] * p[1] + p[1] ** 2,
    "SinePlusExponential": lambda ad, p: ad.sin(p[0]) + ad.exp(p[1]),
    "Product": lambda ad, p: p[0] * p[1],
    "Plane": lambda ad, p: p[0] + 2 * p[1],
    "ProductWithSquare": lambda ad, p: 2 * p[0] * p[1] ** 2,
}
"""The course's functions, by the class of `handmade.surfaces` that has their gradient
by hand."""
BOUNDS = {
    "one-sided": 1e-5,
    "central": 1e-8,
    "complex step": 1e-13,
    "forward": 1e-13,
    "reverse": 1e-13,
}
"""How far each way may be from the gradient by hand, relatively."""
SIZES = 2 ** np.arange(3, 8)
STEPS = 10.0 ** np.arange(-16, 0.1, 0.5)
SAME = {"float64": 1e-10, "float32": 1e-4}
"""How far two curves that are one may be apart."""
WIDTHS, LR = (64, 32, 10), 0.5


def ways(library: str, f: Callable[[Any, Any], Any]) -> dict[str, Callable[..., Any]]:
    """By name, from a point to the gradient of f there; all but "by hand"."""
    ad, give = LIBRARIES[library].autodiff, _give(library)

    def value(p: Any) -> Any:
        return f(ad, p)

    def forward(p: Any) -> list[float]:
        """The gradient by a walk for each entry of p."""
        directions = [give(e) for e in np.eye(len(p))]
        return [float(ad.jvp(value, (p,), (e,))[1]) for e in directions]

    return {
        "one-sided": lambda p, **h: ad.forward_difference(value, p, **h),
        "central": lambda p, **h: ad.central_difference(value, p, **h),
        "complex step": lambda p, **h: ad.complex_step(value, p, **h),
        "forward": forward,
        "reverse": ad.grad(value),
    }


def points(count: int) -> np.ndarray:
    """One point from each of `count` seeds, none near the axes."""
    rngs = [np.random.default_rng(seed) for seed in range(count)]
    return np.array([r.uniform(0.5, 2, 2) * r.choice([-1, 1], 2) for r in rngs])


def all_agree(side: Side) -> tuple[bool, str]:
    """Every way finds what was derived by hand."""
    worst = dict.fromkeys(BOUNDS, 0.0)
    for name, f in FUNCTIONS.items():
        by_hand = getattr(handmade.surfaces, name)().gradient
        for p in [np.array([2.0, -1.0]), *points(10)]:
            for way, find in ways(side.library, f).items():
                error = relative(find(_give(side.library)(p)), by_hand(p))
                worst[way] = max(worst[way], error)
    holds = all(worst[way] <= bound for way, bound in BOUNDS.items())
    found = ", ".join(f"{way} {error:.0e}" for way, error in worst.items())
    return holds, f"8 functions at (2, −1) and a point of each of 10 seeds: {found}"


@lru_cache
def errors(library: str) -> dict[str, np.ndarray]:
    """The error of each numeric way for each h: the middle one of 15 points."""
    by_hand = handmade.surfaces.SinePlusExponential().gradient
    found = ways(library, FUNCTIONS["SinePlusExponential"])
    return {
        way: np.array(
            [
                np.median(
                    [
                        relative(found[way](_give(library)(p), h=h), by_hand(p))
                        for p in points(15)
                    ]
                )
                for h in STEPS
            ]
        )
        for way in ("one-sided", "central", "complex step")
    }


def steps_neither_long_nor_short(side: Side) -> tuple[bool, str]:
    """The best h of a difference is near the root that the theory says."""
    found, words, holds = errors(side.library), [], True
    for way, root, name in (("one-sided", 2, "√ε"), ("central", 3, "∛ε")):
        best, theory = STEPS[np.argmin(found[way])], EPS ** (1 / root)
        holds &= theory / 10 < best < theory * 10
        words.append(f"{way} best at h = {best:.0e} ({name} = {theory:.0e})")
    exact = found["complex step"][STEPS <= 1e-8].max()
    words.append(f"complex step {exact:.0e} for every h up to 1e−8")
    return bool(holds and exact < 1e-15), ", ".join(words)


def evaluations(library: str, n: int) -> dict[str, int]:
    """How often each way walks through a function of n numbers."""
    counted = 0

    def f(ad: Any, x: Any) -> Any:
        nonlocal counted
        counted += 1
        return wave(ad, x)

    found, x = {}, _give(library)(np.linspace(-1, 1, n))
    for way, find in ways(library, f).items():
        counted = 0
        find(x)
        found[way] = counted
    return found


def wave(ad: Any, x: Any) -> Any:
    """A function of any number of numbers."""
    return ad.sum(ad.sin(x) * ad.exp(-x * x))


def reverse_costs_the_same(side: Side) -> tuple[bool, str]:
    """All ways but the reverse one walk through f once for each input."""
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    exponent = {
        way: np.polyfit(np.log(SIZES), np.log([c[way] for c in counts]), 1)[0]
        for way in BOUNDS
    }
    flat = exponent.pop("reverse")
    holds = abs(flat) < 1e-9 and all(abs(e - 1) < 0.05 for e in exponent.values())
    found = ", ".join(f"{way} n^{e:.2f}" for way, e in exponent.items())
    return bool(holds), (
        f"evaluations for n = {SIZES[0]} … {SIZES[-1]}: {found}, reverse "
        f"n^{abs(flat):.2f} (at n = {SIZES[-1]}, forward {counts[-1]['forward']}, "
        f"reverse {counts[-1]['reverse']})"
    )


def tape_trains_the_same_net(side: Side) -> tuple[bool, str]:
    """Whether tape or hand-written layers give the gradient, the curve is one."""
    pairs = list(zip(side.named("tape"), side.named("by_hand"), strict=True))
    gap = max(np.abs(np.subtract(a.losses, b.losses)).max() for a, b in pairs)
    bound = SAME[pairs[0][0].parameters["0.weight"].dtype.name]
    first, last = pairs[0][0].losses[0], pairs[0][0].losses[-1]
    return bool(gap <= bound), (
        f"largest difference {gap:.0e} (bound {bound:.0e}) in {len(pairs)} × "
        f"{len(pairs[0][0].losses)} steps, loss {first:.2f} → {last:.2f}"
    )


def relative(got: Any, want: np.ndarray) -> float:
    """The largest difference, against the largest entry."""
    return float(np.abs(to_numpy(got) - want).max() / np.abs(want).max())


def _give(library: str) -> Callable[[Any], Any]:
    backend = Backend()
    return backend.torch if library == "torch_ref" else backend.handmade


def draw_errors(side: Side) -> Figure:
    """The error against h."""
    figure, (ax,) = figures.canvas()
    for way, found in errors(side.library).items():
        ax.loglog(STEPS, np.maximum(found, 1e-17), "o-", ms=4, lw=2, label=way)
    for root, name in ((2, "√ε"), (3, "∛ε")):
        ax.axvline(EPS ** (1 / root), color="grey", ls=":")
        ax.text(1.2 * EPS ** (1 / root), 0.02, name, fontsize=14)
    figures.label(ax, "sin x + eʸ: a step neither long nor short", "h", "error")
    ax.legend(fontsize=13)
    return figure


def draw_costs(side: Side) -> Figure:
    """Evaluations and time against the number of inputs."""
    figure, (left, right) = figures.canvas(2)
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    for number, way in enumerate(BOUNDS):
        width = 6 - number  # what lies below shows at the edges
        left.loglog(SIZES, [c[way] for c in counts], "o-", lw=width, label=way)
        seconds = [duration(ways(side.library, wave)[way], int(n)) for n in SIZES]
        right.loglog(SIZES, 1e3 * np.array(seconds), "o-", lw=2)
    left.set_ylim(0.5, 1e5)
    figures.label(left, "walks forward through f", "inputs n", "evaluations")
    figures.label(right, "time for the gradient", "inputs n", "milliseconds")
    left.legend(fontsize=13, loc="upper left")
    return figure


def duration(find: Callable[..., Any], n: int) -> float:
    """The shortest of three."""
    x, taken = np.linspace(-1, 1, n), []
    for _ in range(3):
        start = time.perf_counter()
        find(x)
        taken.append(time.perf_counter() - start)
    return min(taken)


EXPERIMENT = Experiment(
    title="Four ways to differentiate: by hand, differences, forward, reverse",
    course=("F7", "F1"),
    heading="Autodiff",
    data=_digits.digits,
    learners={
        "by_hand": backprop(
            model=lambda nn: nn.Sequential(
                nn.Linear(*WIDTHS[:2]), nn.ReLU(), nn.Linear(*WIDTHS[1:])
            ),
            loss=lambda nn: nn.CrossEntropyLoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=LR),
        ),
        "tape": tape_learner(WIDTHS, LR),
    },
    steps=150,
    batch_size=64,
    seeds=3,
    claims={
        "all ways agree on the course's functions": all_agree,
        "a difference is best near √ε or ∛ε, the complex step exact": (
            steps_neither_long_nor_short
        ),
        "the reverse walk costs the same for any number of inputs": (
            reverse_costs_the_same
        ),
        "the tape trains a digits net on the hand-written layers' curve": (
            tape_trains_the_same_net
        ),
    },
    figures={"errors": draw_errors, "costs": draw_costs},
    story="A difference quotient is wrong when its step is long, and noisy when it is "
    "short; a step off the real line is neither. All of them, and forward mode, walk "
    "through the function once for each input. Reverse mode walks there and back once: "
    "for a net with thousands of weights and one loss nothing else will do.",
)
