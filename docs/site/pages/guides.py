"""The pages that are also read in the repository."""

import re
from pathlib import Path

from pages import links
from pages.files import Pages

GUIDES = (
    *("course", "using", "comparing", "checking", "adding"),
    *("benchmarks", "benchmarks-scaling", "benchmarks-profile", "benchmarks-cuda"),
    *("scaling", "mutants"),
)
LAST_COLUMN = re.compile(r"(?<=\|)[^|]*\|$", re.MULTILINE)
"""Of the course: the tests, which have no page."""
LESSON = re.compile(r"\]\(\.\./compare/experiments/(\w+)\.py\)")
"""A link to the file of a lesson."""
NAME = re.compile(r"\[([\w.]+)\]\(\.\./handmade/[\w/]+\.py\)")
"""A link from a name of `handmade` to its file."""
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./(?!lessons/)[^)]+\)")
"""A link to a file of the repository that no page of the site holds."""

INDEX = """# Guides

```{{toctree}}
:maxdepth: 1

{toctree}
```
"""


def write(folder: Path, docs: Path) -> None:
    """Copy the guides that there are, with their pictures."""
    pages = Pages(folder)
    there = [name for name in GUIDES if (docs / f"{name}.md").is_file()]
    for name in there:
        text = (docs / f"{name}.md").read_text(encoding="utf-8")
        text = LAST_COLUMN.sub("", text) if name == "course" else text
        pages.add(f"{name}.md", _linked(text))
    for picture in docs.glob("*.png"):
        pages.add(picture.name, picture.read_bytes())
    pages.add("index.md", INDEX.format(toctree="\n".join(there)))
    pages.finish()


def _linked(text: str) -> str:
    """With links to pages of the site instead of files of the repository."""
    text = LESSON.sub(r"](../lessons/\1.md)", text)
    text = NAME.sub(lambda m: f'<a href="{links.reference(m[1])}">{m[1]}</a>', text)
    return OUTSIDE.sub(r"`\1`", text)
