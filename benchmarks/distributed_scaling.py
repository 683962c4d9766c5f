"""Measures data-parallel steps on 1 and 2 processes, and predicts them for many.

python -m benchmarks.distributed_scaling docs/scaling.md
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import distributed as dist

import handmade
import torch_ref
from benchmarks.cost_model import (
    Link,
    Pace,
    fitted,
    flops_of,
    in_nodes,
    parameters_of,
    ring,
)
from compare.distributed import ranks

ROUNDS = 15
TURN = 0.02
"""Seconds of a turn, about."""
NETS = {
    "64-128-10": ((64, 128, 10), 64),
    "784-512-256-10": ((784, 512, 256, 10), 256),
}
"""Layer sizes and batch size."""
LENGTHS = (2**10, 2**12, 2**14, 2**16, 2**18, 2**20)
"""Lengths of the float32 arrays that measure the link."""
FLOAT = 4
SHARES = (4, 2, 1, 0.5)
"""The batch is divided by these to measure the pace of one rank."""

H100 = Pace(0.4 * 989e12)
NVLINK = Link(0.8 * 450e9, 3e-6)
INFINIBAND = Link(0.8 * 50e9, 10e-6)
NODE = 8
BF16 = 2
GPUS = (8, 16, 32, 64, 128, 256, 512, 1024)


def main(out: str) -> None:
    """Measure, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        found = {size: _launched(size, Path(folder)) for size in (1, 2)}
    Path(out).write_text(page(found[1], found[2]), encoding="utf-8")


def _launched(size: int, folder: Path) -> dict[str, Any]:
    """What `size` ranks measure."""
    out = folder / f"{size}.json"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(size), "-m", "benchmarks.distributed_scaling"]
    command += ["--measure", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment)
    return json.loads(out.read_text(encoding="utf-8"))


# On each rank


def measure(out: str) -> None:
    """Time everything on this rank; rank 0 writes the medians."""
    torch.set_num_threads(1)
    with ranks("cpu") as communicator:
        found = {
            name: _rounds(_steps(sizes, batch, communicator))
            for name, (sizes, batch) in NETS.items()
        }
        found["link"] = _rounds(
            {str(FLOAT * n): _all_reduce(n, communicator) for n in LENGTHS}
        )
        if communicator.rank == 0:
            Path(out).write_text(json.dumps(found), encoding="utf-8")


def _steps(
    sizes: tuple[int, ...], batch: int, communicator: Any
) -> dict[str, Callable[[], Any]]:
    """The step of each library, shared with the other ranks and alone, by name."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(4 * batch, sizes[0])), dtype=torch.float32)
    target = torch.tensor(rng.integers(0, sizes[-1], 4 * batch))
    found: dict[str, Callable[[], Any]] = {}
    for library in (handmade, torch_ref):
        name = library.__name__
        shared = _learner(library, sizes, "distributed", communicator=communicator)
        found[f"{name} shared"] = _step(shared, x[:batch], target[:batch])
        alone = _learner(library, sizes, "training")
        for share in SHARES:
            n = int(batch / share)
            found[f"{name} {n}"] = _step(alone, x[:n], target[:n])
    found["all-reduce"] = _all_reduce(parameters_of(sizes) + 1, communicator)
    return found


def _learner(library: Any, sizes: tuple[int, ...], kind: str, **more: Any) -> Any:
    """A net of these sizes with ReLU, cross-entropy and plain SGD, in float32."""
    library.manual_seed(0)
    nn = library.nn
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    classes = {"training": "GradientLearner", "distributed": "DataParallelLearner"}
    make = getattr(getattr(library, kind), classes[kind])
    return make(
        nn.Sequential(*layers[:-1]),
        nn.CrossEntropyLoss(),
        lambda parameters: library.optim.SGD(parameters, lr=1e-3),
        **more,
    ).to(torch.zeros(1))


def _step(learner: Any, x: Any, target: Any) -> Callable[[], Any]:
    return lambda: learner.step(x, target)


def _all_reduce(length: int, communicator: Any) -> Callable[[], Any]:
    array = torch.zeros(length)
    return lambda: communicator.all_reduce(array)


def _rounds(steps: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each; all ranks start each turn together."""
    counts = {name: _count(step) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            dist.barrier()
            times[name].append(_timed(step, counts[name]))
    return {name: float(np.median(found)) for name, found in times.items()}


def _count(step: Callable[[], Any]) -> int:
    """How many steps fill a turn; rank 0 decides for all."""
    _timed(step, 3)
    count = torch.tensor(int(np.clip(TURN / _timed(step, 3), 1, 1000)))
    dist.broadcast(count, 0)
    return int(count)


def _timed(step: Callable[[], Any], count: int) -> float:
    """Seconds per step."""
    began = perf_counter()
    for _ in range(count):
        step()
    return (perf_counter() - began) / count


# The page


def page(one: dict[str, Any], two: dict[str, Any]) -> str:
    """The whole page from what 1 and 2 ranks measured."""
    start, slope = fitted([float(n) for n in two["link"]], [*two["link"].values()])
    link = Link(1 / slope, start / 2)
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, torch {torch.__version__}, one thread a rank, "
        f"float32, {date.today().isoformat()}, load average {os.getloadavg()[0]:.1f}"
    )
    return PAGE.format(
        machine=machine,
        rounds=ROUNDS,
        latency=f"{link.latency * 1e6:.0f}",
        bandwidth=f"{link.bandwidth / 1e9:.2f}",
        links=_rows(_links(two["link"], link)),
        paces=_rows(_paces(one)),
        local=_rows(_local(one, two, link)),
        rate=f"{H100.rate / 1e12:.0f}",
        inner=f"{NVLINK.bandwidth / 1e9:.0f}",
        outer=f"{INFINIBAND.bandwidth / 1e9:.0f}",
        inner_latency=f"{NVLINK.latency * 1e6:.0f}",
        outer_latency=f"{INFINIBAND.latency * 1e6:.0f}",
        node=NODE,
        predictions="\n".join(_prediction(*net) for net in LARGE_NETS),
    )


def _rows(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _links(measured: dict[str, float], link: Link) -> list[list[str]]:
    """For each length: the fitted link and the measurement."""
    return [
        [
            f"{int(n) / 1e3:,.1f}",
            f"{ring(int(n), 2, link) * 1e6:,.0f}",
            f"{seconds * 1e6:,.0f}",
        ]
        for n, seconds in measured.items()
    ]


def _pace(one: dict[str, Any], net: str, library: str) -> Pace:
    """The pace of a rank alone, fitted over several batches."""
    sizes, batch = NETS[net]
    batches = [int(batch / share) for share in SHARES]
    seconds = [one[net][f"{library} {n}"] for n in batches]
    start, slope = fitted([flops_of(sizes, n) for n in batches], seconds)
    return Pace(1 / slope, start)


def _paces(one: dict[str, Any]) -> list[list[str]]:
    rows: list[list[str]] = []
    for net in NETS:
        for library in ("handmade", "torch_ref"):
            pace = _pace(one, net, library)
            rows.append(
                [
                    f"{net}, {library}",
                    f"{pace.overhead * 1e6:.0f}",
                    f"{pace.rate / 1e9:.0f}",
                ]
            )
    return rows


def _local(one: dict[str, Any], two: dict[str, Any], link: Link) -> list[list[str]]:
    """Model and measurement of a whole step, on 1 and 2 ranks."""
    rows: list[list[str]] = []
    for net, (sizes, batch) in NETS.items():
        size = FLOAT * (parameters_of(sizes) + 1)
        for count, found in ((1, one), (2, two)):
            own = found[net]
            row = [net, str(count)]
            for library in ("handmade", "torch_ref"):
                compute = _pace(one, net, library).seconds(
                    flops_of(sizes, batch // count)
                )
                model = compute + ring(size, count, link)
                together = own[f"{library} {batch // count}"]
                seconds = own[f"{library} shared"]
                row += [f"{t * 1e6:,.0f}" for t in (model, together, seconds)]
            ratio = own["torch_ref shared"] / own["handmade shared"]
            rows.append([*row, f"{own['all-reduce'] * 1e6:,.0f}", f"{ratio:.2f}"])
    return rows


LARGE_NETS = (
    (
        "784-512-256-10, a batch of 256 in all",
        flops_of((784, 512, 256, 10), 256),
        parameters_of((784, 512, 256, 10)),
        False,
    ),
    (
        "8192-8192-8192, a batch of 8192 on each GPU",
        flops_of((8192, 8192, 8192), 8192),
        parameters_of((8192, 8192, 8192)),
        True,
    ),
    (
        "7·10⁹ parameters, 4·10⁶ tokens in all, 6 FLOP a token and parameter",
        6 * 7_000_000_000 * 4_000_000,
        7_000_000_000,
        False,
    ),
)
"""Description, FLOPs, parameters, and whether the batch grows with the ranks."""


def _prediction(words: str, flops: int, parameters: int, grows: bool) -> str:
    """The table of one net on many GPUs."""
    rows: list[list[str]] = []
    for count in GPUS:
        compute = H100.seconds(flops if grows else flops / count)
        between = in_nodes(BF16 * parameters, count, NODE, NVLINK, INFINIBAND)
        after, beside = compute + between, max(compute, between)
        shown = [_short(t) for t in (compute, between, after, beside)]
        shares = [f"{compute / t:.0%}" for t in (after, beside)]
        rows.append([str(count), *shown, *shares])
    return PREDICTION.format(words=words, rows=_rows(rows))


def _short(seconds: float) -> str:
    """Seconds with three digits, in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


PREDICTION = """\
### {words}

| GPUs | compute | all-reduce | one after the other | at once | of it compute | at once |
|---|---|---|---|---|---|---|
{rows}
"""  # noqa: E501

PAGE = """\
# Data parallel: what it costs

Written by `python -m benchmarks.distributed_scaling docs/scaling.md`. Every rank learns
from its share of each batch; the gradients of all ranks are averaged, and all take the
same step. By hand
that is one flat all-reduce after the backward pass (`handmade/distributed.py`), in torch
`DistributedDataParallel`, which sends gradients off in buckets during it.

## The model

A step on p ranks takes

    t(p) = t₀ + F / (p · R) + 2 (p − 1)/p · b / B + 2 (p − 1) · λ

- t₀: what a step costs however small it is (Python, dispatch), R: FLOP a second;
- F = 6 · N · Σ in · out: FLOPs of a batch of N, three matrix products a layer;
- b: bytes of all gradients and the loss, 4 (P + 1) for P parameters in float32;
- B: bytes a second from rank to rank, λ: the latency of a message. A ring sends
  2 (p − 1)/p · b bytes in 2 (p − 1) messages; no all-reduce sends less.

t₀ and the all-reduce do not shrink with p, so a small net gets slower by sharing it.
DDP hides the all-reduce behind the backward pass where there is something to hide behind:
then the larger of the two counts instead of their sum. The work of packing gradients and
handing them over stands in neither formula; it shows where one rank shares with nobody.

## Checked on 1 and 2 local ranks

{machine}; gloo over the
loopback interface; medians of {rounds} interleaved rounds. A
load average above the number of ranks means that other programs took part of the cores:
then only numbers that stand side by side can be compared.

The link, by all-reduces of other lengths than the nets': λ = {latency} µs,
B = {bandwidth} GB/s.

| kB | model, µs | measured, µs |
|---|---|---|
{links}

The pace of one rank alone, by steps on a quarter of the batch to twice of it:

| | t₀, µs | R, GFLOP/s |
|---|---|---|
{paces}

A whole step in µs: *model* is the formula with the numbers above; *alone* is a step on
the rank's own share without any all-reduce, while the other rank does the same;
*measured* is the shared step.

| net | ranks | by hand: model | alone | measured | DDP: model | alone | measured | all-reduce alone | DDP / by hand |
|---|---|---|---|---|---|---|---|---|---|
{local}

## Predicted: 8 to 1024 GPUs

Nothing here was measured. Assumed:

- **Compute**: NVIDIA H100 SXM, 989 · 10¹² FLOP/s in bf16 without sparsity (data sheet),
  40 % of which a step reaches: {rate} TFLOP/s; t₀ = 0, as under a CUDA graph. A small
  part of a batch reaches far less than 40 %, so the first table flatters.
- **Within a node** of {node}: NVLink 4, 450 GB/s in each direction (data sheet: 900 in
  both), 80 % of it reached: {inner} GB/s; {inner_latency} µs a message.
- **Between nodes**: one InfiniBand NDR port of 400 Gbit/s for each GPU, 80 % reached:
  {outer} GB/s; {outer_latency} µs a message.
- **All-reduce**: a reduce-scatter within each node, an all-reduce of each part between
  the nodes (in a tree, 2 log₂ n messages), an all-gather within; gradients in bf16,
  2 bytes each.
- **At once** is the best that overlapping can do, the larger of the two times.
- All ranks are equally fast, nothing fails, and data are there when they are needed.
  The weights, gradients and the optimizer's state of the whole net fit on each GPU; for
  the largest net here that needs sharding, which moves half as many bytes again.

{predictions}
"""  # noqa: E501


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(sys.argv[2])
    else:
        main(sys.argv[1])
