"""The generated pages of the site, one file for each kind.

Everything in them comes from the code, its docstrings and the last runs.
"""
