"""`bench`: time one training step, side by side."""

from enum import StrEnum
from typing import Annotated

from typer import Argument, Option

from compare.cli._console import out, refusal, usage_errors
from compare.cli._options import TF32, Device, DType, DTypes, Threads

Clock = StrEnum("Clock", {"wall": "wall", "cpu": "cpu"})


def bench(
    workloads: Annotated[
        list[str] | None, Argument(help="Such as or, digits, cnn (default: all).")
    ] = None,
    threads: Threads = 1,
    dtype: DType = DTypes.float32,
    rounds: Annotated[int, Option(help="Measurement rounds.")] = 25,
    clock: Annotated[
        Clock, Option(help="cpu: this process's CPU time, for a busy machine.")
    ] = Clock.wall,
    device: Annotated[
        Device, Option(help="cuda: timed by the device's own events.")
    ] = Device.cpu,
    tf32: TF32 = False,
) -> None:
    """Time one training step by hand, in PyTorch and in other libraries.

    The extra `bench` installs JAX and micrograd. Exit 1: two implementations do not
    compute the same; then nothing is timed. Exit 2: usage error.
    """
    with usage_errors():
        from compare.bench import IMPLEMENTATIONS, Disagreement, Options, report
        from compare.bench import bench as rows

        options = Options(threads, dtype.value, rounds, clock.value, device.value, tf32)
        measured = rows(workloads or [], options)
    try:
        for row in measured:
            out.print(report.table([row], IMPLEMENTATIONS[options.device]))
    except Disagreement as error:
        raise refusal(str(error), status=1) from None
