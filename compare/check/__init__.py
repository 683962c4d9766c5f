"""Checking anyone's layers, losses and optimizers against torch, and naming mistakes.

process, worker    run each file in a process of its own, and outlive it
judge, loading, by_hand    load a file, and check all that it defines
definitions, libraries     what a file defines, and what its names stand for
forms       which of the forms it is written in: found by names, and by trying it
calling, roles, parameters, arguments, signatures    calls it in this form
checker     checks a definition by its kind: a layer or a loss itself, others in
            optimizers, schedules, functions, course, dropout, training_step
nets, net_builder    a whole net: calling it; its sizes and form, found by trying
net_losses, net_layers    the losses it may descend on; layers with known mistakes
comparison  what these share: collects the results of all test cases, then concludes
mistakes/   which known mistake explains what is wrong; slopes measures gradients
example, wording, report    the smallest failing test case, its text, the output
"""

from compare._callable import make_callable

make_callable(__name__, "check")
