"""`bench`: time one training step, side by side."""

from typing import Annotated

import typer

from compare.cli._console import err, out, usage_errors
from compare.cli._options import Clock, Device, DType


def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(help="Such as or, digits, cnn (default: all)."),
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads for each library.")] = 1,
    dtype: Annotated[DType, typer.Option(help="Floating-point type.")] = DType.float32,
    rounds: Annotated[int, typer.Option(help="Measurement rounds.")] = 25,
    clock: Annotated[
        Clock, typer.Option(help="cpu: this process's CPU time, for a busy machine.")
    ] = Clock.wall,
    device: Annotated[
        Device, typer.Option(help="cuda: timed by the device's own events.")
    ] = Device.cpu,
    tf32: Annotated[
        bool, typer.Option(help="Allow TF32 matrix multiplication.")
    ] = False,
) -> None:
    """Time one training step by hand, in PyTorch and in other libraries.

    The extra `bench` installs JAX and micrograd. Exit 1: two implementations do not
    compute the same; then nothing is timed. Exit 2: usage error.
    """
    with usage_errors():
        from compare.bench import IMPLEMENTATIONS, Disagreement, Options, table
        from compare.bench import bench as rows

        options = Options(threads, dtype.value, rounds, clock.value, device.value, tf32)
        measured = rows(workloads or [], options)
    try:
        for row in measured:
            out.print(table(row, IMPLEMENTATIONS[options.device]))
    except Disagreement as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
