"""Checking somebody's own file against torch, and saying in words what is wrong.

`subjects` finds and drives what the file defines, `diagnosis` names the mistakes,
`checker` judges, `child` runs it all in a process of its own, `report` prints.
"""
