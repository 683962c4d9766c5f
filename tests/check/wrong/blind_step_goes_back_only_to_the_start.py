"""It goes back once as far instead of twice: to where it came from."""

DIAGNOSIS = "mistake: only back to the start"


def blind_step(error, x, value, step):
    ahead = x + step
    if (found := error(ahead)) < value:
        return ahead, found, step
    behind = ahead - step
    if (found := error(behind)) < value:
        return behind, found, -step
    return x, value, step / 2
