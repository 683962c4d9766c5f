"""Four ways to differentiate: how exact they are, what they cost, what they train."""

import timeit
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import array_api_compat
import numpy as np

import handmade
from compare import plots
from compare.experiment import Experiment, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained
from compare.experiments.common.libraries import LIBRARIES, give
from compare.tolerance import difference

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
"""Each takes `autodiff` and a point; `handmade.surfaces` has the gradients by hand."""
TOLERANCES = {"one-sided": 1e-5, "central": 1e-8} | dict.fromkeys(
    ("complex step", "forward", "reverse"), 1e-13
)
"""The largest relative difference of each way from the gradient by hand."""


def ways(library: str, f: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """By name, from a point to the gradient of f there; all but "by hand"."""
    ad = LIBRARIES[library].autodiff
    value = partial(f, ad)

    def forward(p: Any) -> list[float]:
        units = [give(library, e) for e in np.eye(len(p))]
        return [float(ad.jvp(value, (p,), (e,))[1]) for e in units]

    return {
        "one-sided": partial(ad.forward_difference, value),
        "central": partial(ad.central_difference, value),
        "complex step": partial(ad.complex_step, value),
        "forward": forward,
        "reverse": ad.grad(value),
    }


def points(count: int) -> list[np.ndarray]:
    """One point from each of `count` seeds, none near the axes."""
    rngs = [np.random.default_rng(seed) for seed in range(count)]
    return [r.uniform(0.5, 2, 2) * r.choice([-1, 1], 2) for r in rngs]


def relative_error(
    library: str, function: str, way: str, p: np.ndarray, **options: float
) -> float:
    """How far this gradient of one of the functions is from the one by hand."""
    by_hand = getattr(handmade.surfaces, function)().gradient(p)
    find = ways(library, FUNCTIONS[function])[way]
    return difference(find(give(library, p), **options), by_hand).relative


def all_agree(side: Side) -> tuple[bool, str]:
    error, places = partial(relative_error, side.library), [(2.0, -1.0), *points(10)]
    worst = {
        way: max(error(f, way, np.array(p)) for f in FUNCTIONS for p in places)
        for way in TOLERANCES
    }
    return all(worst[way] <= most for way, most in TOLERANCES.items()), (
        f"{len(FUNCTIONS)} functions at (2, −1) and a point of each of the seeds "
        f"0 to 9: {reporting.listed(worst, '{:.0e}')}"
    )


EPS = float(np.finfo(float).eps)
STEPS = 10.0 ** np.arange(-16, 0.1, 0.5)
BEST = {"one-sided": (EPS ** (1 / 2), "√ε"), "central": (EPS ** (1 / 3), "∛ε")}
"""The best step h of a difference quotient in theory, and its name."""


@lru_cache
def errors(library: str) -> dict[str, np.ndarray]:
    """The error of each numeric way for each step h: the median of 15 points."""
    error, found = partial(relative_error, library, "SinePlusExponential"), {}
    for way in ("one-sided", "central", "complex step"):
        each = [[error(way, p, h=h) for h in STEPS] for p in points(15)]
        found[way] = np.median(each, axis=0)
    return found


def best_step(side: Side) -> tuple[bool, str]:
    found, words = errors(side.library), ""
    exact = found["complex step"][STEPS <= 1e-8].max()
    holds = exact < 1e-15
    for way, (theory, name) in BEST.items():
        best = STEPS[np.argmin(found[way])]
        holds &= theory / 10 < best < theory * 10
        words += f"{way} best at h = {best:.0e} ({name} = {theory:.0e}), "
    words += f"complex step {exact:.0e} for every h up to 1e−8, "
    return bool(holds), f"{words}median of 15 points, a seed each"


@figures.panels(
    ("Gradient of sin x + eʸ: median of 15 points", "step h", "relative error")
)
def draw_errors(side: Side, ax: figures.Axes) -> None:
    for way, found in errors(side.library).items():
        ax.plot(STEPS, found, marker="o", ms=4, clip_on=False, label=way)
    ax.set_xscale("log")
    plots.log_scale(ax)
    for theory, name in BEST.values():
        ax.axvline(theory, color=plots.GREY, ls="-", lw=1)
        ax.text(1.2 * theory, 0.02, name, fontsize=14)


SIZES = 2 ** np.arange(3, 8)
INPUTS = [np.linspace(-1, 1, n) for n in SIZES]


def wave(ad: Any, x: Any) -> Any:
    return ad.sum(ad.sin(x) * ad.exp(-x * x))


def evaluations(library: str) -> dict[str, list[int]]:
    """How often each way evaluates a function of n inputs, for each of the sizes."""
    evaluated = []

    def f(ad: Any, x: Any) -> Any:
        evaluated.append(x)
        return wave(ad, x)

    def count(way: str, x: np.ndarray) -> int:
        evaluated.clear()
        ways(library, f)[way](give(library, x))
        return len(evaluated)

    return {way: [count(way, x) for x in INPUTS] for way in TOLERANCES}


def costs_the_same(side: Side) -> tuple[bool, str]:
    counts, n = evaluations(side.library), np.log(SIZES)
    powers = {way: np.polyfit(n, np.log(c), 1)[0] for way, c in counts.items()}
    holds = all(abs(p - (way != "reverse")) < 0.05 for way, p in powers.items())
    return holds and abs(powers["reverse"]) < 1e-9, (
        f"evaluations for n = {SIZES[0]} … {SIZES[-1]}: "
        f"{reporting.listed(powers, 'n^{:.2f}', abs)} (at n = {SIZES[-1]}, "
        f"forward {counts['forward'][-1]}, reverse {counts['reverse'][-1]})"
    )


@figures.panels(
    ("Function evaluations", "inputs n", "evaluations"),
    ("Time", "inputs n", "milliseconds"),
)
def draw_costs(side: Side, left: figures.Axes, right: figures.Axes) -> None:
    for number, (way, counts) in enumerate(evaluations(side.library).items()):
        width = 6 - number  # what lies below shows at the edges
        left.loglog(SIZES, counts, marker="o", lw=width, label=way)
        find = ways(side.library, wave)[way]
        times = [timeit.repeat(partial(find, x), repeat=3, number=1) for x in INPUTS]
        right.loglog(SIZES, 1e3 * np.min(times, axis=1), marker="o")
    left.set_ylim(bottom=0.5)
    for ax in (left, right):
        figures.set_ticks(ax.xaxis, SIZES)


NET = mlp(64, 128, 10)
OPTIONS: dict[str, Any] = {"lr": 0.1, "momentum": 0.9}


def cross_entropy(ad: Any, logits: Any, target: Any) -> Any:
    """The mean of log Σ eᶻ − z of the right class, with the largest z subtracted."""
    n, xp = len(target), array_api_compat.array_namespace(target)
    rows = xp.arange(n, dtype=xp.int64, device=array_api_compat.device(target))
    z = logits - ad.amax(logits, dim=1, keepdim=True)
    return ad.sum(ad.log(ad.sum(ad.exp(z), dim=1)) - z[rows, target]) / n


def tape_learner(library: Any) -> Any:
    """The net of digits_mlp, but the gradient comes from the tape."""
    ad = library.autodiff

    class TapeLearner(library.training.GradientLearner):
        def step(self, x: Any, target: Any) -> float:
            def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
                logits = ad.relu(x @ w1.T + b1) @ w2.T + b2
                return cross_entropy(ad, logits, target)

            parameters = list(self.model.parameters())
            differentiated = ad.grad_and_value(loss, (0, 1, 2, 3))
            gradients, value = differentiated(*(p.data for p in parameters))
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = gradient
            self.optimizer.step()
            return float(value)

    sgd = partial(library.optim.SGD, **OPTIONS)
    return TapeLearner(NET(library.nn), library.nn.CrossEntropyLoss(), sgd)


def tape_trains_the_same_net(side: Side) -> tuple[bool, str]:
    names = ("tape", "by_hand")
    tape, by_hand = (np.array([t.losses for t in side.named(n)]) for n in names)
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
    teaches=(
        "autodiff.central_difference",
        "autodiff.complex_step",
        "autodiff.jvp",
        "autodiff.vjp",
    ),
    heading="Autodiff",
    data=digits.draw,
    learners={"by_hand": trained(NET, **OPTIONS), "tape": tape_learner},
    steps=150,
    batch_size=64,
    seeds=3,
    claims={
        "all ways agree on the course's functions": all_agree,
        "a difference is best near √ε or ∛ε, the complex step exact": best_step,
        "the reverse walk costs the same for any number of inputs": costs_the_same,
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
