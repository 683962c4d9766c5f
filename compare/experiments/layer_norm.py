"""Subtract the mean and divide by the deviation of each example, in every layer."""

from compare.experiments.common.deep_nets import WIDTH, lesson

EXPERIMENT = lesson(
    "layer_norm",
    lambda nn: [nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.Tanh()],
    0.8,
    title="Layer normalisation: ten layers learn after all",
    course=("F4",),
    teaches=("nn.LayerNorm",),
    story="As batch normalisation, but over the features of one example: it needs no "
    "batch and does the same in training and evaluation.",
)
