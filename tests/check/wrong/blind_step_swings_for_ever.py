"""The step is never halved, so it turns about the lowest point for ever."""

DIAGNOSIS = "mistake: never halved"


def blind_step(error, x, value, step):
    if (found := error(x + step)) < value:
        return x + step, found, step
    return x - step, error(x - step), -step
