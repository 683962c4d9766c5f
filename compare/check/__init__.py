"""Checking anyone's layers, losses and optimisers against torch, and naming mistakes.

process   runs a file in a process of its own (child), and outlives it
definitions, arguments, adapters    what a file defines, and how it is called
checker   compares with torch in every test case; functions, optimizers, … likewise
diagnosis, mistakes/    which known mistake explains what is wrong
finding, example, report    the result, the smallest failing case, the output
"""

from compare._callable import make_callable

make_callable(__name__, "check")
