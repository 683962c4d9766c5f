"""Where the numbers of a learner's state lie, so that others can be put there."""

from collections.abc import Iterable, Iterator, Set
from typing import Any

from compare.compile.capture import settings
from handmade.training import GradientLearner

MAY_MOVE = frozenset({"lr", "betas", "momentum"})
"""What optimisers only compute with; of all else they ask what it is."""

Place = tuple[Any, str]
"""A dict, or an object, and the key or attribute under which it holds a value."""


class Places:
    """All places of a learner's state, in a fixed order.

    Args:
        learner: whose state it is.
        moving: hyper-parameters that change between steps, as by a schedule; all others
            are `fixed`, and so is a momentum of 0, which leaves out a buffer.
    """

    def __init__(self, learner: GradientLearner, moving: Set[str]) -> None:
        optimizer = learner.optimizer
        modules = learner.model, learner.criterion
        found = [one for module in modules for one in module._state()]
        held = {(id(h), at): (h, at) for _, h, at in found}
        states = [(i, *one) for i, one in enumerate(_states(optimizer))]
        self.state: list[Place] = [*held.values(), *[(s, n) for _, s, n in states]]
        names = [name for name, *_ in found]
        self.form = (*names, len(held), *[(i, name) for i, _, name in states])
        self.numbers = [
            len(held) + i for i, _, name in states if name in optimizer.numbers
        ]
        """Which of them hold no array but a number, such as a count of steps."""
        self._groups, self._names = optimizer.param_groups, moving
        self.moving = [(g, n) for g in self._groups for n in self._moving_in(g)]
        self.fixed = self.fixed_now()
        kinds = [(tuple(v.shape), v.dtype) for v in map(_get, held.values())]
        self.key = (
            self.form,
            repr((self.fixed, kinds)),
            tuple(name for _, name in self.moving),
            settings(learner),
        )
        """All that a compiled step takes for granted."""

    def _moving_in(self, group: dict[str, Any]) -> list[str]:
        names = sorted(self._names & group.keys())
        return [name for name in names if name != "momentum" or group[name]]

    def fixed_now(self) -> list[dict[str, Any]]:
        """The hyper-parameters of each group that a compiled step takes for granted."""
        given = [{"params", *self._moving_in(group)} for group in self._groups]
        pairs = zip(self._groups, given, strict=True)
        return [{k: v for k, v in g.items() if k not in names} for g, names in pairs]

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
        """The names of what was fixed, is another now, and may move."""
        pairs = zip(earlier.fixed, self.fixed, strict=False)  # groups may be added
        return {k for a, b in pairs for k in a.keys() & MAY_MOVE if a[k] != b.get(k)}


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
