"""Four ways to differentiate: how exact they are, what they cost, what they train."""

import numpy as np

import handmade
from compare.experiment import Experiment, backprop
from compare.experiments import digits_mlp
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.experiments.common.libraries import give
from compare.experiments.common.step_size import (
    draw_errors,
    steps_neither_long_nor_short,
)
from compare.experiments.common.tape import tape_learner
from compare.experiments.common.walks import draw_costs, reverse_costs_the_same
from compare.experiments.common.ways import FUNCTIONS, points, relative, ways
from compare.results import Side

BOUNDS = {
    "one-sided": 1e-5,
    "central": 1e-8,
    "complex step": 1e-13,
    "forward": 1e-13,
    "reverse": 1e-13,
}
"""How far each way may be from the gradient by hand, relatively."""
SAME = {"float64": 1e-10, "float32": 1e-4}
"""How far two curves that are one may be apart."""
POINTS, BATCH = 10, 64


def all_agree(side: Side) -> tuple[bool, str]:
    """Every way finds what was derived by hand."""
    worst = dict.fromkeys(BOUNDS, 0.0)
    for name, f in FUNCTIONS.items():
        by_hand = getattr(handmade.surfaces, name)().gradient
        for p in [np.array([2.0, -1.0]), *points(POINTS)]:
            for way, find in ways(side.library, f).items():
                error = relative(find(give(side.library, p)), by_hand(p))
                worst[way] = max(worst[way], error)
    holds = all(worst[way] <= bound for way, bound in BOUNDS.items())
    found = ", ".join(f"{way} {error:.0e}" for way, error in worst.items())
    where = f"(2, −1) and a point of each of the seeds 0 to {POINTS - 1}"
    return holds, f"{len(FUNCTIONS)} functions at {where}: {found}"


def tape_trains_the_same_net(side: Side) -> tuple[bool, str]:
    """Whether tape or hand-written layers give the gradient, the curve is one."""
    pairs = list(zip(side.named("tape"), side.named("by_hand"), strict=True))
    gap = max(np.abs(np.subtract(a.losses, b.losses)).max() for a, b in pairs)
    bound = SAME[pairs[0][0].parameters["0.weight"].dtype.name]
    first, last = pairs[0][0].losses[0], pairs[0][0].losses[-1]
    return bool(gap <= bound), (
        f"largest difference {gap:.0e} (bound {bound:.0e}), loss {first:.2f} → "
        f"{last:.2f}; {_words.budget(side.named('tape'), BATCH)}"
    )


EXPERIMENT = Experiment(
    title="Four ways to differentiate: by hand, differences, forward, reverse",
    course=("F7", "F1"),
    heading="Autodiff",
    data=_digits.digits,
    learners={
        "by_hand": backprop(
            model=digits_mlp.net,
            loss=lambda nn: nn.CrossEntropyLoss(),
            optimizer=digits_mlp.sgd,
        ),
        "tape": tape_learner(digits_mlp.net, digits_mlp.sgd),
    },
    steps=150,
    batch_size=BATCH,
    seeds=3,
    claims={
        "all ways agree on the course's functions": all_agree,
        "a difference is best near √ε or ∛ε, the complex step exact": (
            steps_neither_long_nor_short
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
