"""Which parameters of a test run in `make test`, and which in `make test-all` only."""

import pytest


def first_of_each(values, group):
    """The values as parameters; all but the first of each group are slow.

    Args:
        values: of one parameter; those with an `id` are called by it.
        group: of a value: a function.
    """
    seen, parameters = set(), []
    for value in values:
        marks = [pytest.mark.slow] if group(value) in seen else []
        seen.add(group(value))
        identity = getattr(value, "id", None)
        parameters.append(pytest.param(value, id=identity, marks=marks))
    return parameters
