"""One look, and the other side is the same question with the step turned round."""

DIAGNOSIS = "right"


def blind_step(error, x, value, step, turned=False):
    found = error(x + step)
    if found < value:
        return x + step, found, step
    if turned:
        return x, value, -step / 2
    return blind_step(error, x, value, -step, True)
