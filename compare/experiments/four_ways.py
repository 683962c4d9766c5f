"""Four ways to differentiate: how exact they are, what they cost, what they train."""

import timeit
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import array_api_compat
import numpy as np
from matplotlib.figure import Figure

import handmade
from compare import plots
from compare.experiment import Experiment, Side, backprop
from compare.experiments import digits_mlp
from compare.experiments.common import digits, reporting
from compare.experiments.common.libraries import LIBRARIES, give
from compare.tolerance import difference

Function = Callable[[Any, Any], Any]
"""From the library's `autodiff` and a point to a number."""
FUNCTIONS: dict[str, Function] = {
    "SumOfSquares": lambda ad, p: p[0] ** 2 + p[1] ** 2,
    "SumOfCubes": lambda ad, p: ad.sum(p**3),
    "InverseSquare": lambda ad, p: 1 / (p[0] ** 2 + p[1] ** 2),
    "SquaredDifference": lambda ad, p: p[0] ** 2 - 2 * p[0] * p[1] + p[1] ** 2,
    "SinePlusExponential": lambda ad, p: ad.sin(p[0]) + ad.exp(p[1]),
    "Product": lambda ad, p: p[0] * p[1],
    "Plane": lambda ad, p: p[0] + 2 * p[1],
    "ProductWithSquare": lambda ad, p: 2 * p[0] * p[1] ** 2,
}
"""The course's functions; the class of this name in `handmade.surfaces` has the
gradient by hand."""


def ways(library: str, f: Function) -> dict[str, Callable[..., Any]]:
    """By name, from a point to the gradient of f there; all but "by hand"."""
    ad = LIBRARIES[library].autodiff

    def value(p: Any) -> Any:
        return f(ad, p)

    def forward(p: Any) -> list[float]:
        """One evaluation for each entry of p."""
        directions = [give(library, e) for e in np.eye(len(p))]
        return [float(ad.jvp(value, (p,), (e,))[1]) for e in directions]

    return {
        "one-sided": lambda p, **h: ad.forward_difference(value, p, **h),
        "central": lambda p, **h: ad.central_difference(value, p, **h),
        "complex step": lambda p, **h: ad.complex_step(value, p, **h),
        "forward": forward,
        "reverse": ad.grad(value),
    }


def points(count: int) -> list[np.ndarray]:
    """One point from each of `count` seeds, none near the axes."""
    rngs = [np.random.default_rng(seed) for seed in range(count)]
    return [r.uniform(0.5, 2, 2) * r.choice([-1, 1], 2) for r in rngs]


# How exact they are

TOLERANCES = {
    "one-sided": 1e-5,
    "central": 1e-8,
    "complex step": 1e-13,
    "forward": 1e-13,
    "reverse": 1e-13,
}
"""The largest relative difference of each from the gradient by hand."""


def all_agree(side: Side) -> tuple[bool, str]:
    worst = dict.fromkeys(TOLERANCES, 0.0)
    for name, f in FUNCTIONS.items():
        by_hand = getattr(handmade.surfaces, name)().gradient
        for p in [np.array([2.0, -1.0]), *points(10)]:
            for way, find in ways(side.library, f).items():
                found = difference(find(give(side.library, p)), by_hand(p))
                worst[way] = max(worst[way], found.relative)
    holds = all(worst[way] <= most for way, most in TOLERANCES.items())
    where = "(2, −1) and a point of each of the seeds 0 to 9"
    words = reporting.listed(worst, "{:.0e}")
    return holds, f"{len(FUNCTIONS)} functions at {where}: {words}"


EPS = float(np.finfo(float).eps)
STEPS = 10.0 ** np.arange(-16, 0.1, 0.5)
BEST = {"one-sided": (2, "√ε"), "central": (3, "∛ε")}
"""The root of ε that is the best step h of a difference quotient, and its name."""


@lru_cache
def errors(library: str) -> dict[str, np.ndarray]:
    """The error of each numeric way for each step h: the median of 15 points."""
    by_hand = handmade.surfaces.SinePlusExponential().gradient
    all_ways = ways(library, FUNCTIONS["SinePlusExponential"])

    def median(way: str, h: float) -> float:
        each = []
        for p in points(15):
            got = all_ways[way](give(library, p), h=h)
            each.append(difference(got, by_hand(p)).relative)
        return float(np.median(each))

    names = ("one-sided", "central", "complex step")
    return {way: np.array([median(way, h) for h in STEPS]) for way in names}


def step_neither_long_nor_short(side: Side) -> tuple[bool, str]:
    found, words, holds = errors(side.library), [], True
    for way, (root, name) in BEST.items():
        best, theory = STEPS[np.argmin(found[way])], EPS ** (1 / root)
        holds &= theory / 10 < best < theory * 10
        words.append(f"{way} best at h = {best:.0e} ({name} = {theory:.0e})")
    exact = found["complex step"][STEPS <= 1e-8].max()
    words.append(f"complex step {exact:.0e} for every h up to 1e−8")
    words.append("median of 15 points, a seed each")
    return bool(holds and exact < 1e-15), ", ".join(words)


def draw_errors(side: Side) -> Figure:
    figure, (ax,) = plots.canvas()
    for way, found in errors(side.library).items():
        ax.loglog(STEPS, np.maximum(found, 1e-17), "o-", ms=4, lw=2, label=way)
    for root, name in BEST.values():
        ax.axvline(EPS ** (1 / root), color="grey", ls=":")
        ax.text(1.2 * EPS ** (1 / root), 0.02, name, fontsize=14)
    plots.label(ax, "sin x + eʸ: a step neither long nor short", "h", "error")
    ax.legend(fontsize=12, loc="lower left", bbox_to_anchor=(0.02, 0.1))
    return figure


# What they cost

SIZES = 2 ** np.arange(3, 8)


def wave(ad: Any, x: Any) -> Any:
    """A function of any number of inputs."""
    return ad.sum(ad.sin(x) * ad.exp(-x * x))


def evaluations(library: str, n: int) -> dict[str, int]:
    """How often each way evaluates a function of n inputs."""
    counted = 0

    def f(ad: Any, x: Any) -> Any:
        nonlocal counted
        counted += 1
        return wave(ad, x)

    found, x = {}, give(library, np.linspace(-1, 1, n))
    for way, find in ways(library, f).items():
        counted = 0
        find(x)
        found[way] = counted
    return found


def reverse_costs_the_same(side: Side) -> tuple[bool, str]:
    """The other ways evaluate f once for each input."""
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    exponents = {
        way: np.polyfit(np.log(SIZES), np.log([c[way] for c in counts]), 1)[0]
        for way in counts[0]
    }
    reverse = abs(exponents.pop("reverse"))
    holds = reverse < 1e-9 and all(abs(e - 1) < 0.05 for e in exponents.values())
    return bool(holds), (
        f"evaluations for n = {SIZES[0]} … {SIZES[-1]}: "
        f"{reporting.listed(exponents, 'n^{:.2f}')}, reverse n^{reverse:.2f} "
        f"(at n = {SIZES[-1]}, forward {counts[-1]['forward']}, "
        f"reverse {counts[-1]['reverse']})"
    )


def draw_costs(side: Side) -> Figure:
    figure, (left, right) = plots.canvas(2)
    counts = [evaluations(side.library, int(n)) for n in SIZES]
    inputs = [np.linspace(-1, 1, int(n)) for n in SIZES]
    for number, way in enumerate(counts[0]):
        width = 6 - number  # what lies below shows at the edges
        left.loglog(SIZES, [c[way] for c in counts], "o-", lw=width, label=way)
        find = ways(side.library, wave)[way]
        times = [timeit.repeat(partial(find, x), repeat=3, number=1) for x in inputs]
        right.loglog(SIZES, 1e3 * np.min(times, axis=1), "o-", lw=2)
    left.set_ylim(bottom=0.5)
    for ax in (left, right):
        ax.set_xticks(SIZES, [str(n) for n in SIZES])
        ax.minorticks_off()
    plots.label(left, "function evaluations", "inputs n", "evaluations")
    plots.label(right, "time", "inputs n", "milliseconds")
    plots.below(figure, left, columns=3)
    return figure


# What they train


def net(ad: Any, weights: dict[str, Any], x: Any) -> Any:
    """Linear, ReLU, Linear, with these layers' names for the weights."""
    hidden = ad.relu(x @ weights["0.weight"].T + weights["0.bias"])
    return hidden @ weights["2.weight"].T + weights["2.bias"]


def cross_entropy(ad: Any, logits: Any, target: Any) -> Any:
    """The mean of log Σ eᶻ − z of the right class, with the largest z subtracted."""
    n, xp = len(target), array_api_compat.array_namespace(target)
    rows = xp.arange(n, dtype=xp.int64, device=array_api_compat.device(target))
    z = logits - ad.amax(logits, dim=1, keepdim=True)
    return ad.sum(ad.log(ad.sum(ad.exp(z), dim=1)) - z[rows, target]) / n


def tape_learner(library: Any) -> Any:
    """The net of digits_mlp, but the gradient comes from the tape."""

    class TapeLearner(library.training.GradientLearner):
        def step(self, x: Any, target: Any) -> float:
            parameters = dict(self.model.named_parameters())

            def loss(*weights: Any) -> Any:
                named = dict(zip(parameters, weights, strict=True))
                logits = net(library.autodiff, named, x)
                return cross_entropy(library.autodiff, logits, target)

            every = tuple(range(len(parameters)))
            differentiated = library.autodiff.grad_and_value(loss, every)
            weights = [p.data for p in parameters.values()]
            gradients, value = differentiated(*weights)
            for p, gradient in zip(parameters.values(), gradients, strict=True):
                p.grad = gradient
            self.optimizer.step()
            return float(value)

    return TapeLearner(
        digits_mlp.net(library.nn),
        library.nn.CrossEntropyLoss(),
        lambda parameters: digits_mlp.sgd(library.optim, parameters),
    )


def tape_trains_the_same_net(side: Side) -> tuple[bool, str]:
    """Compared by the largest difference of two losses, over all steps and seeds."""
    tape, by_hand = (
        np.array([trial.losses for trial in side.named(name)])
        for name in ("tape", "by_hand")
    )
    largest = np.abs(tape - by_hand).max()
    dtype = side["tape"].parameters["0.weight"].dtype.name
    tolerance = {"float64": 1e-10, "float32": 1e-4}[dtype]
    return bool(largest <= tolerance), (
        f"largest difference {largest:.0e} (bound {tolerance:.0e}), loss "
        f"{tape[0, 0]:.2f} → {tape[0, -1]:.2f}; "
        f"{reporting.budget(side.named('tape'), 64)}"
    )


EXPERIMENT = Experiment(
    title="Four ways to differentiate: by hand, differences, forward, reverse",
    course=("F7", "F1"),
    heading="Autodiff",
    data=digits.small().draw,
    learners={
        "by_hand": backprop(
            model=digits_mlp.net,
            loss=lambda nn: nn.CrossEntropyLoss(),
            optimizer=digits_mlp.sgd,
        ),
        "tape": tape_learner,
    },
    steps=150,
    batch_size=64,
    seeds=3,
    claims={
        "all ways agree on the course's functions": all_agree,
        "a difference is best near √ε or ∛ε, the complex step exact": (
            step_neither_long_nor_short
        ),
        "the reverse walk costs the same for any number of inputs": (
            reverse_costs_the_same
        ),
        "the tape trains the net of digits_mlp on the hand-written layers' curve": (
            tape_trains_the_same_net
        ),
    },
    figures={"errors": draw_errors, "costs": draw_costs},
    story="A difference quotient is wrong when its step is long, and noisy when it is "
    "short; a step off the real line is neither. All of them, and forward mode, walk "
    "through the function once for each input. Reverse mode walks there and back once: "
    "for a net with thousands of weights and one loss nothing else will do.",
)
