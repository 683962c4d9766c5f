"""How few bits a weight needs: rounded after training, or trained in few bits."""

from functools import partial
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, reporting, trained
from compare.experiments.common.libraries import LIBRARIES

BATCH = 64
BITS = ("float32", "float16", "bfloat16", 8, 4, 2, "ternary", "binary")
AFTER = {f"{bits} bits" if isinstance(bits, int) else bits: bits for bits in BITS}
"""How the weights of the net trained without rounding are stored afterwards."""
TRAINED = {"4_bits": "4 bits", "ternary": "ternary", "binary": "binary"}
"""The learners that compute with few bits during training."""


def learner(*bits: int | str) -> MakeLearner:
    """64-128-10 with ReLU; its weights have so many bits or, by default, are floats."""

    def net(nn: Any) -> Any:
        layer = nn.QuantizedLinear if bits else nn.Linear
        return nn.Sequential(layer(64, 128, *bits), nn.ReLU(), layer(128, 10, *bits))

    return trained(net, lr=0.1, momentum=0.9)


def accuracies_after(side: Side, name: str) -> np.ndarray:
    """The test accuracy of each seed when the trained weights are rounded."""
    library, found = LIBRARIES[side.library], []
    for trial in side.named("float"):
        rounded = learner()(library).to(trial.give(np.zeros(1)))
        state = trial.learner.model.state_dict()
        state = library.quantize.quantized_state_dict(state, AFTER[name])
        rounded.model.load_state_dict(state)
        x, target = trial.data.test_set
        output = to_numpy(rounded.predict(trial.give(x)))
        found.append(digits.fraction_right(target, output))
    return np.array(found)


def size(side: Side, name: str) -> int:
    state = side["float"].learner.model.state_dict()
    return LIBRARIES[side.library].quantize.model_bytes(state, AFTER[name])


def trained_within(name: str, points: float, side: Side) -> tuple[bool, str]:
    plain, few = (digits.accuracies(side, n) for n in ("float", name))
    lost = 100 * float(np.mean(plain) - np.mean(few))
    small, large = (size(side, n) for n in (TRAINED[name], "float32"))
    return lost <= points, (
        f"{reporting.percent(plain)} → {reporting.percent(few)}, {lost:+.1f} points "
        f"lost, in {small:,} instead of {large:,} bytes; "
        f"{reporting.budget(side.trials, BATCH)}"
    )


four_bits = partial(trained_within, "4_bits", 1)
ternary = partial(trained_within, "ternary", 3)


def half_is_enough(side: Side) -> tuple[bool, str]:
    found = {n: accuracies_after(side, n) for n in ("float16", "bfloat16", "8 bits")}
    lost = accuracies_after(side, "float32") - [*found.values()]
    worst = 100 * float(np.max(lost, initial=0.0))
    return worst <= 1, (
        f"{reporting.listed(found, of=reporting.percent)}; lost at most "
        f"{worst:.1f} points; {reporting.seeds(side.trials)}"
    )


def training_helps(side: Side) -> tuple[bool, str]:
    words, holds = "", True
    for name in ("ternary", "binary"):
        after, during = accuracies_after(side, name), digits.accuracies(side, name)
        holds &= 100 * float(np.mean(during) - np.mean(after)) >= 3
        words += f"{name} {reporting.percent(after)} → {reporting.percent(during)}; "
    return holds, words + reporting.seeds(side.trials)


def the_scale_matters(side: Side) -> tuple[bool, str]:
    """2 bits and ternary store the same three values: only the scale is another."""
    two, three = (accuracies_after(side, name) for name in ("2 bits", "ternary"))
    return bool(three.mean() - two.mean() >= 0.1), (
        f"scale max |w| {reporting.percent(two)}, mean |w| {reporting.percent(three)}; "
        f"{reporting.seeds(side.trials)}"
    )


@figures.panels(
    ("", "weights stored as", "test accuracy in %"),
    ("", "weights stored as", "size of the net in kB"),
)
def draw(side: Side, left: plots.Axes, right: plots.Axes) -> None:
    after = [100 * accuracies_after(side, name).mean() for name in AFTER]
    aware = [100 * digits.accuracies(side, name) for name in TRAINED]
    places = np.array([[*AFTER].index(bits) for bits in TRAINED.values()]) + 0.25
    red, blue = plots.RED, plots.BLUE
    left.plot([*AFTER], after, "s", c=red, ms=8, label="rounded after training")
    means = np.mean(aware, axis=1)
    left.plot(places, means, "o", c=blue, ms=8, label="quantisation-aware training")
    left.plot(places, aware, "_", c=blue, ms=10)
    left.set_ylim(30, 101)
    sizes = [size(side, name) / 1000 for name in AFTER]
    bars = right.bar([*AFTER], sizes, color=plots.ORANGE)
    right.bar_label(bars, [f"{kilobytes:.2g}" for kilobytes in sizes], fontsize=10)
    right.margins(y=0.12)
    for ax in (left, right):
        ax.tick_params(axis="x", rotation=90)


def draw_weights(side: Side) -> plots.Figure:
    """Nine weights of one hidden unit: against the scale, as stored, and as used."""
    layer = side["ternary"].learner.model[0]
    kept = to_numpy(layer.weight.data)
    stored, s, used = (to_numpy(a) for a in layer.quantized())
    unit = int(np.argmin(np.abs(np.abs(kept).mean(axis=1) - s)))  # an average one
    tables = {
        "Kept W": (kept, "{:.2f}"),
        f"W / s,  s = {float(s):.3f}": (kept / s, "{:.2f}"),
        "Stored q": (stored, "{:.0f}"),
        "Used V = q · s": (used + 0.0, "{:.2f}"),  # −0.0 becomes 0.0
    }
    figure, axes = plots.canvas(4, rows=2)
    for ax, (title, (table, form)) in zip(axes, tables.items(), strict=True):
        values = table[unit].reshape(8, 8)[2:5, 2:5]
        limit = 1.8 * np.abs(values).max()  # the colours stay pale behind the numbers
        ax.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            ax.text(j, i, form.format(value), ha="center", va="center", fontsize=13)
        ax.set(title=title, xticks=[], yticks=[])
    figure.suptitle("Ternary weights of one hidden unit, 3 × 3 pixels")
    return figure


EXPERIMENT = Experiment(
    title="Handwritten digits with weights of 4, 1.58 and 1 bits",
    course=("F5",),
    teaches=("nn.QuantizedLinear", "quantize.quantize"),
    heading="Precision does NOT matter",
    data=digits.draw,
    learners={
        "float": learner(),
        **{n: learner(AFTER[label]) for n, label in TRAINED.items()},
    },
    steps=150,
    batch_size=BATCH,
    seeds=3,
    claims={
        "trained in 4 bits the net is within 1 point of float": four_bits,
        "trained in ternary weights (1.58 bits) it is within 3 points": ternary,
        "rounded after training, 16 and 8 bits cost at most 1 point": half_is_enough,
        "ternary and binary weights have to be there while it learns": training_helps,
        "after training, the same three values with another scale lose far more": (
            the_scale_matters
        ),
    },
    figures={"accuracy": draw, "weights": draw_weights},
    story="Every weight becomes −1, 0 or 1 times one number for the whole layer, and "
    "the net still reads nearly as well, in a fifteenth of the bytes. It learns "
    "with a trick: the net computes with the rounded weights, but the gradient goes "
    "straight through to weights that are kept in full, since round itself has the "
    "slope 0. Rounding a net that never knew of it works down to about 4 bits.",
)
