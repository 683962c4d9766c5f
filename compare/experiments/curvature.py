"""The curvature of the loss: why a learning rate above 2/λ diverges."""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, Side
from compare.experiments.common import digits, figures, mlp, trained
from compare.experiments.common.libraries import LIBRARIES, give, untrained
from compare.tolerance import difference

EXAMPLES = 500
NET_LR = 0.5
NET = trained(mlp(64, 32, 10, activation="Tanh"), lr=NET_LR)
STEPS, EVERY = 240, 20
RATES = {"below": 0.85, "above": 0.88}
"""Learning rates of a linear fit, just below and just above its 2/λ."""
Loss = Callable[[Any], Any]  # of all parameters as one vector


def classes(rng: object = None) -> Data:
    return digits.first(EXAMPLES)


def one_hot(rng: object = None) -> Data:
    data = digits.first(EXAMPLES)
    return Data(x=data.x, target=np.eye(10)[data.target])


def squared_error(library: str) -> Loss:
    """The loss of the linear fit: mean (x Wᵀ + b − y)²."""
    ad, data = LIBRARIES[library].autodiff, one_hot()
    x, y = give(library, data.x), give(library, data.target)

    def loss(theta: Any) -> Any:
        w, b = ad.reshape(theta[:640], (10, 64)), theta[640:]
        return ad.sum((x @ w.T + b - y) ** 2) / data.target.size

    return loss


def cross_entropy(library: str) -> Loss:
    """The loss of the net: mean log Σ eᶻ − z of the right class."""
    ad, data = LIBRARIES[library].autodiff, one_hot()
    x, y = give(library, data.x), give(library, data.target)
    shapes = [(32, 64), (32,), (10, 32), (10,)]
    cuts = np.cumsum([0, *map(math.prod, shapes)]).tolist()

    def loss(theta: Any) -> Any:
        parts = [theta[i:j] for i, j in pairwise(cuts)]
        w1, b1, w2, b2 = map(ad.reshape, parts, shapes)
        z = ad.tanh(x @ w1.T + b1) @ w2.T + b2
        z = z - ad.amax(z, dim=1, keepdim=True)
        return (ad.sum(ad.log(ad.sum(ad.exp(z), dim=1))) - ad.sum(z * y)) / EXAMPLES

    return loss


def largest_eigenvalue(
    library: str, loss: Loss, theta: Any, v: Any, rounds: int
) -> tuple[float, Any]:
    """Power iteration: v ← H v / ‖H v‖ turns v towards the steepest curvature.

    Returns the Rayleigh quotient vᵀ H v, which tends to λ, and v to start from again.
    """
    hvp, eigenvalue = LIBRARIES[library].autodiff.hvp, 0.0
    for _ in range(rounds):
        product = hvp(loss, theta, v)
        eigenvalue = float(v @ product)
        v = product / (product @ product) ** 0.5
    return eigenvalue, v


def direction(library: str, size: int) -> Any:
    """A random unit vector, the same in both libraries."""
    v = np.random.default_rng(0).normal(size=size)
    return give(library, v / np.linalg.norm(v))


@lru_cache
def fit_eigenvalue(library: str) -> float:
    """The largest eigenvalue of the linear fit; the same wherever it stands."""
    zero, v = give(library, np.zeros(650)), direction(library, 650)
    return largest_eigenvalue(library, squared_error(library), zero, v, rounds=20)[0]


@lru_cache
def path(library: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The net trained again: its losses, and λ at the start and every 20 steps."""
    learner, loss = untrained(library, NET, seed), cross_entropy(library)
    x, target = (give(library, a) for a in (classes().x, classes().target))
    losses, eigenvalues, v = [], [], direction(library, 2410)
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            parameters = map(to_numpy, learner.parameters().values())
            theta = give(library, np.concatenate([p.ravel() for p in parameters]))
            found, v = largest_eigenvalue(library, loss, theta, v, rounds=15)
            eigenvalues.append(found)
        losses.append(learner.step(x, target))
    return np.array(losses[:STEPS]), np.array(eigenvalues)


def power_iteration_finds_it(side: Side) -> tuple[bool, str]:
    """For the mean squared error H is 2/(10 n) · [x 1]ᵀ[x 1] for each output."""
    x = np.hstack([one_hot().x, np.ones((EXAMPLES, 1))])
    exact = 2 * np.linalg.eigvalsh(x.T @ x)[-1] / one_hot().target.size
    found = fit_eigenvalue(side.library)
    return abs(found / exact - 1) < 1e-10, f"λ = {found:.4f}, closed form {exact:.4f}"


def losses(side: Side, name: str) -> np.ndarray:
    return np.array(side[name].losses)


def two_over_lambda_decides(side: Side) -> tuple[bool, str]:
    limit = 2 / fit_eigenvalue(side.library)
    (low, high), (below, above) = RATES.values(), (losses(side, n) for n in RATES)
    growth, predicted = above[-1] / above[-2], (1 - 2 * high / limit) ** 2
    converges = bool((below[1:] < below[:-1]).all())
    diverges = above[-1] > 100 * above[0] and abs(growth / predicted - 1) < 1e-3
    return low < limit < high and converges and diverges, (
        f"2/λ = {limit:.4f}; lr {low}: loss {below[0]:.3f} → {below[-1]:.3f}; "
        f"lr {high}: {above[0]:.3f} → {above[-1]:.3g}, × {growth:.4f} a step, "
        f"(1 − lr λ)² = {predicted:.4f}"
    )


def net_stays_below(side: Side) -> tuple[bool, str]:
    again, eigenvalues = path(side.library, side["net"].seed)
    found = losses(side, "net")
    same = difference(again, found).relative < 1e-3
    falls = bool((found[1:] < found[:-1]).all())
    first, largest, last = eigenvalues[0], eigenvalues.max(), eigenvalues[-1]
    return same and falls and first < largest > last and 2 / largest > NET_LR, (
        f"λ {first:.2f} → {largest:.2f} → {last:.2f}, so 2/λ ≥ {2 / largest:.2f} and "
        f"lr = {NET_LR}; loss {found[0]:.2f} → {found[-1]:.3f}"
    )


def same_curvature(side: Side) -> tuple[bool, str]:
    ours, theirs = (path(library, side.trials[0].seed)[1] for library in LIBRARIES)
    found = difference(ours, theirs).relative
    return found < 1e-10, f"largest difference {found:.0e} at {len(ours)} points"


@figures.panels(
    ("Linear fit", "step", "training loss"),
    (f"Net, lr = {NET_LR}", "step", "largest eigenvalue λ"),
)
def draw(side: Side, fit: figures.Axes, net: figures.Axes) -> None:
    limit = 2 / fit_eigenvalue(side.library)
    for (name, lr), style in zip(RATES.items(), plots.CURVES, strict=False):
        sign = "<" if lr < limit else ">"
        label = f"lr = {lr} {sign} 2/λ = {limit:.3f}"
        fit.semilogy(side[name].losses, label=label, **style)
    eigenvalues = path(side.library, side["net"].seed)[1]
    net.plot(EVERY * np.arange(len(eigenvalues)), eigenvalues, marker="o")
    net.axhline(2 / NET_LR, color=plots.GREY, label=f"2/lr = {2 / NET_LR:g}")
    net.set_ylim(bottom=0)


EXPERIMENT = Experiment(
    title="The curvature of the loss: a learning rate above 2/λ diverges",
    course=("F7", "A2", "A6"),
    teaches=("autodiff.hvp", "autodiff.hessian"),
    heading="Autodiff",
    data={"net": classes, "below": one_hot, "above": one_hot},
    learners={
        "net": NET,
        **{
            name: trained(lambda nn: nn.Linear(64, 10), "MSELoss", lr=lr)
            for name, lr in RATES.items()
        },
    },
    steps=STEPS,
    claims={
        "power iteration finds the eigenvalue of the closed form": (
            power_iteration_finds_it
        ),
        "just below 2/λ a linear fit converges, just above it diverges": (
            two_over_lambda_decides
        ),
        "a net's rate stays below 2/λ all the way, and its loss falls": net_stays_below,
        "both libraries find the same eigenvalues along the way": same_curvature,
    },
    figures={"curvature": draw},
    story="Along the direction of largest curvature λ, a step of gradient descent "
    "multiplies the distance to the minimum by 1 − lr λ. Beyond lr = 2/λ that is less "
    "than −1: each step lands further away, on the other side. A net's curvature "
    "changes as it learns, so its limit does, too. The Hessian has n² numbers; its "
    "product with a vector costs only a few gradients, and is enough to find λ.",
)
