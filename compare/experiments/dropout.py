"""Dropping units at random, so that none can rely on the others."""

from compare.experiments import overfitting

EXPERIMENT = overfitting.regularised(
    "dropout",
    overfitting.learner(drop=(0.2, 0.5, 0.5)),
    title="Dropout closes the gap between seen and unseen digits",
    course=("F4",),
    teaches=("nn.Dropout",),
    story="In training every unit is dropped with probability ½ (inputs: 0.2) and the "
    "others are scaled up, so that the sums stay as large; backward the same units are "
    "left out. In evaluation all are there. Both sides drop the same units: they are "
    "drawn once for both.",
)
