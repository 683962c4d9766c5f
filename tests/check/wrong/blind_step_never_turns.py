"""After a better point behind it tries ahead first again."""

DIAGNOSIS = "mistake: direction not turned"


def blind_step(error, x, value, step):
    for way in (step, -step):
        if (found := error(x + way)) < value:
            return x + way, found, step
    return x, value, step / 2
