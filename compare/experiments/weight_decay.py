"""Regularisation: every weight has to be worth its size."""

from compare.experiments import overfitting

EXPERIMENT = overfitting.regularised(
    "weight_decay",
    overfitting.learner(weight_decay=0.01),
    title="Weight decay closes the gap between seen and unseen digits",
    course=("F4",),
    teaches=("optim.SGD",),
    story="λ θ is added to the gradient, the derivative of ½ λ θ²: what the data do "
    "not ask for shrinks away. The net can no longer afford the large weights that "
    "make it sure of what it has merely learned by heart.",
)
