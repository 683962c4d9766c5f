"""Checking anyone's layers, losses and optimisers against torch, and naming mistakes.

process, worker    run each file in a process of its own, and outlive it
judge, loading, by_hand    load a file, and check all that it defines
definitions, arguments, adapters    what a file defines, and how it is called
checker     checks a definition by its kind: a layer or a loss itself, others in
            optimizers, functions, course, random_layers
comparison  what these share: collects the results of all test cases, then concludes
mistakes/   which known mistake explains what is wrong; slopes measures gradients
example, wording, report    the smallest failing test case, its text, the output
"""

from compare._callable import make_callable

make_callable(__name__, "check")
