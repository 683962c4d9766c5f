"""The front page: what it is, a picture, how to install it, where to start."""

from pathlib import Path

from pages.files import Pages
from pages.lessons import listed

PAGE = """---
hide-toc: true
---

# handmade

Deep-learning basics with every derivative written by hand, standing beside the same
thing in PyTorch. Both sides are trained in lockstep, from the same weights on the same
batches, and compared at every step.

:::::{{container}} twins
::::{{container}} twin
```python
output = model(x)
loss = criterion(output, target)
optimizer.zero_grad()
model.backward(criterion.backward())
optimizer.step()
```
::::
::::{{container}} twin
```python
output = model(x)
loss = criterion(output, target)
optimizer.zero_grad()
loss.backward()
optimizer.step()
```
::::
:::::

The same training step: by hand, and with autograd.

```{{figure}} guides/report.png
:alt: report of a run

The report of a run: verdict, both loss curves, their difference under its tolerance
```

## Install

```sh
make run            # from a clone: sets up .venv and runs the first two lessons
```

Without make:

```sh
python -m venv .venv
.venv/bin/python -m pip install -c constraints.txt -e .
.venv/bin/python -m compare run or_gate
```

## Start here

- [OR from one linear neuron](lessons/or_gate.md): the first lesson.
- [Exercises](exercises/index.md): every exercise of the course, with its working.
- [The calculation scheme](exercises/graphs.md): backpropagation, one step at a time.
- [The course](guides/course.md): from each part of the slides to lesson, code and test.
- [Checking your own code](guides/checking.md): is my layer, loss or optimizer right?

## Lessons

In the order of the course "Deep Learning: Grundlagen, Grundbegriffe, Grundübungen",
day 2.

{lessons}
```{{toctree}}
:maxdepth: 2
:hidden:

lessons/index
exercises/index
guides/index
reference/index
```
"""


def write(folder: Path) -> None:
    """Write index.md beside the folders of pages."""
    page = PAGE.format(lessons=listed("###"))
    Pages(folder).add("index.md", page)
