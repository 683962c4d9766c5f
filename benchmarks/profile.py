"""Where the time of a hand-written step goes: the own share of each function."""

import cProfile
import pstats
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table

import handmade
from compare.bench import paper
from compare.bench.implementations import OnNumpy
from compare.bench.options import How, held
from compare.bench.timing import TURN, WARM_UP, Step
from compare.bench.workloads import WORKS, Work, work

PAGE = "benchmarks-profile.md"
MOST = 12
"""So many functions are named, the others counted together."""
TURNS = 40
"""A profile takes as long as so many turns of the bench."""


@dataclass(frozen=True)
class Profile:
    """What a step of one work does.

    Args:
        work: which.
        shares: of the time, by function, the largest first; what an operator such as @
            takes counts for the function that it stands in.
        calls: of functions in a step.
    """

    work: Work
    shares: dict[str, float]
    calls: float


def profiles(names: Sequence[str] = (), how: How | None = None) -> Iterator[Profile]:
    """Profile the hand-written step on NumPy arrays, work by work.

    Args:
        names: of works; all if there are none.
        how: in what, and with how many threads.

    Raises:
        ValueError: there is no such work.
    """
    how = how or How()
    chosen = [work(name, WORKS) for name in dict.fromkeys(names)] or [*WORKS.values()]
    return (_profile(one, how) for one in chosen)


def _profile(one: Work, how: How) -> Profile:
    handmade.manual_seed(0)
    start = one.learner(handmade).parameters()
    with held(how):
        return profiled(one, OnNumpy(one, start, how.dtype).step, TURNS * TURN)


def profiled(one: Work, step: Step, seconds: float) -> Profile:
    """The profile of a step that is taken again and again for about so long."""
    for _ in range(WARM_UP):
        step()
    profiler, steps = cProfile.Profile(), 0
    while steps == 0 or _total(profiler) < seconds:
        profiler.enable()
        for _ in range(WARM_UP):
            step()
        profiler.disable()
        steps += WARM_UP
    own: dict[str, float] = {}
    calls = 0
    for place, (_, times, seconds_own, *_) in _functions(profiler):
        calls += times
        own[_named(place)] = own.get(_named(place), 0.0) + seconds_own
    largest = sorted(own, key=lambda name: -own[name])
    total = sum(own.values())
    return Profile(one, {name: own[name] / total for name in largest}, calls / steps)


def _functions(profiler: cProfile.Profile) -> Iterator[Any]:
    """Each function and its figures, without the profiler's own end."""
    stats: Any = pstats.Stats(profiler)
    return (item for item in stats.stats.items() if "_lsprof" not in item[0][2])


def _total(profiler: cProfile.Profile) -> float:
    return pstats.Stats(profiler).total_tt  # pyright: ignore


def _named(place: tuple[str, int, str]) -> str:
    """A function by its file within its package, or what NumPy and Python call it."""
    path, _, name = place
    parts = Path(path).parts
    for package in ("handmade", "array_api_compat", "numpy", "compare"):
        if package in parts:
            last = len(parts) - 1 - parts[::-1].index(package)
            return f"{'/'.join(parts[last:])}: {name}"
    return name.strip("<>{}").removeprefix("built-in method ")


def _lines(profile: Profile) -> list[tuple[str, float]]:
    """The functions that take most, and all others together."""
    named = list(profile.shares.items())[:MOST]
    return [*named, ("all others", 1 - sum(share for _, share in named))]


def table(profile: Profile) -> Table:
    """One work's functions, for the terminal."""
    title = f"{profile.work.name}: {profile.calls:.0f} calls a step"
    shown = Table(title, "own share", box=None)
    shown.columns[1].justify = "right"
    for name, share in _lines(profile):
        shown.add_row(name, f"{share:.0%}")
    return shown


def page(found: Sequence[Profile], how: How, today: date) -> str:
    """The Markdown page."""
    lines = [
        "# Benchmarks: where a hand-written step's time goes",
        "",
        "The step of [benchmarks.md](benchmarks.md), by hand on NumPy arrays, under "
        "Python's own profiler, which makes calls dearer than they are. What an "
        "operator takes, as the @ of a matrix product, counts for the function that it "
        "stands in.",
        "",
        f"Written by `python -m compare bench --profile --write` on {today}.",
        "",
        f"- machine: {paper.machine()}",
        f"- settings: threads {how.threads}, dtype {how.dtype}",
        f"- versions: {paper.versions()}",
        "",
    ]
    for one in found:
        lines += [f"## {one.work.name}: {one.work.title}", ""]
        lines += [f"{one.calls:.0f} calls of functions a step.", ""]
        lines += ["| function | own share |", "|---|---:|"]
        lines += [f"| `{name}` | {share:.0%} |" for name, share in _lines(one)]
        lines += [""]
    return "\n".join(lines)


def write(folder: Path, found: Sequence[Profile], how: How) -> Path:
    """Write the page into `folder`, whole or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    return paper.write(folder / PAGE, page(found, how, date.today()))
