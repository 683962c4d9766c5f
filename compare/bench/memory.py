"""The peak memory of a training step."""

import gc
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import torch

from compare.bench.workloads import TrainingStep

WARM_UP_STEPS = 3  # after them gradients and optimizer states are there


def peak_memory(prepare: Callable[[], TrainingStep], device: str) -> int:
    """The most bytes held during a step, with the weights and the batch.

    All that `prepare` and the steps allocate counts. On the CPU these are torch's
    tensors, NumPy's arrays and Python's objects, but not what a library keeps to
    itself: JAX's arrays, oneDNN's buffers, autograd's graph.
    """
    gc.collect()
    return (_on_cuda if device == "cuda" else _on_cpu)(prepare)


def _on_cuda(prepare: Callable[[], TrainingStep]) -> int:
    before = torch.cuda.memory_allocated()
    step = _warm(prepare)
    torch.cuda.reset_peak_memory_stats()
    step.take()
    return torch.cuda.max_memory_allocated() - before


def _on_cpu(prepare: Callable[[], TrainingStep]) -> int:
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else the profiler prints
    profile: Any = torch.autograd.profiler.profile(profile_memory=True)
    with profile:
        tracemalloc.start()
        try:
            step = _warm(prepare)
            tracemalloc.reset_peak()
            with torch.autograd.profiler.record_function("measured"):
                step.take()
            _, objects = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    return objects + _peak_of_tensors(profile.kineto_results)


def _peak_of_tensors(results: Any) -> int:
    """The most bytes that torch's allocator held from the event "measured" on."""
    events = sorted(results.events(), key=lambda event: event.start_ns())
    start = next(e.start_ns() for e in events if e.name() == "measured")
    held = peak = 0
    for event in events:
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = held if event.start_ns() < start else max(peak, held)
    return peak


def _warm(prepare: Callable[[], TrainingStep]) -> TrainingStep:
    step = prepare()
    for _ in range(WARM_UP_STEPS):
        step.take()
    return step
