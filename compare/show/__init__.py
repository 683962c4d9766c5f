"""One public name of `handmade` beside its twin: sources, formulas and live numbers.

`names` finds the name, `source` has both sources, `docstring` the formulas, `example`
computes with both libraries, `page` and `html` render. `show(name)` is
`compare.notebook.show`.
"""

from compare._callable import make_callable

make_callable(__name__, "show")
