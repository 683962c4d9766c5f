"""The hand-written source of a name beside its twin's."""

import inspect
import textwrap
from operator import attrgetter
from typing import Any

import handmade
import torch_ref

PAIR = """<details{open}><summary><code>{name}</code></summary>

:::::{{container}} twins
::::{{container}} twin
**handmade.{name}**

```python
{ours}
```
::::
::::{{container}} twin
**torch_ref.{name}**{note}

```python
{theirs}
```
::::
:::::

</details>
"""


def side_by_side(name: str, shown: bool = True) -> str:
    """Two columns for a dotted name such as "nn.Linear", open or to be opened."""
    ours, theirs = attrgetter(name)(handmade), attrgetter(name)(torch_ref)
    origin = theirs.__module__
    note = "" if origin.startswith("torch_ref") else f", which is `{origin}`'s"
    return PAIR.format(
        name=name,
        open=" open" if shown else "",
        ours=_source(ours),
        theirs=_source(theirs),
        note=note,
    )


def _source(value: Any) -> str:
    return textwrap.dedent(inspect.getsource(value)).strip()
