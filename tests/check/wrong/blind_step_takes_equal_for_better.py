"""An equal error counts as better, so on level ground it runs away."""

DIAGNOSIS = "mistake: equal taken for better"


def blind_step(error, x, value, step):
    for way in (step, -step):
        found = error(x + way)
        if found <= value:
            return x + way, found, way
    return x, value, step / 2
