"""How few bits a weight needs: rounded after training, or trained in few bits."""

import numpy as np

from compare.experiment import Claim, Experiment
from compare.experiments.common import bits as _bits
from compare.experiments.common import bits_figures as _bits_figures
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.results import Side

BATCH = 64


def trained_within(name: str, points: float) -> Claim:
    """The claim that learning in few bits costs at most so many points on average."""

    def claim(side: Side) -> tuple[bool, str]:
        plain, few = (_bits.during(side, n) for n in ("float", name))
        lost = 100 * float(np.mean(plain) - np.mean(few))
        small, large = (
            _bits.size(side, bits) for bits in (_bits.TRAINED[name], "float32")
        )
        return lost <= points, (
            f"{_words.percent(plain)} → {_words.percent(few)}, {lost:+.1f} points "
            f"lost, in {small:,} instead of {large:,} bytes; "
            f"{_words.budget(side.named(name), BATCH)}"
        )

    return claim


def half_is_enough(side: Side) -> tuple[bool, str]:
    """16-bit floats and 8-bit whole numbers lose nothing to speak of, from any seed."""
    plain, words, worst = _bits.all_afterwards(side, "float32"), [], 0.0
    for bits in ("float16", "bfloat16", 8):
        found = _bits.all_afterwards(side, bits)
        worst = max(worst, 100 * float(np.max(np.subtract(plain, found))))
        words.append(f"{_bits.name(bits)} {_words.percent(found)}")
    words.append(f"lost at most {worst:.1f} points")
    return worst <= 1, f"{'; '.join(words)}; {_words.seeds(side.trials)}"


def training_helps(side: Side) -> tuple[bool, str]:
    """What rounding afterwards destroys is not lost if it is there while learning."""
    words, gains = [], []
    for name in ("ternary", "binary"):
        after = _bits.all_afterwards(side, _bits.TRAINED[name])
        during = _bits.during(side, name)
        gains.append(100 * float(np.mean(during) - np.mean(after)))
        words.append(f"{name} {_words.percent(after)} → {_words.percent(during)}")
    return min(gains) >= 3, f"{'; '.join(words)}; {_words.seeds(side.trials)}"


def the_scale_matters(side: Side) -> tuple[bool, str]:
    """2 bits and ternary store the same three values: only the scale is another."""
    two, three = (_bits.all_afterwards(side, bits) for bits in (2, "ternary"))
    words = f"scale max |w| {_words.percent(two)}, mean |w| {_words.percent(three)}"
    holds = 100 * float(np.mean(three) - np.mean(two)) >= 10
    return holds, f"{words}; {_words.seeds(side.trials)}"


EXPERIMENT = Experiment(
    title="Handwritten digits with weights of 4, 1.58 and 1 bits",
    course=("F5",),
    heading="Precision does NOT matter",
    data=_digits.small().draw,
    learners={
        "float": _bits.learner(_bits.net(lambda nn: nn.Linear)),
        **{name: _bits.in_few(bits) for name, bits in _bits.TRAINED.items()},
    },
    steps=150,
    batch_size=BATCH,
    seeds=3,
    claims={
        "trained in 4 bits the net is within 1 point of float": trained_within(
            "4_bits", 1
        ),
        "trained in ternary weights (1.58 bits) it is within 3 points": trained_within(
            "ternary", 3
        ),
        "rounded after training, 16 and 8 bits cost at most 1 point": half_is_enough,
        "ternary and binary weights have to be there while it learns": training_helps,
        "after training, the same three values with another scale lose far more": (
            the_scale_matters
        ),
    },
    figures={"accuracy": _bits_figures.draw, "weights": _bits_figures.weights},
    story="Every weight becomes −1, 0 or 1 times one number for the whole layer, and "
    "the net still reads nearly as well, in a fifteenth of the bytes. It learns "
    "with a trick: the net computes with the rounded weights, but the gradient goes "
    "straight through to weights that are kept in full, since round itself has the "
    "slope 0. Rounding a net that never knew of it works down to about 4 bits.",
)
