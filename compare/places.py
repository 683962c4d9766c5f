"""Where the numbers of a learner's state lie, so that others can be put there."""

from collections.abc import Iterable, Iterator, Set
from typing import Any

from handmade.training import GradientLearner

Place = tuple[Any, str]
"""A dict, or an object, and the key or attribute under which it holds a value."""


class Places:
    """All places of a learner's state, in a fixed order.

    Args:
        learner: whose state it is.
        moving: hyper-parameters that change between steps, as by a schedule; all others
            are `fixed`.
    """

    def __init__(self, learner: GradientLearner, moving: Set[str]) -> None:
        optimizer = learner.optimizer
        held = {(id(h), at): (h, at) for _, h, at in learner.model._state()}
        states = [(i, *one) for i, one in enumerate(_states(optimizer))]
        self.state: list[Place] = [*held.values(), *[(s, n) for _, s, n in states]]
        self.form = (len(held), *[(i, name) for i, _, name in states])
        self.numbers = [
            len(held) + i for i, _, name in states if name in optimizer.numbers
        ]
        """Which of them hold no array but a number, such as a count of steps."""
        groups = optimizer.param_groups
        self.moving = [(g, name) for g in groups for name in sorted(moving & g.keys())]
        self.fixed = [
            {k: v for k, v in group.items() if k not in {"params", *moving}}
            for group in groups
        ]
        self.key = self.form, repr(self.fixed), tuple(name for _, name in self.moving)

    def values(self) -> list[Any]:
        """The whole state."""
        return [_get(place) for place in self.state]

    def put(self, values: Iterable[Any]) -> None:
        """Make these the state."""
        for place, value in zip(self.state, values, strict=True):
            _put(place, value)

    def put_back(self, values: Iterable[Any]) -> None:
        """As `put`, after compiled steps: what was a number becomes one again."""
        real = list(values)
        for i in self.numbers:
            real[i] = type(_get(self.state[i]))(real[i])
        self.put(real)

    def given(self) -> list[Any]:
        """The hyper-parameters that change between steps; pairs lie side by side."""
        return [n for place in self.moving for n in _several(_get(place))]

    def put_given(self, numbers: Iterable[Any]) -> None:
        """Make these the hyper-parameters that change."""
        left = iter(numbers)
        for place in self.moving:
            old = _get(place)
            new = tuple(next(left) for _ in _several(old))
            _put(place, new if isinstance(old, tuple) else new[0])

    def moved_since(self, earlier: "Places") -> set[str]:
        """The names of what was fixed and is another now."""
        pairs = zip(earlier.fixed, self.fixed, strict=True)
        return {k for old, new in pairs for k in old if old[k] != new.get(k, old[k])}


def _states(optimizer: Any) -> Iterator[Place]:
    """What an optimiser keeps, parameter by parameter."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            for name in state:
                yield state, name


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _get(place: Place) -> Any:
    holder, name = place
    return holder[name] if isinstance(holder, dict) else getattr(holder, name)


def _put(place: Place, value: Any) -> None:
    holder, name = place
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)
