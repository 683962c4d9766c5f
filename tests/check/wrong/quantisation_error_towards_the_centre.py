"""The way the centres should go is taken for the gradient."""

import numpy as np

DIAGNOSIS = "mistake: inner derivative missing"
X = np.array([-7.0, -6.5, -5.0, 0.3, 1.1, 4.0, 6.0, 8.5])


def quantisation_error(centres):
    squared = (X[:, None] - centres[None, :]) ** 2
    return np.mean(squared.min(axis=1))


def grad_quantisation_error(centres):
    nearest = np.argmin((X[:, None] - centres[None, :]) ** 2, axis=1)
    members = nearest[:, None] == np.arange(len(centres))
    return 2 * np.mean(members * (X[:, None] - centres), axis=0)
