"""A page for each lesson: what is new in it, one step, the last run, what to try."""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from compare import course, registry, run_folder, templates
from compare.experiment import Experiment
from compare.verdict import ORDER
from pages import sources
from pages.files import Pages
from pages.first_step import first_step
from pages.kinds import LEGEND
from pages.markdown import code, table

PAGE = """---
hide-toc: true
---

# {title}

{story}

[{course}](../guides/course.md) · *{heading}*

## New in this lesson

By hand on the left, PyTorch on the right, without what checks arguments; `xp` is the
array library.

{new}
## One step in numbers

The first training step: the parameter with the largest gradient.

{step}
## The last run

{run}
{legend}

## The definition

One definition builds both sides: `nn` and `optim` are `handmade`'s once, and once
`torch_ref`'s.

```python
{definition}
```

## Try it

{next}
"""
NOT_RUN = """There is no finished run yet. Make one, and then the site again:

```sh
python -m compare run {name}
```

{claims}
"""
FIGURE = """```{{figure}} {name}/{picture}.png
:alt: {picture}

{caption} · {when}, {machine}
```
"""
CURVES = "Training loss by hand and by PyTorch, and their difference"
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
EXERCISES = """- Do the exercises of this part of the course by hand:

  ```sh
  python -m compare exercises {part} --quiz
  ```
"""
INDEX = """# Lessons

{lists}
```{{toctree}}
:maxdepth: 1
:hidden:

{toctree}
```
"""


def write(folder: Path, runs: Path) -> None:
    """Write the pages of all lessons, and their list."""
    pages = Pages(folder)
    for name in registry.names():
        pages.add(f"{name}.md", _page(pages, name, runs))
    toctree = "\n".join(registry.names())
    pages.add("index.md", INDEX.format(lists=listed("##"), toctree=toctree))
    pages.finish()


def listed(heading: str) -> str:
    """All lessons by chapter, as links that bear their titles."""
    lines: list[str] = []
    chapter = ""
    for name in registry.names():
        _, parts = course.title_and_course(name)
        if parts[0][0] != chapter:
            chapter = parts[0][0]
            lines.append(f"\n{heading} {course.CHAPTERS[chapter]}\n")
        lines.append(f"- [](/lessons/{name}.md)")
    return "\n".join(lines) + "\n"


def _page(pages: Pages, name: str, runs: Path) -> str:
    lesson = registry.load(name)[1]
    return PAGE.format(
        title=lesson.title,
        story=lesson.story,
        course=", ".join(lesson.course),
        heading=lesson.heading,
        new="\n".join(map(sources.side_by_side, lesson.teaches)),
        step=first_step(lesson),
        run=_run(pages, name, lesson, runs),
        legend=LEGEND,
        definition=inspect.getsource(
            sys.modules[f"compare.experiments.{name}"]
        ).strip(),
        next="\n".join([NEXT.format(name=name), *_exercises(lesson)]),
    )


def _exercises(lesson: Experiment) -> list[str]:
    """How to write one of the parts oneself, and what to compute by hand."""
    known = [part.rpartition(".")[2] for part in lesson.teaches]
    found = [TRY.format(part=part) for part in known if part in templates.names()][:1]
    with_exercises = {part.id for part in course.PARTS if "exercises" in part.commands}
    asked = [part for part in lesson.course if part in with_exercises]
    return found + [EXERCISES.format(part=part) for part in asked[:1]]


def _run(pages: Pages, name: str, lesson: Experiment, runs: Path) -> str:
    """The result of the newest finished run of a lesson, with its pictures."""
    folder = newest(name, runs)
    if folder is None:
        claims = table(("check",), ([text] for text in lesson.claims))
        return NOT_RUN.format(name=name, claims=claims)
    said = run_folder.read_summary(folder)
    rows = (
        ("✓" if claim["holds"] else "✗", text, code(claim["found"]))
        for text, claim in said["claims"].items()
    )
    captions = {n: n.replace("_", " ").capitalize() for n in lesson.figures}
    captions["curves"] = CURVES
    figures = ""
    for picture, caption in captions.items():
        pages.add(f"{name}/{picture}.png", (folder / f"{picture}.png").read_bytes())
        figures += FIGURE.format(
            name=name,
            picture=picture,
            caption=caption,
            when=said["began"][:10],
            machine=said["machine"],
        )
    checks = table(("", "check", "result"), rows)
    return f"{_facts(said)}\n\n{checks}\n{figures}\n"


def newest(name: str, runs: Path) -> Path | None:
    """The folder of the newest run that took the lesson's own way to its end."""
    for folder in reversed(run_folder.runs(runs)):
        if folder.parent.name != name:
            continue
        try:
            said = run_folder.read_summary(folder)
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
    row = [kind, *(f"`{fact}`" for fact in facts.values())]
    return table(("verdict", *facts), [row])
