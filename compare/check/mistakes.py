"""The known mistakes in the rule of each optimiser, by their names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compare.check.rules import Options


@dataclass(frozen=True)
class Mistake:
    """One way to be wrong.

    Args:
        name: in `repairs.REPAIRS`.
        what: the word by which the rule knows it; "" leaves the rule as it is.
        options: other options instead, as functions of all that were given.
    """

    name: str
    what: str = ""
    options: Mapping[str, Callable[[Options], Any]] = field(default_factory=dict)

    def changed(self, options: Options) -> Options:
        """The options as they are read by mistake."""
        return {**options, **{k: f(options) for k, f in self.options.items()}}


def _read(name: str, **options: Callable[[Options], Any]) -> Mistake:
    """A mistake that only reads its options otherwise."""
    return Mistake(name, "", options)


def _in_rule(name: str, *whats: str) -> list[Mistake]:
    """A mistake in the rule that has several forms."""
    return [Mistake(name, what) for what in whats]


_SQUARES = [
    *_in_rule("squared gradient missing", "absolute", "not squared"),
    *_in_rule("squared gradient missing", "absolute, no root"),
    *_in_rule("root missing", "no root"),
]
_ADAM = [
    *_in_rule("bias correction missing", "first and second", "first", "second"),
    *_in_rule("step counted wrongly", "step from 0", "step from 2", "step for all"),
    _read("betas swapped", betas=lambda o: o["betas"][::-1]),
    *_in_rule("eps inside the root", "eps inside"),
    *_SQUARES,
]
_DECOUPLED = ("Adam", "AdamW", "NAdam", "Muon")
"""Those that may shrink θ itself."""
_SPECIFIC: dict[str, list[Mistake]] = {
    "SGD": [
        _read("dampening", dampening=lambda o: 0.0),
        _read("dampening", dampening=lambda o: o["momentum"]),
        *_in_rule("dampening", "moving average"),
        *_in_rule("momentum's first step", "zero", "forgotten"),
        *_in_rule("dampening", "average from zero"),
        *_in_rule("nesterov", "no look ahead", "swapped", "old velocity", "old zero"),
        *_in_rule("weight decay decoupled", "decay beside", "decay after"),
        *_in_rule("lr inside the velocity", "lr inside"),
    ],
    "Adam": [
        *_ADAM,
        *_in_rule("eps before the bias correction", "eps corrected"),
        *_in_rule("amsgrad", "maximum corrected"),
        _read("amsgrad", amsgrad=lambda o: False),
    ],
    "NAdam": [
        *_ADAM,
        *_in_rule("momentum schedule", "constant", "same", "power"),
    ],
    "RMSprop": [
        *_in_rule("centered", "added", "unsquared"),
        _read("centered", centered=lambda o: False),
        *_in_rule("eps inside the root", "eps inside"),
        _read("shares swapped", alpha=lambda o: 1 - o["alpha"]),
        *_in_rule("bias correction that is not there", "corrected"),
        *_in_rule("lr inside the velocity", "lr inside"),
        *_in_rule("dampening", "moving average"),
        *_SQUARES,
    ],
    "Adagrad": [
        *_in_rule("lr_decay off by one", "lr decayed early"),
        *_in_rule("eps inside the root", "eps inside"),
        *_in_rule("squares not added up", "replaced", "mean"),
        _read("initial accumulator", initial_accumulator_value=lambda o: 0.0),
        *_SQUARES,
    ],
    "Adadelta": [
        *_in_rule("eps outside the root", "eps outside"),
        *_in_rule("lr counted among the steps", "lr counted"),
        _read("shares swapped", rho=lambda o: 1 - o["rho"]),
        *_SQUARES,
    ],
    "Rprop": [
        *_in_rule("sign change", "kept", "only not moved", "only forgotten"),
        _read("etas swapped", etas=lambda o: o["etas"][::-1]),
        *_in_rule("step sizes without limits", "no limits"),
        *_in_rule("gradient instead of its sign", "gradient"),
    ],
    "Muon": [
        *_in_rule("Newton–Schulz", "singular values", "only scaled", "plain"),
        *_in_rule("Newton–Schulz", "largest"),
        *_in_rule("lr adjustment", "no ratio", "sides swapped"),
        *_in_rule("nesterov", "no look ahead"),
        _read("nesterov", nesterov=lambda o: not o["nesterov"]),
    ],
}
_SPECIFIC["AdamW"] = _SPECIFIC["Adam"]
_ALL = [
    _read("weight decay missing", weight_decay=lambda o: 0.0),
    _read("maximize ignored", maximize=lambda o: False),
    _read("factor 2", weight_decay=lambda o: 2 * o["weight_decay"]),
    _read("sign", weight_decay=lambda o: -o["weight_decay"]),
    _read("factor 2", lr=lambda o: 2 * o["lr"]),
    _read("factor ½", lr=lambda o: o["lr"] / 2),
    _read("sign", lr=lambda o: -o["lr"]),
]


def mistakes(name: str, options: Options) -> list[Mistake]:
    """Every known mistake in the rule of a class that has these options.

    The first that explains what is seen gives it its name.
    """
    general = [m for m in _ALL if m.options.keys() <= options.keys()]
    missing = [m for m in general if m.name.endswith(("missing", "ignored"))]
    decay = [
        *_in_rule("weight decay without lr", "decay without lr"),
        *_in_rule("weight decay after the step", "decay late"),
        Mistake(
            "weight decay coupled"
            if options.get("decoupled_weight_decay", True)
            else "weight decay decoupled",
            "decay mixed up",
        ),
    ]
    others = [m for m in general if m not in missing]
    known = _SPECIFIC[name] + (decay if name in _DECOUPLED else [])
    return [*missing, *known, *others]
