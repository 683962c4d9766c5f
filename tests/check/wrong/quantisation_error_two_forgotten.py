"""The 2 of the square is forgotten."""

import numpy as np

DIAGNOSIS = "mistake: exponent does not come down"
X = np.array([-7.0, -6.5, -5.0, 0.3, 1.1, 4.0, 6.0, 8.5])


def quantisation_error(centres):
    squared = (X[:, None] - centres[None, :]) ** 2
    return np.mean(squared.min(axis=1))


def grad_quantisation_error(centres):
    nearest = np.argmin((X[:, None] - centres[None, :]) ** 2, axis=1)
    members = nearest[:, None] == np.arange(len(centres))
    return np.mean(members * (centres - X[:, None]), axis=0)
