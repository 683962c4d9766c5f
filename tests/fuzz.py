"""Many random examples of every class, against torch: `make fuzz`.

One seed is one example, so a mismatch is reproduced by
`python tests/fuzz.py --seed SEED --examples 1`.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

import torch
from agreement import check
from strategies import NAMES, seeded

CHUNK = 500


@dataclass
class Tally:
    """The result of a range of seeds."""

    counts: Counter[str] = field(default_factory=Counter)
    failure: str = ""


def checked(seeds: range) -> Tally:
    """Check the examples of `seeds` up to the first mismatch."""
    tally = Tally()
    for seed in seeds:
        name, example = seeded(seed)
        try:
            check(example)
        except Exception as error:
            tally.failure = (
                f"MISMATCH: {name}, seed {seed}\n{type(error).__name__}: {error}\n"
                f"{example}\npython tests/fuzz.py --seed {seed} --examples 1"
            )
            break
        tally.counts[name] += 1
    return tally


def strictly() -> None:
    """Make warnings errors, and give each process one thread."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "reduction: 'mean' divides the total loss")
    torch.set_num_threads(1)


def tallies(chunks: list[range], processes: int) -> Iterator[Tally]:
    """The tally of each chunk as it is ready."""
    if processes == 1:
        yield from map(checked, chunks)
        return
    with get_context("spawn").Pool(processes, strictly) as pool:
        yield from pool.imap_unordered(checked, chunks)


def run(seed: int, examples: int, processes: int) -> int:
    """Check all examples, print the counts; 1 at the first mismatch, else 0."""
    seeds, start = range(seed, seed + examples), time.monotonic()
    chunks = [seeds[i : i + CHUNK] for i in range(0, examples, CHUNK)]
    total: Counter[str] = Counter()
    for tally in tallies(chunks, processes):
        total += tally.counts
        if tally.failure:
            print(tally.failure, file=sys.stderr)
            return 1
    for name in NAMES:
        print(f"{name:20}{total[name]:8,}")
    spent = time.monotonic() - start
    print(f"{'total':20}{total.total():8,} examples, 0 mismatches, {spent:.0f} s")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first example")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    return run(given.seed, given.examples, given.processes)


if __name__ == "__main__":
    strictly()
    sys.exit(main())
