"""Checking somebody's own file against torch, and saying in words what is wrong.

`subjects` finds what the file defines, `driving` asks it, `checker` judges, `diagnosis`
names the mistakes, `child` runs it all in a process of its own, `report` prints.
"""

from compare._callable import make_callable

make_callable(__name__, "check")
