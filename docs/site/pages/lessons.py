"""A page for each lesson: idea, last run, definition, both sources, what next."""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from compare import logger, registry
from compare.experiment import Experiment
from compare.verdict import ORDER
from pages import sources, used
from pages.files import Pages
from pages.kinds import LEGEND

CONTAINERS = ("nn.Sequential", "nn.Residual", "nn.Flatten")
"""Parts that only hold or reshape others: no exercise."""
PAGE = """---
hide-toc: true
---

# {title}

{story}

{course} · *{heading}*

## As last run

{run}
{legend}

## The definition

One definition builds both sides: `nn` and `optim` are `handmade`'s once, and once
`torch_ref`'s.

```python
{definition}
```

{twins}
## What to try next

{next}
"""
TWINS = """## Both sources

What is new in this lesson is open.

{pairs}
"""
NOT_RUN = """There is no finished run yet. Make one, and then the site again:

```sh
python -m compare run {name}
```

| claim |
|---|
{claims}
"""
NEXT = """- Run it yourself, on other arrays or from another seed:

  ```sh
  python -m compare run {name}
  python -m compare run {name} --array torch --dtype float32 --seed 1
  python -m compare board {name}
  ```
"""
TRY = """- Write one of its parts yourself, and ask whether it is right:

  ```sh
  python -m compare template {part} > mine.py
  python -m compare check mine.py
  ```
"""


def write(folder: Path, runs: Path) -> None:
    """Write the pages of all lessons, in the order of the course."""
    pages = Pages(folder)
    first: dict[str, str] = {}
    names = in_course_order()
    for name in names:
        parts = used.names(registry.load(name)[1])
        for part in parts:
            first.setdefault(part, name)
        pages.add(f"{name}.md", _page(pages, name, parts, first, runs))
    toctree = "\n".join(names)
    pages.add(
        "index.md", f"# Lessons\n\n```{{toctree}}\n:maxdepth: 1\n\n{toctree}\n```\n"
    )
    pages.finish()


def in_course_order() -> list[str]:
    """The names of all lessons by the part of the course that they are first for."""
    return sorted(
        registry.names(), key=lambda name: (registry.load(name)[1].course, name)
    )


def _page(
    pages: Pages, name: str, parts: list[str], first: dict[str, str], runs: Path
) -> str:
    """The page of a lesson; `first` says which lesson is the first to use a part."""
    lesson = registry.load(name)[1]
    new = [part for part in parts if first[part] == name]
    return PAGE.format(
        title=lesson.title,
        story=lesson.story,
        course=", ".join(lesson.course),
        heading=lesson.heading,
        run=_run(pages, name, lesson, runs),
        legend=LEGEND,
        definition=_definition(name),
        twins=_both_sources(parts, new),
        next=NEXT.format(name=name) + "\n" + _exercise([*new, *parts]),
    )


def _both_sources(parts: list[str], new: list[str]) -> str:
    """Both sources of every part; what earlier lessons had waits to be opened."""
    pairs = "\n".join(sources.side_by_side(part, part in new) for part in parts)
    return TWINS.format(pairs=pairs) if parts else ""


def _exercise(parts: list[str]) -> str:
    """How to write one of the parts oneself, where there is a template of one."""
    from compare import templates

    known = templates.names()
    found = [part.rpartition(".")[2] for part in parts if part not in CONTAINERS]
    return next((TRY.format(part=part) for part in found if part in known), "")


def _definition(name: str) -> str:
    """The whole file of a lesson."""
    registry.load(name)
    return inspect.getsource(sys.modules[f"compare.experiments.{name}"]).strip()


def _run(pages: Pages, name: str, lesson: Experiment, runs: Path) -> str:
    """What the newest finished run of a lesson came to, with its pictures."""
    folder = newest(name, runs)
    if folder is None:
        claims = "\n".join(f"| {text} |" for text in lesson.claims)
        return NOT_RUN.format(name=name, claims=claims)
    said = logger.read_summary(folder)
    rows = "".join(
        f"| {'✓' if claim['holds'] else '✗'} | {text} | `` {claim['found']} `` |\n"
        for text, claim in said["claims"].items()
    )
    for picture in ("curves", *lesson.figures):
        pages.add(f"{name}/{picture}.png", (folder / f"{picture}.png").read_bytes())
    figures = "\n\n".join(
        f"![{picture}]({name}/{picture}.png)" for picture in (*lesson.figures, "curves")
    )
    return f"{_facts(said)}\n\n| | claim | found |\n|---|---|---|\n{rows}\n{figures}\n"


def newest(name: str, runs: Path) -> Path | None:
    """The folder of the newest run that took the lesson's own way to its end."""
    for folder in reversed(logger.runs(runs)):
        if folder.parent.name != name:
            continue
        try:
            said = logger.read_summary(folder)
        except (OSError, json.JSONDecodeError, ValueError):
            continue
        if said["status"] == "finished" and not said["fast"] and not said["data"]:
            return folder
    return None


def _facts(said: dict[str, Any]) -> str:
    """What a run was, and the gravest verdict of all its trials."""
    verdicts = said["verdict"].values()
    kind = max((verdict["kind"] for verdict in verdicts), key=ORDER.index)
    facts = {
        "steps": said["steps"],
        "trials": len(verdicts),
        "dtype": said["dtype"],
        "arrays": said["array"],
        "device": said["device"],
    }
    head = " | ".join(["verdict", *facts])
    line = " | ".join("---" for _ in (kind, *facts))
    row = " | ".join([kind, *(f"`{fact}`" for fact in facts.values())])
    return f"| {head} |\n| {line} |\n| {row} |"
