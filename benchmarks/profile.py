"""Measures where the time of a hand-written step goes: each function's own share.

python -m benchmarks.profile [WORKLOADS] [--dtype float32] [--write]

`--write` profiles all workloads and writes docs/benchmarks-profile.md.
"""

import cProfile
import pstats
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import page
from compare.bench import IMPLEMENTATIONS, Options
from compare.bench.timing import Step
from compare.bench.workloads import WORKLOADS, Workload, find

PAGE = "benchmarks-profile.md"
SHOWN = 12
"""Functions with a line of their own."""
STEPS, SECONDS = 5, 0.2
"""Steps are taken in groups of so many, for so long."""


@dataclass(frozen=True)
class Profile:
    """The profile of a step.

    Args:
        workload: the net.
        shares: of the time, by function, the largest first. The time of an operator
            such as @ counts for the function that uses it.
        calls: function calls per step.
    """

    workload: Workload
    shares: dict[str, float]
    calls: float


def main(
    workloads: Annotated[list[str] | None, typer.Argument()] = None,
    threads: int = 1,
    dtype: str = "float32",
    write: bool = False,
) -> None:
    """Profile, print, and write the page if asked for."""
    options = Options(threads, dtype)
    known = WORKLOADS["cpu"]
    chosen = [*known.values()] if write or not workloads else map(find, workloads)
    found: list[Profile] = []
    for workload in chosen:
        found.append(profile(workload, options))
        Console().print(table(found[-1]))
    if write:
        text = markdown(found, options, date.today())
        page.write(page.DOCS / PAGE, text)


def profile(workload: Workload, options: Options) -> Profile:
    """Profile the hand-written step on NumPy arrays."""
    with options.applied():
        prepare = IMPLEMENTATIONS["cpu"]["numpy"].prepare
        step = prepare(workload, options.dtype).take
        return profiled(workload, step, SECONDS)


def profiled(workload: Workload, step: Step, seconds: float) -> Profile:
    """The profile of a step that is repeated for about so long."""
    for _ in range(STEPS):
        step()
    profiler, steps = cProfile.Profile(), 0
    while steps == 0 or _total(profiler) < seconds:
        profiler.enable()
        for _ in range(STEPS):
            step()
        profiler.disable()
        steps += STEPS
    own: dict[str, float] = {}
    calls = 0
    for place, (_, count, own_seconds, *_) in _functions(profiler):
        calls += count
        own[_name(place)] = own.get(_name(place), 0.0) + own_seconds
    total = sum(own.values())
    largest = sorted(own, key=lambda name: -own[name])
    shares = {name: own[name] / total for name in largest}
    return Profile(workload, shares, calls / steps)


def _functions(profiler: cProfile.Profile) -> Iterator[Any]:
    """Each function and its numbers, without the profiler itself."""
    stats: Any = pstats.Stats(profiler)
    return (item for item in stats.stats.items() if "_lsprof" not in item[0][2])


def _total(profiler: cProfile.Profile) -> float:
    return pstats.Stats(profiler).total_tt  # pyright: ignore


def _name(place: tuple[str, int, str]) -> str:
    """A function with its file in its package; a builtin by its own name."""
    path, _, name = place
    parts = Path(path).parts
    for package in ("handmade", "array_api_compat", "numpy", "compare"):
        if package in parts:
            last = len(parts) - 1 - parts[::-1].index(package)
            return f"{'/'.join(parts[last:])}: {name}"
    return name.strip("<>{}").removeprefix("built-in method ")


def _lines(profile: Profile) -> list[tuple[str, str]]:
    """The functions with the largest shares, and the sum of all others."""
    largest = list(profile.shares.items())[:SHOWN]
    others = 1 - sum(share for _, share in largest)
    return [(name, f"{share:.0%}") for name, share in [*largest, ("others", others)]]


def table(profile: Profile) -> Table:
    """One workload, for the terminal."""
    title = f"{profile.workload.name}: {profile.calls:.0f} calls per step"
    shown = Table(title, "own time", box=None)
    shown.columns[1].justify = "right"
    for line in _lines(profile):
        shown.add_row(*line)
    return shown


def markdown(found: Sequence[Profile], options: Options, today: date) -> str:
    """The page."""
    lines = [
        "# Benchmarks: where a hand-written step's time goes",
        "",
        "The step of [benchmarks.md](benchmarks.md), by hand on NumPy arrays, under "
        "Python's own profiler, which makes calls more expensive than they are. The "
        "time of an operator, such as @, counts for the function that uses it.",
        "",
        f"Written by `python -m benchmarks.profile --write` on {today}.",
        "",
        *page.conditions(options),
        "",
    ]
    for one in found:
        lines += [f"## {one.workload.name}: {one.workload.title}", ""]
        lines += [f"{one.calls:.0f} function calls per step.", ""]
        rows = [(f"`{name}`", share) for name, share in _lines(one)]
        lines += [*page.table(["function", "own time"], rows), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
