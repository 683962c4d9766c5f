"""It goes where the error grows."""

DIAGNOSIS = "mistake: greater taken for better"


def blind_step(error, x, value, step):
    for way in (step, -step):
        if (found := error(x + way)) > value:
            return x + way, found, way
    return x, value, step / 2
