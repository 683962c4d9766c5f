"""One public name of `handmade` beside its twin: sources, formulas, and live numbers.

Everything is read from the code or computed on the spot, so that it cannot drift.
"""

from compare._callable import make_callable

make_callable(__name__, "show")
