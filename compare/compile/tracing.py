"""What a compiler needs in the place of some functions of `handmade`.

While a step is traced its arrays stand for numbers that nobody knows yet: no value can
be looked at, and for torch's compiler a write into a part of an array copies it whole.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import Any, NoReturn
from unittest import mock

import numpy as np
import torch
from torch.nn.functional import pad

from handmade import _array, _random
from handmade.nn import _im2col
from handmade.optim import optimizer

Function = Callable[..., Any]


@contextmanager
def tracing(*, functional: bool = False) -> Iterator[None]:
    """Within this, a step of `handmade` looks at no value.

    Shapes and dtypes are checked as ever. With `functional` col2im writes into nothing.
    """
    instead: dict[Function, Function] = {
        _array.holds: unknown,
        _random._drawing: _no_draw,
        optimizer.is_nonzero: _is_nonzero,
        optimizer._unwrapped: _unwrapped,
    }
    if functional:
        instead[_im2col.col2im] = col2im
    with replaced(instead):
        yield


@contextmanager
def replaced(instead: Mapping[Function, Function]) -> Iterator[None]:
    """Within this, other functions stand in the place of some of `handmade`."""
    modules = [m for name, m in sys.modules.items() if name.startswith("handmade")]
    with ExitStack() as patches:
        for original, other in instead.items():
            name = original.__name__
            for module in modules:
                if vars(module).get(name) is original:
                    patches.enter_context(mock.patch.object(module, name, other))
        yield


def unknown(condition: Any) -> bool:
    """`_array.holds`: no condition is known to hold."""
    return False


def _no_draw() -> NoReturn:
    raise RuntimeError(
        "a step that draws random numbers, as dropout does, cannot be compiled"
    )


def _is_nonzero(number: Any) -> bool:
    """What a schedule changes, an array here, is never 0: see `Buffers`."""
    return hasattr(number, "shape") or bool(number)


def _unwrapped(value: Any) -> Any:
    """Python numbers for NumPy's; what stands for a number stays."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_unwrapped, value))
    return value.item() if isinstance(value, np.generic) else value


def col2im(
    columns: Any, windows: Any, axis: int, sizes: tuple[int, ...], like: Any = None
) -> torch.Tensor:
    """`_im2col.col2im` as one sum, of which a compiler makes one loop."""
    positions = product(*map(range, windows.kernel))
    return sum(
        _spread(column, windows, axis, sizes, position)
        for position, column in zip(positions, columns, strict=True)
    )  # pyright: ignore[reportReturnType]


def _spread(
    column: torch.Tensor, windows: Any, axis: int, sizes: Any, position: Any
) -> torch.Tensor:
    """The numbers of a column where they belong in x, and 0 elsewhere."""
    each = zip(sizes, position, *windows[1:4], strict=True)
    for i, (size, k, stride, padding, dilation) in enumerate(each, start=axis):
        zeros = [torch.zeros_like(column)] * (stride - 1)
        column = torch.stack([column, *zeros], dim=i + 1).flatten(i, i + 1)
        first = dilation * k - padding
        inside = slice(max(0, -first), max(0, size - first))
        column = column[(slice(None),) * i + (inside,)]
        before = min(max(0, first), size)
        ends = [before, size - before - column.shape[i]]
        column = pad(column, [0] * 2 * (column.ndim - 1 - i) + ends)
    return column
