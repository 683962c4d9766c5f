"""After turning round it goes on with steps twice as long, so it swings ever wider."""

DIAGNOSIS = "mistake: step too long after turning"


def blind_step(error, x, value, step):
    if (found := error(x + step)) < value:
        return x + step, found, step
    if (found := error(x - step)) < value:
        return x - step, found, -2 * step
    return x, value, step / 2
