"""How few bits a weight needs: rounded after training, or trained in few bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import handmade
import torch_ref
from compare import figures
from compare.arrays import to_numpy
from compare.experiment import Claim, Experiment, MakeLearner, backprop
from compare.experiments import _digits
from compare.trained import Side, Trial

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
AFTER = ("float32", "float16", "bfloat16", 8, 4, 2, "ternary", "binary")
"""How the weights of the net trained without rounding are stored afterwards."""
TRAINED: dict[str, int | str] = {"4_bits": 4, "ternary": "ternary", "binary": "binary"}
"""The learners that compute with few bits while they learn."""
CHOSEN = 3
"""Pixels on each side of the square whose weights are shown."""


def net(linear: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """64-128-10 with ReLU, of one kind of linear layer."""

    def model(nn: Any) -> Any:
        layer = linear(nn)
        return nn.Sequential(layer(64, 128), nn.ReLU(), layer(128, 10))

    return model


def learner(model: Callable[[Any], Any]) -> MakeLearner:
    """The net, trained as every other here."""
    return backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    )


def in_few(bits: int | str) -> MakeLearner:
    """The net of quantised layers."""
    return learner(net(lambda nn: lambda i, o: nn.QuantizedLinear(i, o, bits)))


def accuracy(trial: Trial) -> float:
    """The share of the test digits that are read right, in percent."""
    x, target = trial.data.test_set
    return 100 * float(np.mean(np.argmax(trial.predict(x), axis=-1) == target))


def afterwards(library: str, trial: Trial, bits: int | str) -> float:
    """The same in percent when few bits are left of the trained weights."""
    wing = LIBRARIES[library]
    model = net(lambda nn: nn.Linear)(wing.nn)
    model.to(trial.give(np.zeros(1)))
    state = trial.learner.model.state_dict()
    model.load_state_dict(wing.quantize.quantized_state_dict(state, bits))
    x, target = trial.data.test_set
    output = to_numpy(model(trial.give(x)))
    return 100 * float(np.mean(np.argmax(output, axis=-1) == target))


def all_afterwards(side: Side, bits: int | str) -> list[float]:
    """After training, from every seed."""
    trials = side.named("float")
    return [afterwards(side.library, trial, bits) for trial in trials]


def size(side: Side, bits: int | str) -> int:
    """The bytes of the net."""
    state = side["float"].learner.model.state_dict()
    return LIBRARIES[side.library].quantize.model_bytes(state, bits)


def trained_within(name: str, points: float) -> Claim:
    """The claim that learning in few bits costs at most so many points on average."""

    def claim(side: Side) -> tuple[bool, str]:
        plain, few = (
            [accuracy(trial) for trial in side.named(n)] for n in ("float", name)
        )
        lost = float(np.mean(plain) - np.mean(few))
        return lost <= points, (
            f"{np.mean(plain):.1f} % → {_said(few)}, {lost:+.1f} points, in "
            f"{size(side, TRAINED[name]):,} instead of {size(side, 'float32'):,} bytes"
        )

    return claim


def half_is_enough(side: Side) -> tuple[bool, str]:
    """16-bit floats and 8-bit whole numbers lose nothing to speak of, from any seed."""
    plain, words, worst = all_afterwards(side, "float32"), [], 0.0
    for bits in ("float16", "bfloat16", 8):
        found = all_afterwards(side, bits)
        worst = max(worst, float(np.max(np.subtract(plain, found))))
        words.append(f"{_name(bits)} {_said(found)}")
    return worst <= 1, f"{'; '.join(words)}; lost at most {worst:.1f} points"


def training_helps(side: Side) -> tuple[bool, str]:
    """What rounding afterwards destroys is not lost if it is there while learning."""
    words, gains = [], []
    for name in ("ternary", "binary"):
        after = all_afterwards(side, TRAINED[name])
        during = [accuracy(trial) for trial in side.named(name)]
        gains.append(float(np.mean(during) - np.mean(after)))
        words.append(f"{name} {_said(after)} → {_said(during)}")
    return min(gains) >= 3, "; ".join(words)


def the_scale_matters(side: Side) -> tuple[bool, str]:
    """2 bits and ternary store the same three values: only the scale is another."""
    two, three = all_afterwards(side, 2), all_afterwards(side, "ternary")
    words = f"scale max |w| {_said(two)}, mean |w| {_said(three)}"
    return float(np.mean(three) - np.mean(two)) >= 10, words


def draw(side: Side) -> Figure:
    """Accuracy, and size, against the kind of weight."""
    figure, (left, right) = figures.canvas(2)
    names = [_name(bits) for bits in AFTER]
    after = [all_afterwards(side, bits) for bits in AFTER]
    left.plot(names, np.mean(after, axis=1), "s", color="#c0392b", ms=9)
    for label, bits in TRAINED.items():
        found = [accuracy(trial) for trial in side.named(label)]
        place = names.index(_name(bits))
        left.plot(place, np.mean(found), "o", color="#1f4e79", ms=11)
        left.plot([place] * len(found), found, "_", color="#1f4e79", ms=14)
    for height, words, color in (
        (0.13, "■ rounded after training", "#c0392b"),
        (0.05, "● trained in few bits", "#1f4e79"),
    ):
        left.text(
            0.04, height, words, color=color, transform=left.transAxes, fontsize=13
        )
    left.set_ylim(10, 101)
    figures.label(left, "test digits read right", "", "%")
    sizes = [size(side, bits) / 1000 for bits in AFTER]
    for bar, kilobytes in zip(
        right.bar(names, sizes, color="#f2a65a"), sizes, strict=True
    ):
        middle = bar.get_x() + bar.get_width() / 2
        right.text(middle, kilobytes, f"{kilobytes:.1f}", ha="center", va="bottom")
    figures.label(right, "size of the net", "", "kB")
    for ax in (left, right):
        ax.tick_params(axis="x", rotation=60, labelsize=13)
    return figure


def weights(side: Side) -> Figure:
    """Some weights of one hidden unit: against the scale, as stored, and as used."""
    layer = side["ternary"].learner.model[0]
    kept = to_numpy(layer.weight.data)
    stored, scale, used = (to_numpy(a) for a in layer.quantized())
    unit = int(np.argmin(np.abs(np.abs(kept).mean(axis=1) - scale)))  # an average one
    tables = {
        "kept W": (kept, "{:.2f}"),
        f"W / s,  s = {float(scale):.3f}": (kept / scale, "{:.2f}"),
        "stored q": (stored, "{:.0f}"),
        "used V = q · s": (used + 0.0, "{:.2f}"),  # −0.0 becomes 0.0
    }
    figure, axes = figures.canvas(4)
    for ax, (title, (table, form)) in zip(axes, tables.items(), strict=True):
        values = table[unit].reshape(8, 8)[2 : 2 + CHOSEN, 2 : 2 + CHOSEN]
        most = 1.8 * np.abs(values).max()  # the colours stay pale behind the numbers
        ax.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            ax.text(j, i, form.format(value), ha="center", va="center", fontsize=13)
        ax.set_title(title, fontsize=14)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.suptitle(
        f"ternary weights of a hidden unit for {CHOSEN} × {CHOSEN} of its pixels",
        fontsize=15,
    )
    return figure


def _name(bits: int | str) -> str:
    return f"{bits} bits" if isinstance(bits, int) else bits


def _said(found: list[float]) -> str:
    low, high = np.min(found), np.max(found)
    return f"{np.mean(found):.1f} % ({low:.1f} to {high:.1f}, {len(found)} seeds)"


EXPERIMENT = Experiment(
    title="Handwritten digits with weights of 4, 1.58 and 1 bits",
    course=("F5",),
    heading="Precision does NOT matter",
    data=_digits.small().draw,
    learners={
        "float": learner(net(lambda nn: nn.Linear)),
        **{name: in_few(bits) for name, bits in TRAINED.items()},
    },
    steps=150,
    batch_size=64,
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
    figures={"accuracy": draw, "weights": weights},
    story="Every weight becomes −1, 0 or 1 times one number for the whole layer, and "
    "the net still reads nearly as well, in a fifteenth of the bytes. It learns "
    "with a trick: the net computes with the rounded weights, but the gradient goes "
    "straight through to weights that are kept in full, since round itself has the "
    "slope 0. Rounding a net that never knew of it works down to about 4 bits.",
)
