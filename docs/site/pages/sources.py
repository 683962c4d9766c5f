"""A name of `handmade`: its formulas, and both sources side by side."""

from compare.show import source
from compare.show.core import NOTE, core
from compare.show.docstring import FORMULAS, sections
from compare.show.names import lookup
from pages import links, mathml

PAIR = """### `{name}`

{formulas}
:::::{{container}} twins
::::{{container}} twin
```python
{ours}
```
::::
::::{{container}} twin
```python
{theirs}
```
::::
:::::

{links}
"""


def side_by_side(name: str) -> str:
    """Formulas, and two columns: by hand, and PyTorch."""
    return PAIR.format(
        name=name,
        formulas=formulas(name),
        ours=core(source.of_handmade(name)).removeprefix(f"{NOTE}\n"),
        theirs=source.of_torch(name),
        links=links.both(name),
    )


def formulas(name: str) -> str:
    """Those of the docstring, typeset."""
    said = sections(lookup(name))
    found = [mathml.html(said[title]) for title in FORMULAS if title in said]
    return f'<div class="formulas" lang="en">{"".join(found)}</div>\n' if found else ""
