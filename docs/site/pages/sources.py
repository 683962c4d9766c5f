"""The formulas of a name, and its hand-written source beside its twin's."""

from compare.show import source
from compare.show.core import core
from compare.show.docstring import FORMULAS, sections
from compare.show.names import lookup

PAIR = """<details{open}><summary><code>{name}</code></summary>

{formulas}
:::::{{container}} twins
::::{{container}} twin
**handmade.{name}**

```python
{ours}
```
::::
::::{{container}} twin
**torch_ref.{name}**

```python
{theirs}
```
::::
:::::

</details>
"""


def side_by_side(name: str, shown: bool = True) -> str:
    """Formulas and two columns for a dotted name, open or to be opened."""
    return PAIR.format(
        name=name,
        open=" open" if shown else "",
        formulas=_formulas(name),
        ours=core(source.of_handmade(name)),
        theirs=source.of_torch(name),
    )


def _formulas(name: str) -> str:
    said = sections(lookup(name))
    found = [f"{title}:\n{said[title]}" for title in FORMULAS if title in said]
    return "```text\n{}\n```\n".format("\n\n".join(found)) if found else ""
