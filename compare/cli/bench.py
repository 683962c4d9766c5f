"""`bench`: time one training step, side by side."""

from enum import StrEnum

from typer import Argument, Option

from compare.cli._console import out, refusal, usage_errors
from compare.cli._options import TF32, THREADS, Device, DType

Clock = StrEnum("Clock", {"wall": "wall", "cpu": "cpu"})


def bench(
    workloads: list[str] | None = Argument(
        None, help="Such as or, digits, cnn (default: all)."
    ),
    threads: int = THREADS,
    dtype: DType = Option(DType.float32, help="Floating-point type."),
    rounds: int = Option(25, help="Measurement rounds."),
    clock: Clock = Option(
        Clock.wall, help="cpu: this process's CPU time, for a busy machine."
    ),
    device: Device = Option(Device.cpu, help="cuda: timed by the device's own events."),
    tf32: bool = TF32,
    compiled: bool = Option(
        True, help="Time compiled steps, too; compiling takes seconds."
    ),
) -> None:
    """Time a training step by hand, in torch and other libraries.

    The last column is the most memory held during a step, in kB.

    The extra `bench` installs JAX and micrograd. Exit 1: two implementations do not
    compute the same; then nothing is timed. Exit 2: usage error.
    """
    with usage_errors():
        from compare.bench import IMPLEMENTATIONS, Disagreement, Options, table
        from compare.bench import bench as rows

        options = Options(threads, dtype.value, rounds, clock.value, device.value, tf32)
        implementations = {
            name: implementation
            for name, implementation in IMPLEMENTATIONS[options.device].items()
            if compiled or not implementation.compiled
        }
        measured = rows(workloads or [], options, implementations)
    try:
        for row in measured:
            out.print(table(row, implementations))
    except Disagreement as error:
        raise refusal(str(error), status=1) from None
