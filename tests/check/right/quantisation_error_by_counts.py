"""Of every centre the number of members and their sum are enough."""

import numpy as np

X = np.array([-7.0, -6.5, -5.0, 0.3, 1.1, 4.0, 6.0, 8.5])


def quantisation_error(centres):
    squared = (X[:, None] - centres[None, :]) ** 2
    return np.mean(squared.min(axis=1))


def grad_quantisation_error(centres):
    nearest = np.argmin((X[:, None] - centres[None, :]) ** 2, axis=1)
    counts = np.bincount(nearest, minlength=len(centres))
    sums = np.bincount(nearest, weights=X, minlength=len(centres))
    return 2 / len(X) * (counts * centres - sums)
