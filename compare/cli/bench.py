"""`bench`: how long a training step takes, side by side."""

from pathlib import Path
from typing import Annotated, Any

import typer

from compare.cli._console import err, out, usage_errors
from compare.cli._options import Clock, Device, DType

DOCS = Path("docs")


def bench(
    works: Annotated[
        list[str] | None, typer.Argument(help="Such as or, digits, cnn; else all.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Of every library.")] = 1,
    dtype: Annotated[DType, typer.Option(help="What is computed in.")] = DType.float32,
    rounds: Annotated[
        int | None, typer.Option(help="How often each has its turn; else 25, or 5.")
    ] = None,
    clock: Annotated[
        Clock, typer.Option(help="cpu: time that this process got, on a busy machine.")
    ] = Clock.wall,
    device: Annotated[
        Device, typer.Option(help="cuda: by its own clock, in fewer ways.")
    ] = Device.cpu,
    tf32: Annotated[
        bool, typer.Option(help="Let cuda round float32 to TF32 in products.")
    ] = False,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Width, depth and batch grow instead.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Where the hand-written step's time goes.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="All, to a page and a picture in docs.")
    ] = False,
) -> None:
    """Time one training step by hand, by autograd and by others, on the same numbers.

    What is installed by the extra `bench` takes part. `--write` makes
    docs/benchmarks.md, with `--device cuda` docs/benchmarks-cuda.md, with `--scaling`
    docs/benchmarks-scaling.md, with `--profile` docs/benchmarks-profile.md. Exit 1:
    two of them do not come to the same numbers; nothing is timed then. Exit 2: usage
    error.
    """
    with usage_errors():
        from compare.bench import How

        if write and works:
            raise ValueError("--write writes the page of all works; name none")
        if write and not DOCS.is_dir():
            raise ValueError(f"--write needs the folder {DOCS} where you stand")
        if scaling and (works or device is Device.cuda):
            raise ValueError("--scaling has works of its own, on the cpu; name none")
        if profile and (scaling or device is Device.cuda):
            raise ValueError("--profile goes with neither --scaling nor cuda")
        if rounds is None:
            rounds = SCALING_ROUNDS if scaling else ROUNDS
        how = How(threads, dtype.value, rounds, clock.value, device.value, tf32)
    measure = _scaling if scaling else _profile if profile else _works
    measure(works or [], how, write)


ROUNDS, SCALING_ROUNDS = 25, 5
"""What stands for --rounds where nothing is said."""


def _works(names: list[str], how: Any, write: bool) -> None:
    """Every work's table, and the page of all of them."""
    from compare.bench import bench, columns_on, report

    columns = columns_on(how.device)
    with usage_errors():
        measured = bench(names, how, columns)
    rows = _printed(measured, lambda row: report.table([row], columns))
    if write:
        with usage_errors(OSError):
            _written(report.write(DOCS, rows, columns, how))


def _scaling(_: list[str], how: Any, write: bool) -> None:
    """Every sweep's table, and the page of all of them."""
    from compare.bench import scaling, scaling_report

    peaks = scaling.peaks(how)
    out.print(scaling_report.peak_words(peaks), markup=False)
    found = _printed(scaling.scaling(how), lambda s: scaling_report.table(s, peaks))
    out.print("\n".join(scaling_report.law_words(found)), markup=False)
    if write:
        with usage_errors(OSError):
            _written(scaling_report.write(DOCS, found, peaks, how))


def _profile(names: list[str], how: Any, write: bool) -> None:
    """Every work's profile, and the page of all of them."""
    from compare.bench import profile

    with usage_errors():
        measured = profile.profiles(names, how)
    found = _printed(measured, profile.table)
    if write:
        with usage_errors(OSError):
            _written(profile.write(DOCS, found, how))


def _written(page: Path) -> None:
    out.print(f"written: {page}", markup=False)


def _printed(measured: Any, table: Any) -> list[Any]:
    """All that is measured, printed as soon as it is there."""
    from compare.bench import Disagreement

    found: list[Any] = []
    try:
        for one in measured:
            out.print(table(one))
            found.append(one)
    except Disagreement as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    return found
