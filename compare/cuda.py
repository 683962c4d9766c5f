"""What is about CUDA devices alone: their own clock, and how exactly they multiply."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Within it, float32 products and convolutions are, or are not, rounded to TF32.

    Torch's own default allows it in convolutions. What was set before comes back.
    """
    held = [(place, name, getattr(place, name)) for place, name in _switches()]
    try:
        for place, name, _ in held:
            setattr(place, name, _position(name, allowed))
        yield
    finally:
        for place, name, before in held:
            setattr(place, name, before)


def _switches() -> list[tuple[Any, str]]:
    """Where torch keeps the setting; from 2.9 on nobody may ask in the old way."""
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cudnn, "conv"):
        return [(products, "fp32_precision"), (cudnn.conv, "fp32_precision")]
    return [(products, "allow_tf32"), (cudnn, "allow_tf32")]


def _position(name: str, allowed: bool) -> bool | str:
    if name == "allow_tf32":
        return allowed
    return "tf32" if allowed else "ieee"


def clock() -> Callable[[], float]:
    """A clock of the device: a function that gives its seconds since now.

    Each call waits until the device has done all that it was given before, and is told
    by an event when that was, so that the host's own time does not count. Events tell
    the time between two of them in float32, so it is added up from call to call.
    """
    last, passed = _event(), 0.0

    def now() -> float:
        nonlocal last, passed
        event = _event()
        event.synchronize()
        passed += last.elapsed_time(event) / 1e3
        last = event
        return passed

    return now


def _event() -> torch.cuda.Event:
    """An event that the device meets after all that it was given before."""
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def seconds(work: Callable[[], object], count: int = 1) -> float:
    """Seconds of the device that one of `count` calls takes, by events around them all.

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    now = clock()
    began = now()
    for _ in range(count):
        work()
    return (now() - began) / count
