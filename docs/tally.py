"""Counts the hand-written classes and measures their difference from torch.

python docs/tally.py          prints the table
python docs/tally.py --write  puts it into README.md, between its two marks
"""

import re
import sys
from pathlib import Path

import numpy as np
import torch

import handmade
import torch_ref
from compare import registry, solved_exercises
from compare.backend import to_numpy
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case, rng_of
from compare.testing.reference import drawn, found, torchs
from compare.tolerance import difference

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
MARKS = "<!-- tally: python docs/tally.py --write -->\n", "<!-- /tally -->"
STEPS = 50
"""Taken by each optimizer."""


def relative(got: np.ndarray, want: np.ndarray) -> float:
    """Max |got − want| / max |want|; where `want` is all 0, max |got − want|."""
    found = difference(got, want)
    return found.max_abs / (found.scale or 1.0)


def of_module(case: Case) -> float:
    """The largest difference of output and gradients, on NumPy arrays in float64."""
    question = drawn(case)
    want = torchs(question)
    got = found(getattr(handmade.nn, case.name), question, lambda a: a)
    return max(relative(got[name], value) for name, value in want.items())


def of_optimizer(case: Case) -> float:
    """The largest difference of the parameters after all steps."""
    rng = rng_of(case)
    start = [rng.normal(size=shape) for shape in case.shapes]
    gradients = [[rng.normal(size=s) for s in case.shapes] for _ in range(STEPS)]
    ends = []
    for library, give in ((handmade, np.asarray), (torch_ref, torch.tensor)):
        parameters = [library.nn.Parameter(give(a.copy())) for a in start]
        optimizer = getattr(library.optim, case.name)(parameters, **case.kwargs)
        for step in gradients:
            for parameter, gradient in zip(parameters, step, strict=True):
                parameter.grad = give(gradient)
            optimizer.step()
        ends.append([to_numpy(parameter.data) for parameter in parameters])
    return max(relative(*pair) for pair in zip(*ends, strict=True))


def counted() -> dict[str, str]:
    """The counts, the same on every machine."""
    lessons = [registry.load(name)[1] for name in registry.names()]
    claims = sum(len(lesson.claims) for lesson in lessons)
    exercises = {(e.id, e.heading) for e in solved_exercises.EXERCISES}
    return {
        **{
            what: f"{len({c.name for c in cases})} classes in {len(cases)} cases"
            for what, cases in _kinds().items()
        },
        "lessons": f"{len(lessons)}, with {claims} checks on both sides; "
        f"{len(exercises)} exercises of the course, solved three ways",
        "mutants": mutants(),
    }


def _kinds() -> dict[str, list[Case]]:
    return {"layers": LAYERS, "losses": LOSSES, "optimizers": OPTIMIZERS}


def mutants() -> str:
    """The result of the last `make mutants`, from docs/mutants.md."""
    page = (DOCS / "mutants.md").read_text(encoding="utf-8")
    said = re.search(r"on (\d{4}-\d\d-\d\d)", page), re.search(r"\*\*(.+?)\*\*", page)
    when, killed = (match[1] if match else "" for match in said)
    files = len(re.findall(r"^\| handmade/", page, re.M))
    sample = "of a random sample, " if "random sample" in page else ""
    return (
        f"{sample}{killed.replace(' mutants', '')} in {files} files "
        f"[on {when}](docs/mutants.md)"
    )


def table() -> str:
    """The Markdown table, with the largest difference of all cases of each kind."""
    rows = counted()
    for what, cases in _kinds().items():
        ask = of_optimizer if what == "optimizers" else of_module
        worst = max(ask(case) for case in cases)
        rows[what] += f"; largest difference from torch {worst:.0e}"
    lines = "".join(f"| {what} | {said} |\n" for what, said in rows.items())
    return f"| | |\n|---|---|\n{lines}"


def main(*options: str) -> None:
    """Print the table, or put it into the README."""
    made = table()
    if "--write" not in options:
        print(made, end="")
        return
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKS[0])
    _, mark, tail = rest.partition(MARKS[1])
    if not mark:
        raise ValueError(f"{README} has no marks {MARKS}")
    README.write_text(f"{head}{MARKS[0]}\n{made}\n{mark}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
