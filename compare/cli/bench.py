"""`bench`: how long a training step takes, side by side."""

from pathlib import Path
from typing import Annotated, Any

import typer

from compare.cli._options import DType
from compare.cli._shared import err, out, usage_errors

DOCS = Path("docs")


def bench(
    works: Annotated[
        list[str] | None, typer.Argument(help="Such as or, digits, cnn; else all.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Of every library.")] = 1,
    dtype: Annotated[DType, typer.Option(help="What is computed in.")] = DType.float32,
    rounds: Annotated[int, typer.Option(help="How often each has its turn.")] = 25,
    write: Annotated[
        bool, typer.Option("--write", help="All works, to docs/benchmarks.md.")
    ] = False,
) -> None:
    """Time one training step by hand, by autograd and by others, on the same numbers.

    What is installed by the extra `bench` takes part. Exit 1: two of them do not come
    to the same numbers; nothing is timed then. Exit 2: usage error.
    """
    with usage_errors():
        from compare.bench import COLUMNS, bench, report

        if write and works:
            raise ValueError("--write writes the page of all works; name none")
        if write and not DOCS.is_dir():
            raise ValueError(f"--write needs the folder {DOCS} where you stand")
        settings = {"threads": threads, "dtype": dtype.value, "rounds": rounds}
        measured = bench(works or [], threads=threads, dtype=dtype.value, rounds=rounds)
    rows = _measured(measured)
    if write:
        with usage_errors(OSError):
            page = report.write(DOCS, rows, COLUMNS, settings)
            out.print(f"written: {page}", markup=False)


def _measured(measured: Any) -> list[Any]:
    """Every row, printed as soon as it is there."""
    from compare.bench import COLUMNS, Disagreement, report

    rows: list[Any] = []
    try:
        for row in measured:
            out.print(report.table([row], COLUMNS))
            rows.append(row)
    except Disagreement as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    return rows
