"""What a learner had after each step of a stretch, every number of it in one row."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.tensors import (
    Found,
    Tensors,
    memory,
    memory_name,
    rates,
    remembered,
    schedule,
)

KIND = "parameter "
NUMBERS = 2**21
"""How many numbers a stretch may set aside room for."""
LONGEST = 64
"""So many steps a stretch has at most."""


def room(numbers: int) -> int:
    """How many steps a stretch may have if each needs room for so many numbers."""
    return max(1, min(LONGEST, NUMBERS // max(1, numbers)))


class Rows:
    """Room for the same tensors after each of some steps, set aside once.

    Args:
        names: of the tensors.
        arrays: the tensors, for their shapes and dtypes.
        memory: the names of those that are what the learner goes by.
        count: how many steps there is room for.
    """

    def __init__(
        self,
        names: list[str],
        arrays: list[np.ndarray],
        memory: list[str],
        count: int,
    ) -> None:
        self.count = count
        self.memory = memory
        found: dict[np.dtype[Any], list[int]] = {}
        for i, a in enumerate(arrays):
            found.setdefault(a.dtype, []).append(i)
        self._chosen = list(found.values())
        order = [i for chosen in self._chosen for i in chosen]
        self._order = names
        self.names = [names[i] for i in order]
        self.layout = [(names[i], arrays[i].shape, arrays[i].dtype) for i in order]
        sizes = [[arrays[i].size for i in chosen] for chosen in self._chosen]
        self.parts = [
            Part(size, dtype, count) for size, dtype in zip(sizes, found, strict=True)
        ]

    def put(self, place: int, arrays: list[np.ndarray]) -> None:
        """Copy the tensors of one step."""
        for chosen, part in zip(self._chosen, self.parts, strict=True):
            given = [arrays[i] for i in chosen]
            np.concatenate(given, axis=None, out=part.flat[place], casting="no")

    def tensors(self, place: int) -> Tensors:
        """The tensors of one step: views, good until the next stretch."""
        views = [view for part in self.parts for view in part.views(place)]
        found = {
            name: view.reshape(shape)
            for (name, shape, _), view in zip(self.layout, views, strict=True)
        }
        return {name: found[name] for name in self._order}

    def apart(
        self, want: "Rows", first: int, last: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Max |got − want| and max |want| in these rows (step, tensor)."""
        pairs = zip(self.parts, want.parts, strict=True)
        found = [got.apart(other, first, last) for got, other in pairs]
        gaps, sizes = zip(*found, strict=True)
        return np.concatenate(gaps, axis=1), np.concatenate(sizes, axis=1)


class Part:
    """The tensors of one dtype, one after the other in each row."""

    def __init__(self, sizes: list[int], dtype: np.dtype[Any], count: int) -> None:
        self.ends = np.cumsum(sizes, dtype=np.intp)
        self.starts = self.ends - np.array(sizes, np.intp)
        self.filled = np.flatnonzero(sizes)
        self.flat = np.empty((count, int(self.ends[-1])), dtype)
        self.room = np.empty_like(self.flat[0])

    def views(self, place: int) -> Iterator[np.ndarray]:
        """Each tensor of a row, flat."""
        row = self.flat[place]
        return (row[a:b] for a, b in zip(self.starts, self.ends, strict=True))

    def apart(
        self, want: "Part", first: int, last: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Max |got − want| and max |want| of each tensor in these rows."""
        found = np.zeros((2, last - first, len(self.ends)))
        if not len(self.filled):
            return found[0], found[1]
        starts, room = self.starts[self.filled], self.room
        for row, (got, other) in enumerate(
            zip(self.flat[first:last], want.flat[first:last], strict=True)
        ):
            np.abs(np.subtract(got, other, out=room), out=room)
            found[0, row, self.filled] = np.maximum.reduceat(room, starts)
            np.abs(other, out=room)
            found[1, row, self.filled] = np.maximum.reduceat(room, starts)
        return found[0], found[1]


class Notes:
    """What one learner had after each step of the stretch that it walks.

    Args:
        learner: whose numbers are noted down.
    """

    def __init__(self, learner: Any) -> None:
        self.learner = learner
        self.losses: list[float] = []
        self.rates: list[list[float]] = []
        self.rows: list[Rows] = []
        self.numbers = 0
        self._form: Any = None
        self._quick = _has_optimizers(learner)
        self._counts = True

    def begin(self, count: int) -> None:
        """Forget the last stretch; the next has at most `count` steps."""
        self._count = count
        self.losses, self.rates, self.rows = [], [], []

    def expect(self) -> None:
        """Note down what the step to come begins with."""
        self.rates.append(rates(self.learner))

    def take(self, loss: float) -> None:
        """Note down what the step has left."""
        keys, values = self._read(loss)
        arrays = [v if type(v) is np.ndarray else to_numpy(v) for v in values]
        form = keys, [(a.shape, a.dtype) for a in arrays]
        if form != self._form:
            self._form, self._rows = form, None
            if self._quick and not self._is_whole(keys[-1]):
                self._quick = self._form = False
                return self.take(loss)
        if self._rows is None or self._rows.count < self._count:
            self.numbers = sum(a.size for a in arrays)
            count = max(self._count, room(self.numbers))
            self._rows = _rows(keys, arrays, count)
        self._rows.put(len(self.rows), arrays)
        self.rows.append(self._rows)
        self.losses.append(loss)
        return None

    def left(self, place: int) -> Found:
        """The tensors after a step of the stretch, and what was remembered."""
        rows = self.rows[place]
        found = rows.tensors(place)
        return found, {name: found.pop(name) for name in rows.memory}

    def parameters(self, place: int) -> Tensors:
        """The parameters after a step of the stretch."""
        found = self.rows[place].tensors(place).items()
        return {n.removeprefix(KIND): a for n, a in found if n.startswith(KIND)}

    def _read(self, loss: float) -> tuple[tuple[tuple[Any, ...], ...], list[Any]]:
        """The keys of all tensors, by kind, and their values."""
        learner = self.learner
        kinds = (
            {"loss": loss} | schedule(learner),
            learner.gradients(),
            learner.parameters(),
            _quick_memory(learner, self._counts) if self._quick else memory(learner),
        )
        keys = tuple(map(tuple, kinds))
        return keys, [value for kind in kinds for value in kind.values()]

    def _is_whole(self, keys: tuple[Any, ...]) -> bool:
        """Whether nothing is missed by asking the optimisers themselves."""
        names = memory(self.learner).keys()
        self._counts = any(name.startswith("count ") for name in names)
        return {_memory_name(key) for key in keys} == names


def _rows(
    keys: tuple[tuple[Any, ...], ...], arrays: list[np.ndarray], count: int
) -> Rows:
    """Room for these tensors."""
    *others, remembers = keys
    names = [
        f"{kind}{key}"
        for kind, found in zip(("", "gradient ", "parameter "), others, strict=True)
        for key in found
    ]
    remembers = [_memory_name(key) for key in remembers]
    return Rows(names + remembers, arrays, remembers, count)


def _memory_name(key: Any) -> str:
    return key if isinstance(key, str) else memory_name(*key)


def _has_optimizers(learner: Any) -> bool:
    """Whether the learner's optimisers can be asked for their state."""
    return all(
        hasattr(optimizer, "state") and hasattr(optimizer, "param_groups")
        for optimizer in _optimizers(learner)
    )


def _optimizers(learner: Any) -> Any:
    single = getattr(learner, "optimizer", None)
    return getattr(learner, "optimizers", () if single is None else (single,))


def _quick_memory(learner: Any, counts: bool) -> dict[Any, Any]:
    """The same as `memory`, by shorter keys and without making a whole state."""
    found: dict[Any, Any] = dict(_counts(learner)) if counts else {}
    for i, optimizer in enumerate(_optimizers(learner)):
        number = 0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                values = optimizer.state.get(parameter, {})
                for name, value in remembered(values):
                    found[i, number, name] = value
                number += 1
    return found


def _counts(learner: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The whole numbers that a model keeps count in."""
    for name, count in _buffers(learner):
        values = to_numpy(count)
        if values.dtype.kind in "iu":
            yield f"count {name}", np.asarray(values, float)


def _buffers(learner: Any) -> Any:
    model: Any = getattr(learner, "model", None)
    return model.named_buffers() if hasattr(model, "named_buffers") else ()
